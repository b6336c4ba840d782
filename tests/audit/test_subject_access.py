"""The subject access export: all that is held, nobody else in it, no secret, in constant memory."""

import csv
import io
import json
import re
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator
from hashlib import sha256
from typing import Any
from uuid import UUID
from zipfile import ZipFile

import pytest
from django.db import connection

from audit.exports.subject_access import write_subject_access
from audit.selectors.reading import Reader
from keys.models import Device
from orgs.models import Membership, Organisation, Role
from orgs.roles import permissions_of
from semafore.kernel import hooks
from semafore.kernel.hooks import HeldOnPerson, Holding
from tests import cast
from tests.audit.aged import answering
from tests.audit.held_person import SECRETS, Subject, a_subject
from tests.audit.published import publish
from tests.cast import inside
from tests.test_no_secrets import as_bytes, spellings

COVERED = {
    ("orgs_membership",): ("memberships", "guests"),
    ("orgs_membershipchange",): ("membership_changes",),
    ("orgs_factorreset",): ("factor_resets",),
    ("orgs_servicetoken",): ("service_tokens",),
    ("orgs_policy",): ("duties",),
    ("keys_device",): ("devices", "devices_decided"),
    ("keys_keybundle",): ("key_bundles",),
    ("keys_signedprekey",): ("signed_pre_keys",),
    ("keys_onetimeprekey",): ("one_time_pre_keys",),
    ("keys_devicetoken",): ("device_tokens",),
    ("keys_posture",): ("postures",),
    ("keys_claim",): ("claims",),
    ("realtime_connection",): ("connections",),
    ("invitations_invitation",): ("invitations", "invitations_issued"),
    ("invitations_onboarding",): ("onboardings",),
    ("invitations_linktoken",): ("link_tokens",),
    ("invitations_phonechange",): ("phone_changes",),
    ("messaging_room",): ("rooms",),
    ("messaging_roommembership",): ("room_periods", "room_periods_of_others"),
    ("messaging_roomrequest",): ("room_requests",),
    ("messaging_requestdecision",): ("room_decisions",),
    ("messaging_namedmember", "messaging_namedguest"): ("room_requests_naming",),
    ("messaging_message",): ("messages", "messages_missed"),
    ("messaging_broadcast",): ("broadcasts",),
    ("messaging_envelope",): ("messages_waiting",),
    ("messaging_delivery",): ("deliveries",),
    ("messaging_screenshotreport",): ("screenshots",),
    ("messaging_notice",): ("notices",),
    ("messaging_skip",): ("skips",),
    ("messaging_pushtoken",): ("push_tokens",),
    ("audit_event_index",): ("events", "examinations"),
    ("audit_retentionrequest",): ("retention_requests",),
    ("audit_hold",): ("holds",),
    ("audit_export",): ("exports", "exports_about"),
    ("audit_exportdownload",): ("export_downloads",),
    ("audit_savedsearch",): ("saved_searches", "saved_searches_about"),
    ("audit_siemdestination",): ("siem_destinations",),
}
"""Tables, and the files that have their rows: as many as name the person."""

EXCEPTED = {
    "orgs_account": "the person's own, of all organisations; its number and address stand in the "
    "membership",
    "audit_event": "the events themselves: each has its row in the index",
    "audit_platformevent": "the platform's own log, which no organisation sees",
    "audit_denial": "a refusal on its way to be an event, within a minute",
    "kernel_idempotentanswer": "what a device was answered, kept for a day for a retry",
    "orgs_session": "of the account, which spans organisations",
    "orgs_factor": "of the account",
    "orgs_recoverycode": "of the account",
    "orgs_mailedlink": "of the account",
}
"""Tables that name the person and have no file of their own, and why."""


def reader(of: Membership) -> Reader:
    return Reader(permissions_of(of.kind, of.role), of.id)


def ignore(_rows: int) -> None:
    pass


def written(
    of: Organisation,
    ids: Iterable[UUID],
    by: Membership,
    progress: Callable[[int], None] = ignore,
) -> ZipFile:
    file = io.BytesIO()
    with inside(of):
        rows = write_subject_access(
            file,
            membership_ids=ids,
            reader=reader(by),
            made_by="Data protection office",
            reason="Request of 3 May",
            case_reference="SAR-7",
            progress=progress,
        )
    found = ZipFile(file)
    assert found.testzip() is None
    assert rows == sum(
        len(table(found, name)) for name in found.namelist() if name.endswith(".csv")
    )
    return found


def table(of: ZipFile, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(of.read(name).decode("utf-8-sig"), newline="")))


def records(of: ZipFile, name: str) -> list[dict[str, Any]]:
    folder = "data" if f"data/{name}.json" in of.namelist() else "set-aside"
    found: list[dict[str, Any]] = json.loads(of.read(f"{folder}/{name}.json"))["rows"]
    return found


