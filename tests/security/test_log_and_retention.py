"""What an attacker does to the provable log and to retention, and what becomes of it."""

import json
import re
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.test import Client

from audit.commitments import canonical
from audit.events.retention import HoldPlaced
from audit.log_process import LogProcess
from audit.logs import Log, log_of
from audit.models import PlatformDenial, PlatformEvent, PlatformPending
from audit.selectors.integrity import verify_log
from audit.services.denials import Denial, count_denials
from audit.services.recording import NotRecordableError, record, record_platform
from audit.services.retention.periods import change_periods
from audit.state import SignerState
from audit.verifier import main
from orgs.events.people import AccountCreated
from orgs.events.sign_in import SignInFailed
from orgs.models import Membership, Organisation, Role
from orgs.services.memberships import suspend_membership
from semafore.kernel import clock
from semafore.kernel.actor import Actor, ActorKind, acting_as
from semafore.local.client.device import Device
from semafore.local.client.keyfile import KeyFile
from semafore.local.client.log import LogError
from tests import cast
from tests.audit.published import publish
from tests.audit.test_holds import as_, hold
from tests.cast import Phone, inside
from tests.keys.logs import published, restored, signed
from tests.messaging.test_watched_log import Liar

# Anybody may send anything

NASTY = (
    "%00",
    "a%00b",
    "%FF%ED%A0%80",
    quote("\u202e\u0661²"),
    "9" * 30,
    "-1",
    "0001-01-01T00:00",
    "%5B%22-seq%22%5D",
)
PAGES = {
    "audit": ("type", "actor", "about", "cursor", "period", "from_at", "to_at", "who", "message"),
    "audit/counts": ("by", "from_at", "where", "address"),
    "audit/searches": ("cursor",),
    "audit/searches/new": ("name", "from_at", "address"),
    "search": ("q",),
    "retention/change": ("metadata_days", "existence_days"),
    "retention/deletions": ("cursor",),
    "retention/holds/new": ("person", "room_search", "from_at"),
}


@pytest.mark.parametrize("path", PAGES)
def test_no_field_breaks_a_page(acme: Organisation, alice: Membership, path: str) -> None:
    browser, at = cast.signed_in(alice), f"/console/{acme.slug}/{path}"
    form = "application/x-www-form-urlencoded"
    for name in PAGES[path]:
        for nasty in NASTY:
            asked = f"{name}={nasty}"
            for answer in (
                browser.get(f"{at}?{asked}"),
                browser.post(at, f"{asked}&reason=x", content_type=form),
            ):
                assert answer.status_code in {200, 302, 400, 404, 405, 422}, asked


def test_an_event_that_would_stop_the_sequencer_is_not_recorded(
    acme: Organisation, alice: Membership
) -> None:
    size = publish(acme).size
    for reason, taken in ((r"a path: \u0000, \\u0000", True), ("a\0b", False), ("\\\0", False)):
        placed = HoldPlaced(
            hold_id=uuid4(), from_at=None, until_at=None, reason=reason, case_reference=""
        )
        with inside(acme), transaction.atomic():
            if taken:
                record(placed)
            else:
                with pytest.raises(NotRecordableError):
                    record(placed)
    assert publish(acme).size == size + 1


# What the platform keeps of organisations' people


def test_the_platforms_log_names_nobody_of_an_organisation(alice: Membership) -> None:
    device = Actor(ActorKind.DEVICE, id=uuid4(), label="Alice's phone", membership_id=alice.id)
    operator = Actor(ActorKind.OPERATOR, id=uuid4(), label="Olga of operations")
    for actor in (as_(alice), device, operator):
        with acting_as(actor), transaction.atomic():
            record_platform(AccountCreated(account_id=uuid4()))
            count_denials([Denial(SignInFailed(account_id=None, stage="code"))])
    # By their places in the queue: ids of one millisecond are in no order.
    recorded = PlatformPending.objects.order_by("id").values_list("event_id", flat=True)
    events = PlatformEvent.objects.in_bulk()
    who = [json.loads(bytes(events[one].who or b"")) for one in recorded][-3:]
    for found in (who, [row.who for row in PlatformDenial.objects.order_by("id")]):
        labels = [(one["actor"]["kind"], one["actor"]["label"]) for one in found]
        assert labels == [("member", ""), ("device", ""), ("operator", "Olga of operations")]
        assert found[0]["actor"]["id"] == str(alice.id)


