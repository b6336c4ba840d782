"""Rooms, and who was in them when."""

from uuid import uuid4

from django.db import models
from django.db.models import Q

from orgs.models import ExternalParty, Membership
from semafore.kernel import clock
from semafore.kernel.tenancy import TenantModel
from semafore.kernel.versions import version_field, versioned


class RoomKind(models.TextChoices):
    """Two people; some of the organisation; some of it and guests of one external party."""

    DIRECT = "direct"
    GROUP = "group"
    EXTERNAL = "external"


class RoomStatus(models.TextChoices):
    """An external room: requested -> active -> closed, or requested -> denied.

    Others are active from the beginning.
    """

    REQUESTED = "requested"
    ACTIVE = "active"
    DENIED = "denied"
    CLOSED = "closed"


class Room(TenantModel):
    """A room; with a parent, a thread of it."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    kind = models.CharField(max_length=10, choices=RoomKind, editable=False)
    name = models.CharField(max_length=200, blank=True)
    """Empty for a direct room: each side sees the other's name."""
    status = models.CharField(max_length=10, choices=RoomStatus, default=RoomStatus.ACTIVE)
    parent = models.ForeignKey(
        "self", null=True, on_delete=models.DO_NOTHING, db_constraint=False, related_name="threads"
    )
    created_by = models.ForeignKey(
        Membership, null=True, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    created_at = models.DateTimeField(default=clock.now, editable=False)
    pair = models.CharField(max_length=73, null=True, editable=False)
    """Of a direct room: both membership ids in order, so that it is found again, not made twice."""

    party = models.ForeignKey(
        ExternalParty,
        null=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name="rooms",
    )
    purpose = models.CharField(max_length=500, blank=True)
    closes_at = models.DateTimeField(null=True)
    """Sending is refused from then on, whether the sweep has come by or not."""
    emergency = models.BooleanField(default=False)
    """Opened by the duty approver alone, and not confirmed by a second administrator yet."""
    told_at = models.DateTimeField(null=True)
    """When sponsors and guests were told of the end that comes; None again after an extension."""

    closed_at = models.DateTimeField(null=True)
    closed_by = models.ForeignKey(
        Membership, null=True, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    close_reason = models.CharField(max_length=500, blank=True)

    version = version_field()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["organisation", "id"], name="room_organisation_id"),
            models.UniqueConstraint(
                fields=["organisation", "pair"],
                condition=Q(pair__isnull=False),
                name="room_one_of_a_pair",
            ),
            models.CheckConstraint(
                condition=Q(kind="direct", pair__isnull=False, parent__isnull=True)
                | Q(pair__isnull=True) & ~Q(kind="direct"),
                name="room_direct_is_a_pair",
            ),
            models.CheckConstraint(
                condition=Q(kind="external", party__isnull=False, closes_at__isnull=False)
                & ~Q(purpose="")
                | Q(party__isnull=True, closes_at__isnull=True, emergency=False)
                & ~Q(kind="external"),
                name="room_external_is_whole",
            ),
            models.CheckConstraint(
                condition=Q(status="closed", closed_at__isnull=False)
                | Q(closed_at__isnull=True) & ~Q(status="closed"),
                name="room_closed_when",
            ),
        )
        indexes = (
            models.Index(fields=["organisation", "-created_at", "id"], name="room_by_time"),
            models.Index(fields=["organisation", "version"], name="room_by_version"),
            models.Index(
                fields=["closes_at"],
                condition=Q(closes_at__isnull=False, status="active"),
                name="room_to_close",
            ),
            models.Index(
                fields=["organisation", "closed_at"],
                condition=~Q(close_reason=""),
                name="room_reasoned",
            ),
        )
        triggers = versioned("name", "status", "closes_at", "purpose", "emergency")

    def __str__(self) -> str:
        return str(self.id)

    @property
    def open(self) -> bool:
        """Whether messages pass: active, and its end has not come."""
        return self.status == RoomStatus.ACTIVE and (
            self.closes_at is None or self.closes_at > clock.now()
        )


class RoomRole(models.TextChoices):
    """A room's administrators add and remove people and change its name."""

    ADMINISTRATOR = "administrator"
    MEMBER = "member"


class RoomMembership(TenantModel):
    """One period of one person in one room; coming back is a new row."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    room = models.ForeignKey(
        Room,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name="memberships",
        db_index=False,
    )
    membership = models.ForeignKey(
        Membership,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name="room_memberships",
        db_index=False,
    )
    role = models.CharField(max_length=13, choices=RoomRole, default=RoomRole.MEMBER)
    added_at = models.DateTimeField(default=clock.now, editable=False)
    added_by = models.ForeignKey(
        Membership, null=True, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    ended_at = models.DateTimeField(null=True)
    ended_by = models.ForeignKey(
        Membership, null=True, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    end_reason = models.CharField(max_length=500, blank=True)
    version = version_field()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["room", "membership"],
                condition=Q(ended_at__isnull=True),
                name="room_membership_one_open_period",
            ),
        )
        indexes = (
            models.Index(fields=["membership", "ended_at"], name="room_membership_by_person"),
            models.Index(fields=["room", "added_at"], name="room_membership_by_room"),
            models.Index(fields=["organisation", "version"], name="room_membership_by_version"),
            models.Index(
                fields=["organisation", "ended_at"],
                condition=~Q(end_reason=""),
                name="room_membership_reasoned",
            ),
        )
        triggers = versioned("role", "ended_at")

    def __str__(self) -> str:
        return str(self.id)
