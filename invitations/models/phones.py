"""Proofs that a person holds a phone number, and changes of one."""

from uuid import uuid4

from django.db import models
from django.db.models import Q

from invitations.models.invitations import Delivery
from orgs.models import Membership
from semafore.kernel import clock
from semafore.kernel.tenancy import TenantModel


class PhoneProof(TenantModel):
    """The current code of one number in one organisation, and the tries at it.

    One row for all onboardings of the number, so that starting again gives no further tries.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    phone = models.CharField(max_length=16)
    subject_id = models.UUIDField()
    """The onboarding or phone change that the code is for."""

    wanted_at = models.DateTimeField(null=True)
    """Since when a code is to be made and sent; None when there is nothing to do."""
    send_after = models.DateTimeField(null=True)
    failures = models.PositiveSmallIntegerField(default=0)
    delivery = models.CharField(max_length=6, choices=Delivery, default=Delivery.NONE)
    requests = models.PositiveSmallIntegerField(default=0)
    """Since `requests_since`: for the throttle that the person sees."""
    requests_since = models.DateTimeField(default=clock.now)
    requested_at = models.DateTimeField(null=True)

    code_hash = models.BinaryField(null=True)
    code_made_at = models.DateTimeField(null=True)
    tries = models.PositiveSmallIntegerField(default=0)
    locked_until = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["organisation", "phone"], name="phone_proof_once"),
        )
        indexes = (
            models.Index(
                fields=["organisation", "send_after"],
                condition=Q(wanted_at__isnull=False),
                name="phone_proof_to_send",
            ),
            models.Index(fields=["organisation", "requests_since"], name="phone_proof_by_age"),
        )

    def __str__(self) -> str:
        return str(self.id)


class PhoneQuota(models.Model):
    """How many codes went to one number, from all organisations together.

    Belongs to none of them, and names the number by a keyed hash alone.
    """

    phone_hash = models.BinaryField(primary_key=True)
    since = models.DateTimeField()
    sent = models.PositiveSmallIntegerField(default=0)

    def __str__(self) -> str:
        return "phone quota"


class PhoneChange(TenantModel):
    """A member's new number: proved by a code, then approved or denied."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    membership = models.ForeignKey(
        Membership,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name="phone_changes",
    )
    phone = models.CharField(max_length=16)
    requested_at = models.DateTimeField(default=clock.now)
    proved_at = models.DateTimeField(null=True)
    approved = models.BooleanField(null=True)
    """None until somebody decided."""
    decided_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(
        Membership, null=True, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    reason = models.CharField(max_length=500, blank=True)
    told_at = models.DateTimeField(null=True)
    """When approvers were told that it waits."""
    reminded_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["organisation", "id"], name="phone_change_organisation_id"
            ),
            models.UniqueConstraint(
                fields=["membership"],
                condition=Q(decided_at__isnull=True),
                name="phone_change_one_open",
            ),
            models.CheckConstraint(
                condition=Q(approved__isnull=True, decided_at__isnull=True)
                | Q(approved__isnull=False, decided_at__isnull=False, proved_at__isnull=False),
                name="phone_change_decided_whole",
            ),
        )
        indexes = (
            models.Index(fields=["organisation", "proved_at"], name="phone_change_by_time"),
            models.Index(
                fields=["organisation", "decided_at"],
                condition=~Q(phone=""),
                name="phone_change_to_forget",
            ),
            models.Index(
                fields=["organisation", "requested_at"],
                condition=Q(decided_at__isnull=True),
                name="phone_change_undecided",
            ),
            models.Index(
                fields=["organisation", "decided_at"],
                condition=~Q(reason=""),
                name="phone_change_reasoned",
            ),
        )

    def __str__(self) -> str:
        return str(self.id)
