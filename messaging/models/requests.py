"""What administrators decide about external rooms."""

from uuid import uuid4

from django.db import models
from django.db.models import Q

from messaging.models.rooms import Room
from orgs.models import Membership
from semafore.kernel import clock
from semafore.kernel.tenancy import TenantModel


class RequestKind(models.TextChoices):
    """What is asked for."""

    OPENING = "opening"
    """A room, with its end and its first guests."""
    GUESTS = "guests"
    """Further guests in an open room."""
    EXTENSION = "extension"
    """A later end."""
    CONFIRMATION = "confirmation"
    """Of an emergency room: with it, the end that was asked for counts, not the twelfth hour."""


class RequestStatus(models.TextChoices):
    """pending -> approved, denied, withdrawn, or lapsed with the room's end."""

    PENDING = "pending"
    APPROVED = "approved"
    DENIED = "denied"
    WITHDRAWN = "withdrawn"
    LAPSED = "lapsed"


class RoomRequest(TenantModel):
    """A request, decided by one or two administrators who are not the one who asks."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    room = models.ForeignKey(
        Room, on_delete=models.DO_NOTHING, db_constraint=False, related_name="requests"
    )
    kind = models.CharField(max_length=12, choices=RequestKind, editable=False)
    status = models.CharField(max_length=10, choices=RequestStatus, default=RequestStatus.PENDING)
    requested_by = models.ForeignKey(
        Membership, null=True, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    requested_at = models.DateTimeField(default=clock.now, editable=False)
    reason = models.CharField(max_length=500)
    closes_at = models.DateTimeField(null=True)
    """The end that is asked for; None where guests alone are."""
    approvals_needed = models.PositiveSmallIntegerField(default=1)
    """By the policy at the time of the request."""
    decided_at = models.DateTimeField(null=True)
    decision_reason = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["organisation", "id"], name="room_request_organisation_id"
            ),
            models.CheckConstraint(
                condition=Q(status="pending", decided_at__isnull=True)
                | Q(decided_at__isnull=False) & ~Q(status="pending"),
                name="room_request_decided_when",
            ),
            models.UniqueConstraint(
                fields=["room", "kind"],
                condition=Q(status="pending"),
                name="room_request_one_of_a_kind",
            ),
        )
        indexes = (
            models.Index(
                fields=["organisation", "requested_at", "id"],
                condition=Q(status="pending"),
                name="room_request_waiting",
            ),
            models.Index(
                fields=["organisation", "-decided_at", "-id"],
                condition=~Q(status="pending"),
                name="room_request_decided",
            ),
            models.Index(
                fields=["organisation", "decided_at"],
                condition=~Q(reason="", decision_reason=""),
                name="room_request_reasoned",
            ),
        )

    def __str__(self) -> str:
        return str(self.id)


class NamedMember(TenantModel):
    """Somebody of the organisation who is to be in the room once its opening is approved."""

    request = models.ForeignKey(
        RoomRequest, on_delete=models.DO_NOTHING, db_constraint=False, related_name="members"
    )
    membership = models.ForeignKey(
        Membership, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["request", "membership"], name="named_member_once"),
        )

    def __str__(self) -> str:
        return f"{self.request_id} {self.membership_id}"


class RequestDecision(TenantModel):
    """What one administrator said to a request."""

    request = models.ForeignKey(
        RoomRequest, on_delete=models.DO_NOTHING, db_constraint=False, related_name="decisions"
    )
    by = models.ForeignKey(
        Membership, null=True, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    at = models.DateTimeField(default=clock.now, editable=False)
    approved = models.BooleanField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["request", "by"], name="request_decision_once"),
        )

    def __str__(self) -> str:
        return f"{self.request_id} {self.approved}"


class NamedGuest(TenantModel):
    """Somebody whom a request names: a guest of the organisation already, or to be invited.

    Name, phone and email go by retention after the decision; an empty name was forgotten.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    request = models.ForeignKey(
        RoomRequest, on_delete=models.DO_NOTHING, db_constraint=False, related_name="guests"
    )
    name = models.CharField(max_length=200)
    phone = models.CharField(max_length=16, blank=True)
    email = models.EmailField(blank=True)
    membership = models.ForeignKey(
        Membership, null=True, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    """The guest, once there is one: named so in the request, or admitted by the invitation."""
    invitation_id = models.UUIDField(null=True)
    """By which the guest comes: issued by the approval, or open already for another room."""

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(membership__isnull=False) | ~Q(phone="") | Q(name=""),
                name="named_guest_can_be_reached",
            ),
        )
        indexes = (
            models.Index(fields=["invitation_id"], name="named_guest_by_invitation"),
            models.Index(
                fields=["organisation"], condition=~Q(name=""), name="named_guest_to_forget"
            ),
        )

    def __str__(self) -> str:
        return str(self.id)
