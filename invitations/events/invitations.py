"""Event types of invitations and onboardings."""

from datetime import datetime
from uuid import UUID

from audit.registry import EventClass, What, event

ADMINISTRATION = EventClass.ADMINISTRATION


@event("invitation.issued", ADMINISTRATION, sentence="{actor} invited {target} as {role}.")
class InvitationIssued(What):
    """An invitation came to be, with what it will give."""

    purpose: str
    role: str
    unit: str
    channel: str
    expires_at: datetime
    sponsor_id: UUID | None
    party: str | None
    room_id: UUID | None
    membership_ends_at: datetime | None


@event("invitation.resent", ADMINISTRATION, sentence="{actor} sent {target}'s invitation again.")
class InvitationResent(What):
    """The same link, once more."""

    channel: str


@event(
    "invitation.link_renewed",
    ADMINISTRATION,
    sentence="{actor} gave {target}'s invitation a new link; the old one is dead.",
)
class InvitationLinkRenewed(What):
    """A new link in place of the old one."""

    issue_number: int


@event(
    "invitation.extended",
    ADMINISTRATION,
    sentence="{actor} extended {target}'s invitation until {after}.",
)
class InvitationExtended(What):
    """The time of expiry, before and after."""

    before: datetime
    after: datetime


@event(
    "invitation.revoked",
    ADMINISTRATION,
    sentence="{actor} revoked {target}'s invitation ({reason}).",
    severity=3,
)
class InvitationRevoked(What):
    """An invitation was withdrawn."""

    reason: str


@event(
    "invitation.declined",
    ADMINISTRATION,
    sentence="{target}'s invitation was declined on the page behind its link.",
)
class InvitationDeclined(What):
    """The holder of the link doesn't want it."""

    reason: str


@event("invitation.expired", ADMINISTRATION, sentence="{target}'s invitation expired.")
class InvitationExpired(What):
    """Its time was over."""


@event("invitation.accepted", ADMINISTRATION, sentence="{target}'s invitation was accepted.")
class InvitationAccepted(What):
    """A membership came of it, or a device of one."""

    purpose: str
    membership_id: UUID
    same_person: bool = False
    """An approver affirmed that it is who had the number here before."""


@event(
    "invitation.sent",
    ADMINISTRATION,
    sentence="{target}'s invitation was handed over for delivery by {channel}.",
)
class InvitationSent(What):
    """The SMS service or the mail server took it."""

    channel: str


@event(
    "invitation.delivery_failed",
    ADMINISTRATION,
    sentence="{target}'s invitation could not be sent by {channel} ({reason}).",
    severity=3,
)
class InvitationDeliveryFailed(What):
    """It was refused, or the attempts of an hour failed."""

    channel: str
    reason: str


@event(
    "invitation.stay_extended",
    ADMINISTRATION,
    sentence="{target} may stay as long as the room that the invitation is for.",
)
class InvitationStayExtended(What):
    """When the membership that comes of it ends, before and after."""

    before: datetime | None
    after: datetime


@event("party.created", ADMINISTRATION, sentence="{actor} named the external party {target}.")
class PartyCreated(What):
    """A company whose people may become guests."""
