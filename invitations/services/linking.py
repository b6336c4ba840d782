"""A further device, brought in by one that is approved."""

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID

from django.db import transaction

from audit.services.recording import record
from invitations.errors import (
    InvitationExpired,
    InvitationRevoked,
    InvitationUnknown,
    InvitationUsed,
)
from invitations.events import onboarding as events
from invitations.models import LinkToken, Onboarding
from keys.models import Device, DeviceStatus
from keys.services.bundles import device_ref
from orgs.models import Membership, MembershipStatus
from semafore.kernel import clock
from semafore.kernel.problems import NotAuthenticated
from semafore.kernel.tasks import delete_batch
from semafore.kernel.tenancy import current_organisation_id, locate

LINK_LIFETIME = timedelta(minutes=10)
LINK_PREFIX = "sfl_"
UNUSED_KEPT = timedelta(hours=24)
"""So that an old link is told that it expired, and not that it never was."""


@dataclass(frozen=True, slots=True)
class IssuedLink:
    """A link token, in clear this once."""

    link_token: str = field(repr=False)
    expires_at: datetime


def _hash(token: str) -> bytes:
    return sha256(token.encode()).digest()


@transaction.atomic
def issue_link_token(*, device_id: UUID) -> IssuedLink:
    """A token by which a second device of the same person comes in: 10 minutes, once.

    An earlier one of the same device expires. Raises NotAuthenticated when the device was shut out
    meanwhile.
    """
    device = _approved_device(device_id)
    if device is None:
        raise NotAuthenticated
    now = clock.now()
    LinkToken.objects.filter(device=device, expires_at__gt=now).update(expires_at=now)
    token = LINK_PREFIX + secrets.token_urlsafe(32)
    link = LinkToken.objects.create(
        organisation_id=device.organisation_id,
        token_hash=_hash(token),
        device=device,
        expires_at=now + LINK_LIFETIME,
    )
    record(events.LinkTokenIssued(link_token_id=link.id), target=device_ref(device))
    return IssuedLink(link_token=token, expires_at=link.expires_at)


def _approved_device(device_id: UUID) -> Device | None:
    """The device under its lock, which a revocation takes too, if it is in."""
    return (
        Device.objects.select_for_update(of=("self",), no_key=True)
        .select_related("membership")
        .filter(
            id=device_id,
            status=DeviceStatus.APPROVED,
            membership__status=MembershipStatus.ACTIVE,
        )
        .first()
    )


def find_link(token: str) -> LinkToken:
    """The link of a token, to learn its organisation from. Raises InvitationUnknown."""
    link = locate(LinkToken).filter(token_hash=_hash(token)).first()
    if link is None:
        raise InvitationUnknown
    return link


def check_link(link: LinkToken) -> Membership:
    """Whose device the link brings in; the link is locked.

    Raises InvitationUsed, InvitationExpired, InvitationRevoked when its device is no longer in.
    """
    # The device first: whoever makes another link locks in this order.
    device = _approved_device(link.device_id)
    locked = LinkToken.objects.select_for_update(no_key=True).get(id=link.id)
    if Onboarding.objects.filter(link_token=locked).exists():
        raise InvitationUsed(detail="This link was used.")
    if locked.expires_at <= clock.now():
        raise InvitationExpired(detail="This link has expired. Make another on your device.")
    if device is None:
        raise InvitationRevoked(detail="The device that made this link has no access any more.")
    return device.membership


def drop_link_tokens() -> int:
    """Delete links that nobody used, a day after they expired; how many."""
    return delete_batch(
        "invitations_linktoken",
        "organisation_id = %s AND expires_at < %s AND NOT EXISTS (SELECT FROM"
        " invitations_onboarding WHERE link_token_id = invitations_linktoken.id)",
        [current_organisation_id(), clock.now() - UNUSED_KEPT],
    )