@pytest.fixture
def subject(acme: Organisation, globex: Organisation, alice: Membership) -> Subject:
    return a_subject(acme, globex, alice)


def ids_of(*people: Membership) -> list[UUID]:
    """Memberships, accounts and devices."""
    found = []
    for one in people:
        with inside(one.organisation):
            devices = Device.objects.filter(membership=one).values_list("id", flat=True)
            found += [one.id, one.account_id, *devices]
    return found


def rows_naming(ids: Iterable[UUID], of: Organisation) -> Iterator[tuple[str, int]]:
    """Tables with how many rows hold one of these ids, of this organisation or of none."""
    needles = [needle for one in ids for needle in (str(one).encode(), one.hex.encode(), one.bytes)]
    with connection.cursor() as cursor:
        for name in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{name}"')
            columns = [column.name for column in cursor.description or ()]
            count = 0
            for row in cursor.fetchall():
                values = dict(zip(columns, row, strict=True))
                if values.get("organisation_id", of.id) != of.id:
                    continue
                hay = b"\0".join(map(as_bytes, row))
                count += any(needle in hay for needle in needles)
            if count:
                yield name, count


def test_every_row_that_names_the_person_is_in_a_file(subject: Subject, alice: Membership) -> None:
    publish(subject.acme)
    named = dict(rows_naming(ids_of(*subject.memberships), subject.acme))
    export = written(subject.acme, subject.ids, alice)

    for tables, files in COVERED.items():
        expected = sum(named.pop(name, 0) for name in tables)
        assert expected, f"nothing is planted in {tables}"
        assert sum(len(records(export, name)) for name in files) == expected, tables
    assert named.keys() == EXCEPTED.keys()
    assert len(records(export, "phone_proofs")) == 1


def test_nobody_else_is_named_and_no_secret(subject: Subject, alice: Membership) -> None:
    export = written(subject.acme, subject.ids, alice)
    needles = {
        *("Alice", "Ottoline", "Peregrine", "Gideon", "Quentin", "Rosalind", "Globex"),
        *("Secret unit", "203.0.113.77", "+44770090081", "+447700900822"),
        *(str(one) for one in ids_of(*subject.others)),
        *(one.phone for one in subject.others),
        *(one.email for one in subject.others),
        str(subject.account.id),
    }
    secrets = [needle for one in SECRETS for needle in spellings(one.encode())]
    keys = [bytes(one.device.identity_key) for one in (subject.phone, *subject.phones)]
    secrets += [needle for one in keys for needle in (one.hex().encode(), b64encode(one))]

    for name in export.namelist():
        content = export.read(name)
        assert not [one for one in secrets if one in content], name
        if not name.startswith("set-aside/"):
            assert not [one for one in needles if one.encode() in content], name


def test_what_examines_the_person_is_set_aside(subject: Subject, alice: Membership) -> None:
    export = written(subject.acme, subject.ids, alice)
    aside = [name for name in export.namelist() if name.startswith("set-aside/")]
    handed_out = b"".join(export.read(name) for name in set(export.namelist()) - set(aside))

    assert [one["Reason"] for one in records(export, "holds")] == ["Whistle was blown"]
    types = {one["Type"] for one in records(export, "examinations")}
    assert types == {"hold.placed", "audit.existence_proved"}
    assert "decides first" in export.read("set-aside/README.txt").decode()
    for word in (b"histle", b"HC-2026-9", b"hold.", b"audit.existence", b"set-aside", b"set aside"):
        assert word not in handed_out


def test_the_person_as_reader_finds_nothing_of_it(subject: Subject) -> None:
    with inside(subject.acme):
        Membership.objects.filter(id=subject.me.id).update(role=Role.OWNER)
    subject.me.role = Role.OWNER
    for ids in (subject.ids, subject.ids[:1]):
        reading = subject.me if len(ids) > 1 else subject.memberships[0]
        export = written(subject.acme, ids, reading)
        assert not [name for name in export.namelist() if "set-aside" in name]
        everything = b"".join(export.read(name) for name in export.namelist())
        assert b"histle" not in everything


def test_a_reader_finds_nothing_of_what_examines_them(
    subject: Subject, acme: Organisation, alice: Membership
) -> None:
    """Alice examined Bob; his export of her is set aside but for what she did to him."""
    with inside(acme):
        Membership.objects.filter(id=subject.me.id).update(role=Role.OWNER)
    subject.me.role = Role.OWNER

    export = written(acme, [alice.id], subject.me)

    assert records(export, "examinations") == []
    everything = b"".join(export.read(name) for name in export.namelist())
    assert b"histle" not in everything