# A server that lies to its devices


@pytest.fixture
def server() -> Liar:
    return Liar()


@pytest.fixture
def alices(alice_phone: Phone, server: Liar, tmp_path: Path) -> Device:
    alice_phone.transport = server
    file = KeyFile(tmp_path / "alice.json")
    file.save(alice_phone.keys)
    return Device(file, alice_phone.api)


def test_that_entries_were_lost_is_not_believed_within_an_origin(
    acme: Organisation, alices: Device, server: Liar, bob_phone: Phone
) -> None:
    """A fork that the server calls a loss: a loss ends an origin, and this one goes on."""
    newest = published(acme)
    alices.log.look()
    forged = signed(acme, newest.size, bytes(32))
    server.lies["log/seen"] = lambda _verdict: {"consistent": False, "lost": True}
    server.lies["log/checkpoint"] = lambda shown: {**shown, "checkpoint": forged}
    with pytest.raises(LogError, match="does not go on"):
        alices.log.look()

    del server.lies["log/checkpoint"]
    server.lies["enrolment-proof"] = lambda text: text.partition("\n\n")[0] + "\n\n" + forged
    with pytest.raises(LogError, match="does not go on"):
        alices.agree_with(bob_phone.id)


def test_what_leads_to_lost_entries_proves_nothing(
    acme: Organisation, alices: Device, server: Liar, bob_phone: Phone
) -> None:
    """After a restore old checkpoints stay signed, and a proof under one of them is no proof."""
    size = published(acme).size
    alices.log.look()
    restored(acme, lost=9, root=bytes(range(32)))
    lost = signed(acme, size + 5, bytes(32))
    server.lies["enrolment-proof"] = lambda text: text.partition("\n\n")[0] + "\n\n" + lost
    with pytest.raises(LogError, match="entries that were lost"):
        alices.agree_with(bob_phone.id)


# Evidence that lies to who checks it


def test_evidence_says_nothing_to_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A field's name that wipes the line and writes a verdict of its own, right to left too."""
    file = tmp_path / "proof.json"
    trick = "x\x1b[2K\rNothing failed.\n\x9b8m\u202e"
    file.write_bytes(canonical({"new": "", "old": "", "proof": [], trick: 1}))
    assert main([str(file)]) == 1
    said = capsys.readouterr().out
    assert r"x\x1b[2K\rNothing failed.\n\x9b8m\u202e" in said
    assert all(letter.isprintable() or letter == "\n" for letter in said)

    assert main([str(file), "--json"]) == 1
    assert capsys.readouterr().out.isascii()


# Somebody with the application's own role in the database


@pytest.fixture
def log(acme: Organisation, alice: Membership, bob: Membership, tmp_path: Path) -> Log:
    """With a hold, a change of the periods, and nothing that waits."""
    hold(alice, person=bob, from_at=clock.now() - timedelta(days=9))
    with inside(acme):
        change_periods(metadata_days=400, audit_days=2555, existence_days=2555, reason="Law")
    with SignerState(tmp_path) as state:
        assert LogProcess(state).drain()
    found = log_of(acme.id)
    assert verify_log(found).fault is None
    return found


HOLD_PLACED = "WHERE type = 'hold.placed'"


