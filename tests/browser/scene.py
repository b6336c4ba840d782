"""An organisation in the middle of its work, for looking at: something of every kind there is."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from audit.models import Export, Hold, RetentionRequest, SavedSearch, SiemDestination
from invitations.models import Channel, Delivery, Invitation, PhoneChange, Purpose, State
from invitations.services.issuing import issue_invitations
from invitations.services.phone_changes import deny_phone_change
from invitations.services.terms import Draft
from keys.models import Comparison, Device, RevocationReason, SignedPreKey
from keys.services.enrolment import approve_device, deny_device
from keys.services.revocation import revoke_device
from messaging.models import Room, RoomRequest
from orgs.models import (
    ExternalParty,
    FactorReset,
    MaintenanceWindow,
    Membership,
    MembershipKind,
    MembershipStatus,
    Organisation,
    Role,
    Scope,
    ServiceToken,
)
from orgs.services.accounts import create_account
from orgs.services.factor_resets import approve_factor_reset, request_factor_reset
from orgs.services.memberships import admit_member, end_membership, suspend_membership
from orgs.services.organisations import create_organisation
from orgs.services.service_tokens import issue_service_token, revoke_service_token
from semafore.kernel import clock
from semafore.kernel.actor import SYSTEM, Actor, ActorKind, acting_as
from semafore.kernel.tenancy import organisation_scope
from tests import cast
from tests.orgs.sign_in.people import PASSWORD

LONG_NAME = "Dr Wilhelmina Featherstonehaugh-Cholmondeley"
LONG_UNIT = "Regional coordination centre for patient transport and blood deliveries"
BROWSERS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:143.0) Gecko/20100101 Firefox/143.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Safari/604.1",
)


@dataclass
class Scene:
    """What a page may be about, by the name that a test would call it."""

    organisation: Organisation
    people: dict[str, Membership] = field(default_factory=dict)
    devices: dict[str, Device] = field(default_factory=dict)
    invitations: dict[str, Invitation] = field(default_factory=dict)
    tokens: dict[str, ServiceToken] = field(default_factory=dict)
    resets: dict[str, FactorReset] = field(default_factory=dict)
    phone_changes: dict[str, PhoneChange] = field(default_factory=dict)
    rooms: dict[str, Room] = field(default_factory=dict)
    requests: dict[str, RoomRequest] = field(default_factory=dict)
    events: dict[str, UUID] = field(default_factory=dict)
    exports: dict[str, Export] = field(default_factory=dict)
    holds: dict[str, Hold] = field(default_factory=dict)
    retention_requests: dict[str, RetentionRequest] = field(default_factory=dict)
    destinations: dict[str, SiemDestination] = field(default_factory=dict)
    searches: dict[str, SavedSearch] = field(default_factory=dict)
    reports: dict[str, UUID] = field(default_factory=dict)
    windows: dict[str, MaintenanceWindow] = field(default_factory=dict)

    @property
    def alice(self) -> Membership:
        """The owner who looks at it all."""
        return self.people["alice"]

    @contextmanager
    def by(self, name: str) -> Iterator[None]:
        """Somebody acts in the organisation."""
        person = self.people[name]
        actor = Actor(
            kind=ActorKind.MEMBER, id=person.id, label=person.name, membership_id=person.id
        )
        with acting_as(actor), organisation_scope(self.organisation.id):
            yield

    def person(self, key: str, name: str, **more: Any) -> Membership:
        """Somebody more, active unless said otherwise."""
        number = 7_700_900_100 + len(self.people)
        phone, email = f"+44{number}", f"{key}@northgate.example"
        more.setdefault("status", MembershipStatus.ACTIVE)
        with acting_as(SYSTEM), organisation_scope(self.organisation.id):
            account = create_account(phone=phone, email=email)
            self.people[key] = admit_member(
                account=account, name=name, phone=phone, email=email, **more
            )
        return self.people[key]

    def device(self, key: str, of: str, name: str, **more: Any) -> Device:
        """Somebody's device."""
        self.devices[key] = cast.phone(self.people[of], name=name, **more).device
        return self.devices[key]


