"""Who sees which page of the console, and who changes something with it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import transaction

from audit.models import (
    DestinationState,
    ExportFormat,
    IndexedEvent,
    RetentionRequest,
    SiemDestination,
)
from audit.selectors.events import EventFilter
from audit.selectors.existence import Asked
from audit.selectors.reading import Reader
from audit.services.existence import prove_existence
from audit.services.exports.requests import request_export
from audit.services.exports.work import write_exports
from audit.services.recording import record
from audit.services.retention.holds import place_hold
from audit.services.retention.periods import change_periods
from audit.services.searches import save_search
from audit.services.siem.destinations import create_destination
from console.events.playbooks import PlaybookRun
from invitations.models import Channel, Invitation, PhoneChange, Purpose
from orgs.models import FactorReset, Membership, Organisation, Policy, Scope
from orgs.roles import permissions_of
from orgs.services.factor_resets import request_factor_reset
from orgs.services.memberships import end_membership, membership_ref
from orgs.services.service_tokens import issue_service_token
from reports.questions import Kind, Question
from reports.services.asking import request_report
from semafore.kernel import clock
from semafore.kernel.actor import Actor, ActorKind, acting_as
from tests import cast
from tests.audit.aged import fact_of_class, happened
from tests.audit.published import publish
from tests.audit.siem.destinations import setup
from tests.messaging.pages import affairs
from tests.orgs.maintenance.windows import announced

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
SEARCH = "audit/searches/<uuid:saved_search_id>"
PROOF = "proofs/<uuid:event_id>"
OF_PROOF = Row(HOLDERS, about={"event_id": "proof_id"})
RETENTION_REQUEST = "retention/requests/<uuid:retention_request_id>"
EXPORT = "exports/<uuid:export_id>"
HOLD = "retention/holds/<uuid:hold_id>"
SIEM = "siem/<uuid:destination_id>"
REPORT = "reports/<uuid:report_id>"
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
        f"{MEMBER}/role": both(OWNER),
        f"{MEMBER}/factor-reset": both(MANAGERS),
        "playbooks": SHOWN,
        "playbooks/lost-phone": Row(EVERYBODY, HELPERS, sensitive=True),
        "playbooks/leaver": Row(EVERYBODY, MANAGERS, sensitive=True),
        "playbooks/supplier-breach": Row(EVERYBODY, MANAGERS, sensitive=True),
        "playbooks/incident-room": Row(EVERYBODY, MANAGERS, sensitive=True),
        "playbooks/investigation": Row(EVERYBODY, HOLDERS, sensitive=True),
        "playbooks/records": Row(EXAMINERS),
        "playbooks/records/<uuid:event_id>": Row(EXAMINERS, about={"event_id": "playbook_id"}),
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
        "audit/counts": Row(EXAMINERS),
        "audit/searches": Row(EXAMINERS),
        "audit/searches/new": both(EXAMINERS, sensitive=False),
        # For whoever saved it: in `ids_of`, the owner who is its argument.
        f"{SEARCH}/edit": both(NOBODY, sensitive=False),
        f"{SEARCH}/delete": both(OWNER, sensitive=False),
        EVENT: Row(EXAMINERS),
        f"{EVENT}/proof": Row(EXAMINERS),
        "proofs": Row(HOLDERS),
        "proofs/new": both(HOLDERS, sensitive=False),
        "proofs/messages": Row(HOLDERS),
        PROOF: OF_PROOF,
        f"{PROOF}/file": OF_PROOF,
        f"{PROOF}/statement": OF_PROOF,
        "proofs/verify.html": Row(HOLDERS),
        "proofs/verifier.py": Row(HOLDERS),
        f"{MEMBER}/subject-access": both(HOLDERS),
        "exports": Row(HOLDERS),
        "exports/new": both(HOLDERS),
        EXPORT: Row(HOLDERS),
        f"{EXPORT}/cancel": both(HOLDERS, sensitive=False),
        # For the person who asked: in `ids_of`, the owner who is its argument.
        f"{EXPORT}/file": Row(NOBODY),
        f"{EXPORT}/manifest": Row(NOBODY),
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
        "siem": Row(HOLDERS),
        "siem/new": both(OWNER),
        SIEM: Row(HOLDERS),
        f"{SIEM}/change": both(OWNER),
        f"{SIEM}/test": both(OWNER),
        f"{SIEM}/pause": both(OWNER),
        f"{SIEM}/resume": both(OWNER),
        f"{SIEM}/replay": both(OWNER),
        f"{SIEM}/skip": Row(OWNER, OWNER, sensitive=True, about={"destination_id": "parked_id"}),
        f"{SIEM}/delete": both(OWNER),
        "reports": Row(HOLDERS),
        "reports/communication-graph": both(HOLDERS, sensitive=False),
        "reports/timing": both(HOLDERS, sensitive=False),
        "reports/membership": both(HOLDERS, sensitive=False),
        # For the person who asked: in `ids_of`, the owner who is its argument.
        REPORT: Row(NOBODY, about={"report_id": "graph_report_id"}),
        f"{REPORT}/graph.graphml": Row(NOBODY, about={"report_id": "graph_report_id"}),
        f"{REPORT}/people.csv": Row(NOBODY, about={"report_id": "membership_report_id"}),
        f"{REPORT}/changes.csv": Row(NOBODY, about={"report_id": "membership_report_id"}),
        "maintenance": SHOWN,
        "maintenance/<uuid:window_id>": SHOWN,
        "billing": Row(HOLDERS),
        "billing/days": Row(HOLDERS),
        "billing/days.csv": Row(HOLDERS),
        "billing/months.csv": Row(HOLDERS),
        "managed-app": SHOWN,
        "managed-app/change": both(OWNER),
        "managed-app/com.apple.configuration.managed.plist": SHOWN,
        "managed-app/android-managed-configuration.json": SHOWN,
        "managed-app/app_restrictions.xml": SHOWN,
        "managed-app/appconfig.xml": SHOWN,
        "settings": SHOWN,
        "settings/policy": both(OWNER),
        "settings/service-tokens": SHOWN,
        "settings/service-tokens/new": both(OWNER),
        f"{TOKEN}/revoke": both(OWNER),
    }.items()
}


OF_THE_PLATFORM = {f"{PREFIX}maintenance/<uuid:window_id>"}
"""What is the same for every organisation: there is no such thing of another one's."""

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
    reader = Reader(permissions_of(owner.kind, owner.role), owner.id)
    month: dict[str, Any] = {"from_at": affairs.ago(days=30), "to_at": clock.now()}
    with cast.inside(of), acting_as(acting):
        hold = place_hold(
            person=membership_ref(person),
            room=None,
            from_at=None,
            until_at=None,
            reason="Letter.",
            case_reference="",
        )
        graph_report, membership_report = (
            request_report(question=one, reason="Letter.", case_reference="", reader=reader)
            for one in (
                Question(kind=Kind.GRAPH, person=person.id, **month),
                Question(kind=Kind.MEMBERSHIP, room=room.id, at=clock.now(), **month),
            )
        )
        change_periods(metadata_days=30, audit_days=30, existence_days=30, reason="Storage.")
        shorter = RetentionRequest.objects.get()
        destination, parked = (
            create_destination(setup=setup("https://localhost:1/", name=name), secret="", cursor=0)
            for name in ("Splunk", "Sentinel")
        )
        SiemDestination.objects.filter(id=parked.id).update(state=DestinationState.PARKED)
        search = save_search(
            name="Sign-ins",
            filters={"action": "sign_in.succeeded"},
            shared=True,
            reader=Reader(frozenset(), owner.id),
        )
        with transaction.atomic():
            run = record(PlaybookRun(playbook="Leaver", reason="Left.", events=[]))
    publish(of)
    with cast.inside(of):
        founding = IndexedEvent.objects.get(type="organisation.created")
    with cast.inside(of), acting_as(acting):
        export = request_export(
            format=ExportFormat.CSV,
            chosen=EventFilter(),
            reader=Reader(permissions_of(owner.kind, owner.role), owner.id),
            reason="Letter.",
            case_reference="",
        )
        write_exports()
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
        "saved_search_id": search.id,
        "proof_id": _proof(of, owner, person),
        "playbook_id": run.event_id,
        "export_id": export.id,
        "hold_id": hold.id,
        "destination_id": destination.id,
        "parked_id": parked.id,
        "retention_request_id": shorter.id,
        "graph_report_id": graph_report,
        "membership_report_id": membership_report,
        "window_id": announced().id,
    }


def _proof(of: Organisation, owner: Membership, sender: Membership) -> UUID:
    """The owner has it proved that a message of this sender transited."""
    (event_id,) = happened(of, [fact_of_class(2)], ago=timedelta(0), by=sender)
    reader = Reader(permissions_of(owner.kind, owner.role), owner.id)
    with cast.inside(of):
        asked = Asked(message_id=IndexedEvent.objects.get(event_id=event_id).message_id)
        made = prove_existence(asked=asked, reader=reader, reason="Claim.", case_reference="")
    return made.proved[0].record_id