def test_the_events_say_what_happened_with_others_masked(
    subject: Subject, alice: Membership
) -> None:
    export = written(subject.acme, subject.ids, alice)
    said = {one["What happened"]: one for one in records(export, "events")}

    suspended = [one for one in said if re.search(r"suspended another person \d+", one)]
    (acted,) = (said[one] for one in suspended)
    assert acted["The person"] == "acted"
    assert acted["Details"] == {"reason": "left out"}
    assert (acted["Address"], acted["Program"]) == ("192.0.2.9", "Firefox")
    (edited,) = (
        one
        for one in said.values()
        if one["Type"] == "member.edited" and one["The person"] == "was acted on"
    )
    assert edited["Details"]["after"] == {"unit": "Dispatch"}
    assert edited["Address"] == ""
    assert re.fullmatch(
        r"Another person \d+ corrected what .*Bartholomew Quill\.", edited["What happened"]
    )
    sent = [one for one in said.values() if one["Type"] == "message.accepted"]
    mine = {one["Message"] for one in records(export, "messages")}
    assert {one["Details"]["message_id"] for one in sent} == mine


def test_one_person_has_one_number_everywhere(subject: Subject, alice: Membership) -> None:
    export = written(subject.acme, subject.ids, alice)
    by_alice = {
        *(one["Issued by"] for one in records(export, "invitations")),
        *(one["Decided by"] for one in records(export, "phone_changes") if one["Reason"]),
        *(one["Decided by"] for one in records(export, "devices")),
    }

    (number,) = by_alice
    assert re.fullmatch(r"another person \d+", number)
    from_ottoline = {one["From"] for one in records(export, "deliveries")}
    assert len(from_ottoline) == 1
    assert from_ottoline != by_alice


def test_a_spreadsheet_computes_nothing(acme: Organisation, alice: Membership) -> None:
    person = cast.member(acme, "=HYPERLINK(1)")

    export = written(acme, [person.id], alice)

    (row,) = table(export, "data/memberships.csv")
    assert row["Name"] == "'=HYPERLINK(1)"
    assert row["Phone"] == f"'{person.phone}"
    assert records(export, "memberships")[0]["Name"] == "=HYPERLINK(1)"
    for name in export.namelist():
        if name.endswith(".csv"):
            cells = (cell for line in table(export, name) for cell in line.values())
            assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]


def test_the_manifests_name_every_file(subject: Subject, alice: Membership) -> None:
    export = written(subject.acme, subject.ids, alice)
    manifests = {
        folder: json.loads(export.read(f"{folder}manifest.json")) for folder in ("", "set-aside/")
    }

    listed = {one["name"]: one for made in manifests.values() for one in made["files"]}
    written_ = {name for name in export.namelist() if not name.endswith("manifest.json")}
    assert listed.keys() == written_
    for name, one in listed.items():
        content = export.read(name)
        assert one["sha256"] == sha256(content).hexdigest()
        assert one["bytes"] == len(content)
        if name.endswith(".csv"):
            assert one["rows"] == len(table(export, name))
    assert manifests[""]["organisation"] == "Acme"
    assert manifests[""]["case_reference"] == "SAR-7"
    assert not [one for one in manifests[""]["files"] if one["name"].startswith("set-aside")]


def test_the_page_stands_alone(subject: Subject, alice: Membership) -> None:
    page = written(subject.acme, subject.ids, alice).read("index.html").decode()

    words = " ".join(re.sub(r"<style>.*?</style>|<[^>]+>", " ", page, flags=re.DOTALL).split())
    for word in ("Acme", "Bartholomew Quill", "What messages said", "Request of 3 May", "SAR-7"):
        assert word in words
    assert not re.search(r"(src|href)=\"(?!data/)", page)
    assert "<script" not in page


def test_somebody_of_whom_nothing_is_held(
    acme: Organisation, charlie: Membership, alice: Membership
) -> None:
    export = written(acme, [charlie.id], alice)

    assert {len(table(export, name)) for name in export.namelist() if name.endswith(".csv")} == {0}
    assert b"Charlie" not in export.read("index.html")


def test_many_rows_pass_one_by_one(acme: Organisation, alice: Membership) -> None:
    """No more than a few of a great table are held at a time, and progress is told on the way."""
    alive, most, told = 0, 0, list[int]()

    class Cell:
        def __init__(self) -> None:
            nonlocal alive, most
            alive += 1
            most = max(most, alive)

        def __str__(self) -> str:
            return "cell"

        def __del__(self) -> None:
            nonlocal alive
            alive -= 1

    def handler(held: HeldOnPerson) -> None:
        rows = ((Cell(), number) for number in range(5000))
        held.holdings.append(Holding(title="Many", columns=("A", "B"), rows=rows, name="many"))

    with answering(hooks.held_on_person, handler):
        export = written(acme, [alice.id], alice, progress=told.append)

    assert len(records(export, "many")) == 5000
    assert most < 5
    assert told == sorted(told)
    assert len(told) > 9


def test_what_progress_raises_ends_it(acme: Organisation, alice: Membership) -> None:
    class CancelledError(Exception):
        pass

    def cancel(_rows: int) -> None:
        raise CancelledError

    with pytest.raises(CancelledError):
        written(acme, [alice.id], alice, progress=cancel)
