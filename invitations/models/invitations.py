"""The only way in."""

from uuid import uuid4

import pgtrigger
from django.db import models
from django.db.models import Q

from orgs.models import ExternalParty, Membership, Role
from semafore.kernel import clock
from semafore.kernel.tenancy import TenantModel


class Purpose(models.TextChoices):
    """What accepting it gives."""

    MEMBER = "member"
    """A membership with a device, by phone."""
    GUEST = "guest"
    """The same for somebody of an external party, with a sponsor, a room and an end."""
    DEVICE = "device"
    """A replacement device for an active member who has none left, by phone."""
    CONSOLE = "console"
    """A membership without a device, by email; redeeming it is its approval."""
    FOUNDING = "founding"
    """The same, issued by the operator to an owner of a new organisation."""


class State(models.TextChoices):
    """issued -> opened -> phone verified -> awaiting approval -> accepted, or an end before it."""

    ISSUED = "issued"
    OPENED = "opened"
    PHONE_VERIFIED = "phone_verified"
    AWAITING_APPROVAL = "awaiting_approval"
    ACCEPTED = "accepted"
    EXPIRED = "expired"
    REVOKED = "revoked"
    DECLINED = "declined"


OPEN = (State.ISSUED, State.OPENED, State.PHONE_VERIFIED, State.AWAITING_APPROVAL)
OVER = Q(state__in=(State.ACCEPTED, State.EXPIRED, State.REVOKED, State.DECLINED))


class Channel(models.TextChoices):
    """How the link reaches the person.

    A console invitation goes by email alone: holding its link proves the address.
    """

    SMS = "sms"
    EMAIL = "email"
    HAND = "hand"


class Delivery(models.TextChoices):
    """What became of the sending."""

    NONE = "none"
    QUEUED = "queued"
    SENT = "sent"
    FAILED = "failed"


class Invitation(TenantModel):
    """One invitation; its token is derived (services/tokens.py) and stored nowhere.

    Once it is over, retention takes name, phone and email; an empty name was forgotten.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    purpose = models.CharField(max_length=10, choices=Purpose, editable=False)
    state = models.CharField(max_length=20, choices=State, default=State.ISSUED)

    name = models.CharField(max_length=200)
    phone = models.CharField(max_length=16, blank=True)
    email = models.EmailField(blank=True)
    role = models.CharField(max_length=10, choices=Role, default=Role.MEMBER)
    unit = models.CharField(max_length=100, blank=True)
    sponsor = models.ForeignKey(
        Membership, null=True, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    party = models.ForeignKey(
        ExternalParty, null=True, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    room_id = models.UUIDField(null=True)
    membership_ends_at = models.DateTimeField(null=True)

    issue_number = models.PositiveIntegerField(default=1)
    """Grows with each new link, which ends the one before."""
    issued_at = models.DateTimeField(default=clock.now, editable=False)
    issued_by = models.ForeignKey(
        Membership, null=True, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    expires_at = models.DateTimeField()
    changed_at = models.DateTimeField(default=clock.now)
    """When the state last changed."""
    reason = models.CharField(max_length=500, blank=True)
    """Why it was revoked or declined."""

    channel = models.CharField(max_length=5, choices=Channel)
    delivery = models.CharField(max_length=6, choices=Delivery, default=Delivery.NONE)
    delivery_error = models.CharField(max_length=300, blank=True)
    delivery_at = models.DateTimeField(null=True)

    membership = models.ForeignKey(
        Membership,
        null=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name="invitations",
    )
    """Whose device it is for, or the membership that came of it."""

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["organisation", "id"], name="invitation_organisation_id"
            ),
            models.UniqueConstraint(
                fields=["organisation", "phone"],
                condition=Q(state__in=OPEN) & ~Q(phone=""),
                name="invitation_one_open_by_phone",
            ),
            models.UniqueConstraint(
                fields=["organisation", "email"],
                condition=Q(state__in=OPEN, phone=""),
                name="invitation_one_open_by_email",
            ),
            models.CheckConstraint(
                condition=Q(purpose__in=("console", "founding"), phone="", channel="email")
                & ~Q(email="")
                | Q(purpose__in=("member", "guest", "device")) & ~Q(phone="")
                | Q(name="", phone="", email="") & ~Q(state__in=OPEN),
                name="invitation_reaches_somebody",
            ),
            models.CheckConstraint(
                condition=~Q(purpose="guest")
                | Q(
                    sponsor__isnull=False,
                    party__isnull=False,
                    membership_ends_at__isnull=False,
                    role="member",
                ),
                name="invitation_of_guest_is_whole",
            ),
            models.CheckConstraint(
                condition=~Q(purpose="device") | Q(membership__isnull=False),
                name="invitation_of_device_has_member",
            ),
        )
        indexes = (
            models.Index(fields=["organisation", "-issued_at", "id"], name="invitation_by_time"),
            models.Index(
                fields=["expires_at"], condition=Q(state__in=OPEN), name="invitation_to_expire"
            ),
            models.Index(
                fields=["organisation", "changed_at"],
                condition=OVER & ~Q(name=""),
                name="invitation_to_forget",
            ),
            models.Index(
                fields=["organisation", "changed_at"],
                condition=OVER & ~Q(reason=""),
                name="invitation_reasoned",
            ),
        )
        triggers = (pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),)

    def __str__(self) -> str:
        return str(self.id)