def an_organisation() -> Scene:
    """All of it, committed."""
    with acting_as(SYSTEM):
        made = create_organisation(name="Northgate Hospital Trust", slug="northgate")
    scene = Scene(made)
    _people(scene)
    _devices(scene)
    _invitations(scene)
    _service_tokens(scene)
    _factor_resets(scene)
    _phone_changes(scene)
    return scene


def _phone_changes(scene: Scene) -> None:
    with acting_as(SYSTEM), organisation_scope(scene.organisation.id):
        for key, phone in (("bob", "+447700900501"), ("wilhelmina", "+447700900502")):
            scene.phone_changes[key] = PhoneChange.objects.create(
                organisation_id=scene.organisation.id,
                membership=scene.people[key],
                phone=phone,
                proved_at=clock.now() - timedelta(hours=2),
            )
    with scene.by("adam"):
        change = scene.phone_changes["wilhelmina"]
        deny_phone_change(phone_change_id=change.id, reason="She knows nothing of it.")


def _people(scene: Scene) -> None:
    scene.person("alice", "Alice Osei", role=Role.OWNER, unit="Information governance")
    scene.person("oliver", "Oliver Grant", role=Role.OWNER)
    scene.person("adam", "Adam Whitlock", role=Role.ADMIN, unit="Digital")
    scene.person("hana", "Hana Sato", role=Role.AUDITOR, unit="Internal audit")
    scene.person("bob", "Bob Stone", unit="Emergency department")
    scene.person("wilhelmina", LONG_NAME, unit=LONG_UNIT)
    scene.person("eilidh", "Eilidh Fraser", unit="Radiology", status=MembershipStatus.PENDING)
    scene.person("suspended", "Femi Balogun", unit="Digital")
    scene.person("ended", "Harun Aziz", unit="Signalling")
    scene.person(
        "visitor", "Isla Byrne", role=Role.HELPDESK, ends_at=clock.now() + timedelta(days=12)
    )
    with acting_as(SYSTEM), organisation_scope(scene.organisation.id):
        party = ExternalParty.objects.create(
            organisation_id=scene.organisation.id, name="Calder Medical Supplies"
        )
    stay = {"kind": MembershipKind.GUEST, "party": party, "sponsor": scene.people["bob"]}
    scene.person("guest", "Grace Holt", ends_at=clock.now() + timedelta(days=30), **stay)
    scene.person(
        "newcomer",
        "Piotr Zieliński",
        status=MembershipStatus.PENDING,
        ends_at=clock.now() + timedelta(days=30),
        **stay,
    )
    late = {**stay, "status": MembershipStatus.PENDING}
    scene.person("late", "Quentin Moss", ends_at=clock.now() + timedelta(days=1), **late)


def _devices(scene: Scene) -> None:
    scene.device("alice", "alice", "Alice's phone")
    scene.device("bob", "bob", "Bob's phone")
    scene.device("tablet", "bob", "Ward tablet, second floor, nurses' station", one_time_pre_keys=2)
    scene.device("harun", "ended", "Harun's phone")
    scene.device("femi", "suspended", "Femi's phone")
    scene.device("lost", "wilhelmina", "Wilhelmina's phone")
    for of in ("eilidh", "newcomer", "late", "wilhelmina"):
        scene.device(f"waiting-{of}", of, "iPhone", approved=False)
    with scene.by("adam"):
        other = scene.device("denied", "visitor", "Old phone", approved=False)
        deny_device(device_id=other.id, reason="The digits on the screen were different.")
        let_in = scene.device("visitor", "visitor", "Isla's phone", approved=False)
        approve_device(device_id=let_in.id, compared=Comparison.CALL)
        revoke_device(device_id=scene.devices["lost"].id, reason=RevocationReason.LOST)
        suspend_membership(
            membership_id=scene.people["suspended"].id, reason="Long leave, asked for by HR."
        )
        end_membership(membership_id=scene.people["ended"].id, reason="Left for another trust.")
    with organisation_scope(scene.organisation.id):
        tablet = scene.devices["tablet"].id
        long_ago = clock.now() - timedelta(days=16)
        SignedPreKey.objects.filter(device_id=tablet).update(uploaded_at=long_ago)
        Membership.objects.filter(id=scene.people["late"].id).update(
            ends_at=clock.now() - timedelta(hours=3)
        )
        today = clock.now().date()
        Device.objects.filter(id=tablet).update(last_seen_on=today - timedelta(days=16))
        Device.objects.filter(id=scene.devices["bob"].id).update(last_seen_on=today)


