"""One device on its way in."""

from uuid import uuid4

from django.db import models
from django.db.models import Q

from invitations.models.invitations import Invitation
from keys.models import Device
from orgs.models import Account, Membership
from semafore.kernel import clock
from semafore.kernel.models import SealedField
from semafore.kernel.tenancy import TenantModel


class LinkToken(TenantModel):
    """What an approved device shows to a second one of the same person; its SHA-256 is kept."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    token_hash = models.BinaryField(unique=True)
    device = models.ForeignKey(
        Device, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    """The device that shows it."""
    created_at = models.DateTimeField(default=clock.now, editable=False)
    expires_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["organisation", "id"], name="link_token_organisation_id"
            ),
        )

    def __str__(self) -> str:
        return f"link token {self.id}"


class Onboarding(TenantModel):
    """A device's way from an invitation or a link token to its approval.

    Its status is derived (selectors/onboarding.py). A device that starts again before it registered
    gets a new row, which supersedes the one before and its session.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    invitation = models.ForeignKey(
        Invitation,
        null=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name="onboardings",
    )
    link_token = models.ForeignKey(
        LinkToken, null=True, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    membership = models.ForeignKey(
        Membership, null=True, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    """Whose further device it is, or the pending membership made at registration."""
    account = models.ForeignKey(Account, null=True, on_delete=models.DO_NOTHING, related_name="+")
    """Who the person is by an endorsement, once one was verified."""

    phone = models.CharField(max_length=16, blank=True)
    phone_verified_at = models.DateTimeField(null=True)
    session_hash = models.BinaryField(null=True, unique=True)

    totp_key = SealedField(null=True)
    """A new second factor; becomes the person's at approval."""
    totp_last_step = models.BigIntegerField(null=True)
    totp_proven_at = models.DateTimeField(null=True)
    totp_tries = models.PositiveSmallIntegerField(default=0)
    totp_locked_until = models.DateTimeField(null=True)

    device = models.OneToOneField(
        Device, null=True, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    created_at = models.DateTimeField(default=clock.now, editable=False)
    expires_at = models.DateTimeField()
    """Until when the device must have registered."""
    superseded_at = models.DateTimeField(null=True)
    told_at = models.DateTimeField(null=True)
    """When approvers were told that it waits."""
    reminded_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["organisation", "id"], name="onboarding_organisation_id"
            ),
            models.UniqueConstraint(
                fields=["invitation"],
                condition=Q(superseded_at__isnull=True),
                name="onboarding_one_of_invitation",
            ),
            models.UniqueConstraint(fields=["link_token"], name="onboarding_one_of_link_token"),
            models.CheckConstraint(
                condition=Q(invitation__isnull=True, link_token__isnull=False)
                | Q(invitation__isnull=False, link_token__isnull=True),
                name="onboarding_has_one_origin",
            ),
            models.CheckConstraint(
                condition=Q(superseded_at__isnull=True)
                | Q(session_hash__isnull=True, device__isnull=True),
                name="onboarding_superseded_is_dead",
            ),
            models.CheckConstraint(
                condition=Q(device__isnull=True) | Q(membership__isnull=False),
                name="onboarding_device_has_member",
            ),
        )
        indexes = (models.Index(fields=["organisation", "expires_at"], name="onboarding_by_age"),)

    def __str__(self) -> str:
        return str(self.id)