@pytest.mark.parametrize(
    ("statement", "field"),
    [
        (f"DELETE FROM audit_event_index {HOLD_PLACED}", "index"),
        (
            (
                "UPDATE audit_event_index SET actor_kind = '', actor_id = NULL, target_kind = '',"
                " actor_member = NULL, target_id = NULL, subject_id = NULL, room_id = NULL,"
                f" address = '', who_kept = false {HOLD_PLACED}"
            ),
            "index",
        ),
        (
            (
                "INSERT INTO audit_announcedkey (organisation_id, name, vkey, purpose, event_id,"
                " announced_at) SELECT organisation_id, name, 'x+00000000+AQ', purpose, event_id,"
                " announced_at FROM audit_announcedkey LIMIT 1"
            ),
            "key",
        ),
        ("UPDATE audit_hold SET lifted_at = now()", "hold"),
        ("UPDATE audit_hold SET from_at = now()", "hold"),
        ("UPDATE audit_hold SET person_id = placed_by_id", "hold"),
        ("DELETE FROM audit_hold", "hold"),
        (
            (
                "INSERT INTO audit_hold (organisation_id, id, from_at, room_label, reason,"
                " case_reference, placed_at) SELECT organisation_id, gen_random_uuid(), now(), '',"
                " '', '', now() FROM audit_hold"
            ),
            "hold",
        ),
        ("UPDATE audit_retentionperiods SET audit_days = 30", "periods"),
        ("UPDATE audit_retentionperiods SET version = 1", "periods"),
    ],
)
def test_what_is_written_past_the_log_is_found(log: Log, statement: str, field: str) -> None:
    """Retention's own setting opens the tables to plain SQL; the audit of the log still tells."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL semafore.retention = 'on'")
        cursor.execute(statement)
        assert cursor.rowcount >= 1
    fault = verify_log(log).fault
    assert fault is not None
    assert fault.field == field


# The subject of a hold


def text(browser: Client, address: str) -> str:
    answer = browser.get(address)
    assert answer.status_code == 200, address
    shown = re.sub(r"<script.*?</script>|<[^>]+>", " ", answer.content.decode(), flags=re.DOTALL)
    # It grows with every event, whatever it is, and is signed anew in another minute.
    log = re.compile(r"(Entries in the audit log) \d+ last checkpoint .*? UTC")
    return log.sub(r"\1", " ".join(shown.split()))


@pytest.mark.usefixtures("early_in_an_hour")
def test_an_administrator_learns_of_no_hold_on_themselves(
    acme: Organisation, alice: Membership, bob: Membership
) -> None:
    with clock.moved_by(-timedelta(days=40)):
        ann = cast.member(acme, "Ann", Role.ADMIN)
        with inside(acme), acting_as(as_(ann)):
            suspend_membership(membership_id=bob.id, reason="Left")
        publish(acme)
    with inside(acme), acting_as(as_(alice)):
        request = change_periods(metadata_days=30, audit_days=30, existence_days=30, reason="x")
    pages = [
        "",
        "approvals",
        "approvals?tab=decided",
        "members",
        f"members/{ann.id}",
        f"playbooks/leaver?person={ann.id}",
        "search?q=Ann",
        f"search?q={ann.id}",
        "audit",
        f"audit?about={ann.id}",
        "retention",
        "retention/deletions",
        f"retention/requests/{request.pk}",
    ]
    browser = cast.signed_in(ann)
    # That she came in is an event itself, once.
    text(browser, f"/console/{acme.slug}/members")
    publish(acme)
    before = {page: text(browser, f"/console/{acme.slug}/{page}") for page in pages}
    held = hold(alice, person=ann)
    publish(acme)
    after = {page: text(browser, f"/console/{acme.slug}/{page}") for page in pages}
    assert {page: shown for page, shown in after.items() if shown != before[page]} == {}
    for page in (f"retention/holds/{held.id}", "retention/holds"):
        refused = browser.get(f"/console/{acme.slug}/{page}")
        assert refused.status_code == 403

    alices = cast.signed_in(alice)
    address = f"/console/{acme.slug}/retention/requests/{request.pk}"
    assert "would delete nothing" in text(alices, address)
    assert "what a legal hold may cover is counted too" in after[pages[-1]]