def _invitations(scene: Scene) -> None:
    def draft(number: int, name: str, channel: Channel = Channel.SMS, **more: Any) -> Draft:
        phone = f"+447700900{300 + number}"
        more = {"purpose": Purpose.MEMBER, "phone": phone, "channel": channel, **more}
        return Draft(name=name, **more)

    console = {"purpose": Purpose.CONSOLE, "phone": "", "role": Role.AUDITOR}
    drafts = {
        "by_hand": draft(1, "Noor Haddad", Channel.HAND, unit="Pharmacy"),
        "failed": draft(2, "Owen Pryce"),
        "opened": draft(3, "Priya Nair"),
        "phone_verified": draft(4, "Rhys Morgan"),
        "awaiting_approval": draft(5, "Eilidh Fraser"),
        "accepted": draft(6, "Bob Stone"),
        "expired": draft(7, "Sofia Lindqvist"),
        "revoked": draft(8, LONG_NAME, unit=LONG_UNIT),
        "declined": draft(9, "Tom Achebe"),
        "guest": draft(
            10,
            "Ursula Kent",
            Channel.EMAIL,
            purpose=Purpose.GUEST,
            email="ursula.kent@calder-medical-supplies.example",
            party="Calder Medical Supplies",
            sponsor_id=scene.people["bob"].id,
            membership_ends_at=clock.now() + timedelta(days=60),
        ),
        "console": draft(11, "Vera Lund", Channel.EMAIL, email="vera@audit.example", **console),
        "known": draft(
            12, "Oliver Grant", Channel.EMAIL, email="oliver@elsewhere.example", **console
        ),
    }
    with scene.by("alice"):
        issued = issue_invitations(drafts=list(drafts.values()))
    scene.invitations = dict(zip(drafts, issued, strict=True))
    reasons = {"revoked": "Sent to the wrong number.", "declined": "I leave at the end of May."}
    with organisation_scope(scene.organisation.id):
        rows = Invitation.objects
        for state in State.values:
            if state in scene.invitations and state != State.ISSUED:
                rows.filter(id=scene.invitations[state].id).update(
                    state=state, reason=reasons.get(state, ""), delivery=Delivery.SENT
                )
        rows.filter(id=scene.invitations["expired"].id).update(
            expires_at=clock.now() - timedelta(days=2)
        )
        rows.filter(id=scene.invitations["failed"].id).update(
            delivery=Delivery.FAILED,
            delivery_error="The number is not in service.",
            delivery_at=clock.now(),
        )
    with acting_as(SYSTEM):
        create_account(email="oliver@elsewhere.example", password=PASSWORD)


def _service_tokens(scene: Scene) -> None:
    soon = clock.now() + timedelta(days=90)
    with scene.by("alice"):
        for key, name in (("siem", "SIEM collector"), ("old", "Export to the archive, 2025")):
            scopes = [Scope.AUDIT_READ, Scope.LOG_READ]
            issued = issue_service_token(name=name, scopes=scopes, expires_at=soon)
            scene.tokens[key] = issued.row
        revoke_service_token(service_token_id=scene.tokens["old"].id, reason="Replaced.")


def _factor_resets(scene: Scene) -> None:
    for key, about in (("waiting", "hana"), ("done", "visitor")):
        with scene.by("adam"):
            scene.resets[key] = request_factor_reset(
                membership_id=scene.people[about].id,
                reason="Phone fell into the canal; I know her.",
            )
    with scene.by("alice"):
        approve_factor_reset(reset_id=scene.resets["done"].id)
