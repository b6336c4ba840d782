"""A person of whom the organisation holds something in every table, and who else is there."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction

from audit.events.existence import ExistenceProved
from audit.models import (
    Denial,
    Export,
    ExportDownload,
    RequestKind,
    RetentionRequest,
    SavedSearch,
    SiemDestination,
)
from audit.services.recording import Ref, record
from audit.services.retention.holds import place_hold
from invitations.models import Channel, Invitation, LinkToken, Onboarding, PhoneChange, PhoneProof
from keys.models import Claim, Comparison, Device, DeviceToken, Posture
from keys.services.enrolment import approve_device
from messaging.models import (
    Broadcast,
    Message,
    NamedGuest,
    NamedMember,
    Notice,
    NoticeKind,
    PushToken,
    RequestDecision,
    RoomRequest,
    ScreenshotReport,
    Skip,
)
from orgs.models import (
    Account,
    Factor,
    FactorReset,
    MailedLink,
    Membership,
    Organisation,
    Policy,
    RecoveryCode,
    Role,
    Scope,
)
from orgs.services.accounts import create_account
from orgs.services.memberships import (
    admit_member,
    edit_membership,
    end_membership,
    membership_ref,
    suspend_membership,
)
from orgs.services.service_tokens import issue_service_token, revoke_service_token
from realtime.services import take_place
from semafore.kernel import clock
from semafore.kernel.actor import SYSTEM, Actor, ActorKind, acting_as
from semafore.kernel.models import IdempotentAnswer
from semafore.kernel.tenancy import organisation_scope
from tests import cast
from tests.audit.published import announce, publish
from tests.cast import Phone, inside
from tests.messaging import talk
from tests.messaging.pages import affairs

SECRETS = ("Sealed-Push-Token-0123456789", "Hashed-Access-Token-0123456789", "Code-Hash-0123456789")


@dataclass
class Subject:
    """Bob, who left once and came back as an administrator; and the others, who are masked."""

    acme: Organisation
    account: Account
    memberships: list[Membership]
    phone: Phone
    others: list[Membership] = field(default_factory=list)
    phones: list[Phone] = field(default_factory=list)

    @property
    def ids(self) -> list[UUID]:
        """By which rows name him."""
        return [one.id for one in self.memberships]

    @property
    def me(self) -> Membership:
        return self.memberships[-1]


@contextmanager
def by(person: Membership) -> Iterator[None]:
    actor = Actor(
        kind=ActorKind.MEMBER,
        id=person.id,
        label=person.name,
        membership_id=person.id,
        address="192.0.2.9" if person.name.startswith("Bartholomew") else "203.0.113.77",
        user_agent="Firefox",
    )
    with acting_as(actor), organisation_scope(person.organisation_id):
        yield


def a_subject(acme: Organisation, globex: Organisation, alice: Membership) -> Subject:
    """Everything is planted, and published."""
    announce(acme)
    with inside(acme):
        account = create_account(phone="+447700900801", email="bartholomew@acme.example")
        known: dict[str, Any] = {
            "account": account,
            "name": "Bartholomew Quill",
            "phone": "+447700900801",
            "email": "bartholomew@acme.example",
        }
        former = admit_member(**known, role=Role.MEMBER)
        end_membership(membership_id=former.id, reason="A year abroad.")
        me = admit_member(**known, role=Role.ADMIN)
    with inside(globex):
        elsewhere = admit_member(
            account=account,
            name="Bartholomew of Globex",
            phone="+447700900802",
            email="quill@globex.example",
            role=Role.OWNER,
        )
    cast.phone(elsewhere, name="Globex phone")
    subject = Subject(acme, account, [former, me], cast.phone(me, name="Quill's phone"))
    subject.others = [alice, *(cast.member(acme, name) for name in ("Ottoline", "Peregrine"))]
    subject.phones = [cast.phone(one, name=f"{one.name} Handset") for one in subject.others]
    _account(subject)
    _people(subject)
    _invitations(subject)
    _devices(subject)
    _rooms(subject)
    _traffic(subject)
    _examined(subject)
    _reading(subject)
    publish(acme)
    return subject


def _account(subject: Subject) -> None:
    """What spans organisations, or is there for a day."""
    cast.signed_in(subject.me)
    soon = clock.now() + timedelta(days=1)
    Factor.objects.create(account=subject.account)
    RecoveryCode.objects.create(account=subject.account, code_hash=SECRETS[2].encode())
    MailedLink.objects.create(
        account=subject.account, purpose="password", token_hash=b"link", expires_at=soon
    )
    with inside(subject.acme):
        IdempotentAnswer.objects.create(
            organisation_id=subject.acme.id, caller_id=subject.phone.id, key="1", request_hash=b""
        )
        Denial.objects.create(
            organisation_id=subject.acme.id,
            type="access.denied",
            key=b"",
            minute=clock.now(),
            who={"actor": {"member": str(subject.me.id)}},
            data={},
            count=1,
            first_at=clock.now(),
            last_at=clock.now(),
        )


def _people(subject: Subject) -> None:
    alice, ottoline, peregrine = subject.others
    of, me = subject.acme, subject.me
    with by(me):
        suspend_membership(membership_id=peregrine.id, reason="Peregrine lost the keys.")
        edit_membership(membership_id=ottoline.id, name="Ottoline Vane", unit="Secret unit")
        issued = issue_service_token(
            name="Archive", scopes=[Scope.LOG_READ], expires_at=clock.now() + timedelta(days=1)
        )
    with by(alice):
        revoke_service_token(service_token_id=issued.row.id, reason="Not needed.")
        edit_membership(membership_id=me.id, name=me.name, unit="Dispatch")
    with inside(of):
        Policy.objects.update(duty_approver=me)
        for about, asked, decided in (
            (me, alice, ottoline),
            (ottoline, me, alice),
            (peregrine, alice, me),
        ):
            FactorReset.objects.create(
                organisation_id=of.id,
                membership=about,
                status="denied",
                reason=f"{about.name} is locked out",
                expires_at=clock.now(),
                requested_by=asked,
                decided_by=decided,
                denial_reason="No.",
            )
    affairs.guest(of, "Gideon", me, affairs.party(of))


def _invitations(subject: Subject) -> None:
    alice, ottoline, _ = subject.others
    of, me = subject.acme, subject.me
    soon = clock.now() + timedelta(days=1)

    def invited(name: str, phone: str, **more: Any) -> Invitation:
        return Invitation.objects.create(
            organisation_id=of.id,
            purpose="member",
            name=name,
            phone=phone,
            channel=Channel.HAND,
            expires_at=soon,
            **more,
        )

    with inside(of):
        own = invited(me.name, me.phone, membership=me, issued_by=alice, state="accepted")
        invited("Quentin Rook", "+447700900811", issued_by=me)
        invited("Rosalind Thorn", "+447700900812", issued_by=alice, sponsor=me)
        link = LinkToken.objects.create(
            organisation_id=of.id,
            token_hash=SECRETS[1].encode(),
            device=subject.phone.device,
            expires_at=soon,
        )
        Onboarding.objects.create(
            organisation_id=of.id,
            invitation=own,
            membership=me,
            device=subject.phone.device,
            phone=me.phone,
            expires_at=soon,
        )
        linked = Onboarding.objects.create(
            organisation_id=of.id, link_token=link, account=subject.account, expires_at=soon
        )
        PhoneProof.objects.create(
            organisation_id=of.id,
            phone=me.phone,
            subject_id=linked.id,
            code_hash=SECRETS[2].encode(),
        )
        for about, decider in ((me, alice), (ottoline, me)):
            PhoneChange.objects.create(
                organisation_id=of.id,
                membership=about,
                phone="+447700900821" if about == me else "+447700900822",
                proved_at=clock.now(),
                approved=False,
                decided_at=clock.now(),
                decided_by=decider,
                reason=f"Not {about.name}",
            )


def _devices(subject: Subject) -> None:
    alice, ottoline, _ = subject.others
    of, me, device = subject.acme, subject.me, subject.phone.device
    waiting = cast.phone(ottoline, approved=False, name="Ottoline Slate")
    with by(me):
        approve_device(device_id=waiting.id, compared=Comparison.CALL)
    subject.phones.append(waiting)
    subject.phone.api.claim(subject.phones[0].id)
    subject.phones[0].api.claim(device.id)
    with inside(of):
        take_place(device_id=device.id)
        Device.objects.filter(id=device.id).update(decided_by=alice)
        Posture.objects.create(
            organisation_id=of.id,
            device=device,
            app_version=[1, 4, 2],
            os_version="17.4",
            managed=False,
            config_version=1,
            backup_allowed=True,
            screenshots_allowed=True,
            clipboard_allowed=True,
            lock_after_minutes=0,
            wipe_on_revocation=True,
            reported_on=clock.now().date(),
        )
        PushToken.objects.create(
            organisation_id=of.id,
            device=device,
            service="apns",
            environment="sandbox",
            token=SECRETS[0].encode(),
        )
        assert Claim.objects.count() == 2
        assert DeviceToken.objects.filter(device=device).exists()


def _rooms(subject: Subject) -> None:
    alice, ottoline, _ = subject.others
    of, me = subject.acme, subject.me
    company = affairs.party(of)
    affairs.direct(of, ottoline, me)
    affairs.external(of, me, alice, company=company)
    room = affairs.external(of, alice, me, company=company, name="Boiler")
    for asker, decider in ((me, alice), (alice, me)):
        asked = affairs.request(of, room, asker)
        with inside(of):
            RoomRequest.objects.filter(id=asked.id).update(
                status="approved", decided_at=clock.now()
            )
            RequestDecision.objects.get_or_create(
                organisation_id=of.id, request=asked, by=decider, approved=True
            )
            NamedMember.objects.create(organisation_id=of.id, request=asked, membership=me)
            NamedGuest.objects.create(
                organisation_id=of.id, request=asked, membership=me, name=me.name
            )
    with inside(of):
        ScreenshotReport.objects.create(
            organisation_id=of.id,
            room=room,
            membership=me,
            device=subject.phone.device,
            taken_at=clock.now(),
            platform="ios",
            event_id=uuid4(),
        )


def _traffic(subject: Subject) -> None:
    alice, ottoline, _ = subject.others
    of, me = subject.acme, subject.me
    mine, alices, ottolines = subject.phone, *subject.phones[:2]
    room = talk.group(of, me, alice, ottoline)
    to_mine = [mine, alices, subject.phones[3]]
    mine.api.send_message(room.id, talk.message([*subject.phones[:2], subject.phones[3]]))
    ottolines.api.send_message(room.id, talk.message(to_mine))
    ids = [one["envelope_id"] for one in mine.api.mailbox()["envelopes"]]
    mine.api._send("POST", "mailbox/ack", {"envelope_ids": ids})
    ottolines.api.send_message(room.id, talk.message(to_mine))
    with inside(of):
        missed = Message.objects.filter(sender=ottoline).latest("accepted_at")
        Message.objects.filter(id=missed.id).update(skipped=[mine.id])
        Broadcast.objects.create(organisation_id=of.id, sender=me, sender_device=mine.device)
        for device, about in ((mine, alices), (alices, mine)):
            Notice.objects.create(
                organisation_id=of.id,
                device=device.device,
                about=about.device,
                kind=NoticeKind.REACHABLE,
            )
            Skip.objects.create(
                organisation_id=of.id, device=device.device, sender_device=about.device
            )


def _examined(subject: Subject) -> None:
    """Somebody looks at him."""
    alice, ottoline, _ = subject.others
    of, me = subject.acme, subject.me
    with by(alice), transaction.atomic():
        place_hold(
            person=membership_ref(me),
            room=None,
            from_at=None,
            until_at=None,
            reason="Whistle was blown",
            case_reference="HC-2026-9",
        )
        record(
            ExistenceProved(
                event_id=uuid4(),
                message_id=uuid4(),
                ciphertext_sha256=None,
                reason="Whistle was blown",
                case_reference="",
            ),
            subject=Ref("member", me.id, me.name),
        )
    with acting_as(SYSTEM), organisation_scope(of.id):
        for asker, decider in ((me, alice), (ottoline, me)):
            RetentionRequest.objects.create(
                organisation_id=of.id,
                kind=RequestKind.SHORTEN,
                status="approved",
                reason="Storage",
                metadata_days=30,
                audit_days=30,
                existence_days=30,
                requested_by=asker,
                decided_by=decider,
                decided_at=clock.now(),
                expires_at=clock.now(),
            )


def _reading(subject: Subject) -> None:
    """He read the log, about others too, and others read it about him."""
    alice, ottoline, _ = subject.others
    of, me = subject.acme, subject.me
    with inside(of):
        for by_, about, why in (
            (me, ottoline, "Ottoline is suspected"),
            (alice, me, "Whistle was blown"),
        ):
            export = Export.objects.create(
                organisation_id=of.id,
                format="csv",
                chosen={"actor": str(about.id)},
                people=[str(about.id)],
                person_label=about.name,
                reason=why,
                requested_by=by_.name,
                reader=by_,
                size=1,
            )
            SavedSearch.objects.create(
                organisation_id=of.id,
                name=why,
                filters={"about": str(about.id)},
                people=[about.id],
                saved_by=by_,
            )
            ExportDownload.objects.create(
                organisation_id=of.id, export=export, actor_id=by_.id, address="192.0.2.9"
            )
        SiemDestination.objects.create(
            organisation_id=of.id,
            name="Archive",
            format="ocsf",
            address="https://siem.example/events",
            sealed_secret=SECRETS[1].encode(),
            classes=[1],
            set_up_by=me,
            cursor=0,
        )
