"""What an organisation decides for itself."""

from typing import Any

from django.db import models
from django.db.models import Q

from orgs.models.people import Membership, Organisation
from semafore.kernel.tenancy import TenantModel
from semafore.kernel.versions import version_field, versioned

DEVICES_PER_MEMBER = (1, 50)
GUEST_STAY_DAYS = (1, 3650)
"""Least and most, both allowed; held by the services and by the database."""


class SecondDeviceApproval(models.TextChoices):
    """Who approves a member's further devices."""

    ADMINISTRATOR = "administrator"
    OWN_DEVICE = "own_device"


def default_managed_app() -> dict[str, Any]:
    """Managed app settings of an organisation that chose none."""
    return {}


class Policy(TenantModel):
    """An organisation's rules, one row each; every change is an event with before and after."""

    organisation = models.OneToOneField(
        Organisation, primary_key=True, on_delete=models.DO_NOTHING, related_name="+"
    )
    totp_required = models.BooleanField(default=False)
    devices_per_member = models.PositiveSmallIntegerField(default=6)
    second_device_approval = models.CharField(
        max_length=15, choices=SecondDeviceApproval, default=SecondDeviceApproval.ADMINISTRATOR
    )
    guest_stay_days = models.PositiveSmallIntegerField(default=90)
    external_room_approvers = models.PositiveSmallIntegerField(default=1)
    emergency_rooms = models.BooleanField(default=False)
    duty_approver = models.ForeignKey(
        Membership, null=True, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    """Who alone may open an emergency room."""
    push_wake_ups = models.BooleanField(default=True)
    managed_app = models.JSONField(default=default_managed_app)
    """Fields of `orgs.managed_app.ManagedApp`; who never changed any has none."""
    managed_app_version = models.PositiveIntegerField(default=1, db_default=1)
    """One more with each change of them."""
    version = version_field()

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(devices_per_member__range=DEVICES_PER_MEMBER),
                name="policy_devices_per_member",
            ),
            models.CheckConstraint(
                condition=Q(guest_stay_days__range=GUEST_STAY_DAYS), name="policy_guest_stay_days"
            ),
            models.CheckConstraint(
                condition=Q(external_room_approvers__in=(1, 2)), name="policy_room_approvers"
            ),
        )
        triggers = versioned("managed_app")

    def __str__(self) -> str:
        return str(self.organisation_id)
