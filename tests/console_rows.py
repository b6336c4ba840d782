"""Who sees which page of the console, and who changes something with it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from audit.models import IndexedEvent, RetentionRequest
from audit.services.retention.holds import place_hold
from audit.services.retention.periods import change_periods
from invitations.models import Channel, Invitation, PhoneChange, Purpose
from orgs.models import FactorReset, Membership, Organisation, Policy, Scope
from orgs.services.factor_resets import request_factor_reset
from orgs.services.memberships import end_membership, membership_ref
from orgs.services.service_tokens import issue_service_token
from semafore.kernel import clock
from semafore.kernel.actor import Actor, ActorKind, acting_as
from tests import cast
from tests.audit.published import publish
from tests.messaging.pages import affairs

PREFIX = "console/<slug:slug>/"

OWNER = frozenset({"owner"})
MANAGERS = OWNER | {"admin"}
HELPERS = MANAGERS | {"helpdesk"}
EVERYBODY = HELPERS | {"auditor"}
EXAMINERS = MANAGERS | {"auditor"}
HOLDERS = OWNER | {"auditor"}
NOBODY: frozenset[str] = frozenset()
"""By their role alone."""


@dataclass(frozen=True)
class Row:
    """The roles that may GET and POST; None where the page has no such method."""

    see: frozenset[str] | None
    change: frozenset[str] | None = None
    sensitive: bool = False
    about: Mapping[str, str] = field(default_factory=dict)
    """Which of `ids_of` stands for an argument, where not the one of the same name."""


def both(roles: frozenset[str], *, sensitive: bool = True) -> Row:
    """A page for one act, seen by those who may act."""
    return Row(roles, roles, sensitive=sensitive)


SHOWN = Row(EVERYBODY)
MEMBER = "members/<uuid:membership_id>"
DEVICE = "devices/<uuid:device_id>"
APPROVAL = "approvals/<uuid:device_id>"
INVITATION = "invitations/<uuid:invitation_id>"
ROOM = "rooms/<uuid:room_id>"
ROOM_REQUEST = "rooms/requests/<uuid:request_id>"
PARTY = "parties/<uuid:party_id>"
EVENT = "audit/events/<uuid:event_id>"
RETENTION_REQUEST = "retention/requests/<uuid:retention_request_id>"
HOLD = "retention/holds/<uuid:hold_id>"
TOKEN = "settings/service-tokens/<uuid:service_token_id>"

TABLE = {
    PREFIX + path: row
    for path, row in {
        "": SHOWN,
        "search": SHOWN,
        "approvals": SHOWN,
        "approvals/batch": both(HELPERS),
        APPROVAL: both(HELPERS),
        f"{APPROVAL}/deny": both(HELPERS),
        "approvals/phone-changes/<uuid:phone_change_id>": both(HELPERS),
        "members": SHOWN,
        MEMBER: SHOWN,
        f"{MEMBER}/edit": both(MANAGERS, sensitive=False),
        f"{MEMBER}/end-date": both(MANAGERS),
        f"{MEMBER}/suspend": both(MANAGERS),
        f"{MEMBER}/activate": both(MANAGERS),
        f"{MEMBER}/end": both(MANAGERS),
        f"{MEMBER}/role": both(OWNER),
        f"{MEMBER}/factor-reset": both(MANAGERS),
        f"{MEMBER}/leaver": SHOWN,
        f"{MEMBER}/leaver/record": Row(EVERYBODY, about={"membership_id": "ended_id"}),
        "members/bulk": both(MANAGERS),
        "members/bulk/confirm": both(MANAGERS),
        "members/bulk/result": Row(MANAGERS, sensitive=True),
        "factor-resets/<uuid:reset_id>": both(MANAGERS),
        "devices": SHOWN,
        DEVICE: SHOWN,
        f"{DEVICE}/revoke": both(MANAGERS),
        f"{DEVICE}/lost": both(HELPERS),
        f"{DEVICE}/wake": Row(None, HELPERS, about={"device_id": "approved_id"}),
        "reachability": SHOWN,
        "invitations": SHOWN,
        INVITATION: SHOWN,
        "invitations/new": both(HELPERS),
        "invitations/bulk": both(HELPERS),
        "invitations/bulk/confirm": both(HELPERS),
        "invitations/bulk/template.csv": Row(HELPERS),
        f"{INVITATION}/resend": both(HELPERS, sensitive=False),
        f"{INVITATION}/new-link": both(HELPERS, sensitive=False),
        f"{INVITATION}/extend": both(HELPERS, sensitive=False),
        f"{INVITATION}/revoke": both(HELPERS, sensitive=False),
        "rooms": SHOWN,
        "rooms/new": both(MANAGERS),
        # For the duty approver that the policy names: in `ids_of`, the owner who is its argument.
        "rooms/emergency": both(NOBODY),
        ROOM_REQUEST: Row(EVERYBODY, MANAGERS, sensitive=True),
        f"{ROOM_REQUEST}/withdraw": both(MANAGERS, sensitive=False),
        ROOM: SHOWN,
        f"{ROOM}/people": SHOWN,
        f"{ROOM}/people/<uuid:membership_id>/role": both(MANAGERS),
        f"{ROOM}/extend": both(MANAGERS),
        f"{ROOM}/guests": both(MANAGERS),
        f"{ROOM}/guests/<uuid:membership_id>/remove": Row(
            MANAGERS, MANAGERS, sensitive=True, about={"membership_id": "guest_id"}
        ),
        f"{ROOM}/close": both(MANAGERS),
        "parties": SHOWN,
        PARTY: SHOWN,
        f"{PARTY}/cut-off": both(MANAGERS),
        "guests/sponsor": both(MANAGERS),
        "broadcasts": SHOWN,
        "screenshots": SHOWN,
        "audit": Row(EXAMINERS),
        EVENT: Row(EXAMINERS),
        f"{EVENT}/proof": Row(EXAMINERS),
        "retention": Row(EXAMINERS),
        "retention/change": both(OWNER),
        "retention/deletions": Row(EXAMINERS),
        RETENTION_REQUEST: Row(EXAMINERS, MANAGERS, sensitive=True),
        # For the person who asked: in `ids_of`, the owner who is its argument.
        f"{RETENTION_REQUEST}/withdraw": both(NOBODY, sensitive=False),
        "retention/holds": Row(HOLDERS),
        "retention/holds/new": both(HOLDERS),
        HOLD: Row(HOLDERS),
        f"{HOLD}/lift": both(HOLDERS),
        "settings": SHOWN,
        "settings/policy": both(OWNER),
        "settings/service-tokens": SHOWN,
        "settings/service-tokens/new": both(OWNER),
        f"{TOKEN}/revoke": both(OWNER),
    }.items()
}


OWN_PAGES = {
    "console/": "signed in",
    "console/sign-in": "public",
    "console/sign-in/code": "public",
    "console/sign-in/factor": "public",
    "console/sign-in/link": "public",
    "console/sign-in/link/<str:token>": "public",
    "console/sign-out": "signed in",
    "console/step-up": "signed in",
    "console/password/forgotten": "public",
    "console/password/new": "public",
    "console/password/link/<str:token>": "public",
    "console/account/": "signed in",
    "console/account/password": "sensitive",
    "console/account/factor": "sensitive",
    "console/account/recovery-codes": "sensitive",
    "console/account/sessions/end-others": "signed in",
    "console/account/sessions/<uuid:session_id>/end": "signed in",
    "i/": "public",
    "i/open": "public",
    "i/invitation": "public",
    "i/accept": "public",
    "i/decline": "public",
}
"""Pages of no organisation: for anybody, for whoever is signed in, or with a fresh factor."""


def ids_of(of: Organisation, owner: Membership) -> dict[str, Any]:
    """Something for each argument of a route, all of this organisation."""
    person = cast.member(of, "Nia")
    device = cast.phone(person, approved=False)
    acting = Actor(kind=ActorKind.MEMBER, id=owner.id, label=owner.name, membership_id=owner.id)
    with cast.inside(of), acting_as(acting):
        invitation = Invitation.objects.create(
            organisation_id=of.id,
            purpose=Purpose.MEMBER,
            name="Gil",
            phone="+447700900999",
            channel=Channel.HAND,
            expires_at=clock.now() + timedelta(days=1),
        )
        token = issue_service_token(
            name="Splunk", scopes=[Scope.AUDIT_READ], expires_at=clock.now() + timedelta(days=1)
        )
        request_factor_reset(membership_id=person.id, reason="Lost phone.")
        reset = FactorReset.objects.get()
        change = PhoneChange.objects.create(
            organisation_id=of.id,
            membership=person,
            phone="+447700900997",
            proved_at=clock.now(),
        )
        left = end_membership(membership_id=cast.member(of, "Olu").id, reason="New job.")
        Policy.objects.update(emergency_rooms=True, duty_approver=owner)
    party = affairs.party(of)
    guest = affairs.guest(of, "Gus", owner, party)
    room = affairs.external(of, owner, person, guest, company=party)
    asked = affairs.request(of, room, owner)
    with cast.inside(of), acting_as(acting):
        hold = place_hold(
            person=membership_ref(person),
            room=None,
            from_at=None,
            until_at=None,
            reason="Letter.",
            case_reference="",
        )
        change_periods(metadata_days=30, audit_days=30, existence_days=30, reason="Storage.")
        shorter = RetentionRequest.objects.get()
    publish(of)
    with cast.inside(of):
        founding = IndexedEvent.objects.get(type="organisation.created")
    return {
        "membership_id": person.id,
        "ended_id": left.id,
        "device_id": device.id,
        "approved_id": cast.phone(guest).id,
        "invitation_id": invitation.id,
        "service_token_id": token.row.id,
        "reset_id": reset.id,
        "phone_change_id": change.id,
        "guest_id": guest.id,
        "party_id": party.id,
        "room_id": room.id,
        "request_id": asked.id,
        "event_id": founding.event_id,
        "hold_id": hold.id,
        "retention_request_id": shorter.id,
    }
