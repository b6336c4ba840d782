"""What stands in each format, read by readers that aren't ours."""

import csv
import io
import json
import subprocess
import sys
import zipfile
from base64 import b64decode
from hashlib import sha256
from pathlib import Path

import pytest
from django.db import transaction

from audit.events.retention import HoldPlaced
from audit.exports.spreadsheet import COLUMNS
from audit.exports.tables import guarded
from audit.models import Entry, Event
from audit.selectors.events import EventFilter
from audit.services.recording import Fact, Ref, record_many
from audit.services.retention.holds import place_hold
from orgs.events.people import MemberSuspended
from orgs.models import Membership, Organisation
from orgs.services.memberships import membership_ref
from semafore.kernel.tenancy import organisation_scope
from tests.audit.aged import DAY, days, fact_of_class, happened, swept
from tests.audit.exports.acts import (
    BUNDLE,
    CSV,
    JSON_LINES,
    again,
    asked,
    content,
    indexed,
    work,
    written,
)
from tests.audit.published import announce, grow, publish
from tests.cast import inside


@pytest.fixture
def busy(acme: Organisation, alice: Membership, erin: Membership) -> Organisation:
    """Some thousand events of all classes, a part of them without people."""
    announce(acme)
    days(acme, 10, 30, 400)
    happened(acme, [fact_of_class(one) for one in (1, 2, 2, 3, 4, 5, 6)], ago=20 * DAY)
    grow(acme, 3000)
    swept(acme)
    publish(acme)
    return acme


def verified(bundle: bytes, folder: Path, *arguments: str) -> dict[str, list[str]]:
    """What the verifier of the bundle says, with Python alone in an empty directory."""
    empty = folder / "empty"
    empty.mkdir()
    (empty / "bundle.zip").write_bytes(bundle)
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        (empty / "verifier.py").write_bytes(archive.read("verifier.py"))
    ran = subprocess.run(
        [sys.executable, "-I", "-S", "verifier.py", "bundle.zip", "--json", *arguments],
        cwd=empty,
        env={},
        capture_output=True,
        check=False,
    )
    assert ran.stderr == b""
    findings: dict[str, list[str]] = json.loads(ran.stdout)
    assert ran.returncode == bool(findings["failed"])
    return findings


def test_json_lines_hold_every_event_as_it_was_committed_to(
    busy: Organisation, erin: Membership
) -> None:
    made = asked(erin, JSON_LINES)
    work(busy)
    lines = [json.loads(line) for line in content(made).splitlines()]
    rows = indexed(busy, made.size)

    assert len(lines) == len(rows) == again(made).stated == again(made).done > 3000
    with organisation_scope(busy.id):
        events = {one.id: one for one in Event.objects.all()}
        leaves = dict(Entry.objects.values_list("seq", "leaf"))
    for line, row in zip(lines, rows, strict=True):
        event = events[row.event_id]
        assert (line["seq"], line["id"], line["class"]) == (
            row.seq,
            str(row.event_id),
            row.event_class,
        )
        assert b64decode(line["leaf"]) == bytes(leaves[row.seq])
        assert line["what"] == json.loads(bytes(event.what or b"null"))
        assert line["who"] == (json.loads(bytes(event.who)) if event.who else None)
    assert {line["who"] is None for line in lines} == {True, False}


def test_csv_holds_every_event_for_a_spreadsheet(busy: Organisation, erin: Membership) -> None:
    file = written(erin, CSV)
    rows = indexed(busy, again(asked(erin, CSV)).size)
    table = list(csv.DictReader(io.StringIO(file.decode("utf-8-sig"), newline=""), strict=True))

    assert file.startswith(b'\xef\xbb\xbf"seq","time",')
    assert tuple(table[0]) == COLUMNS
    assert [(int(line["seq"]), line["event_id"], line["type"]) for line in table] == [
        (row.seq, str(row.event_id), row.type) for row in rows
    ]
    suspended = next(line for line in table if line["type"] == "retention.change_withdrawn")
    assert suspended["actor"] == "SemaFore server (system)"
    assert json.loads(suspended["data"])["request_id"]


@pytest.mark.parametrize(
    "typed", ['=HYPERLINK("http://evil")', "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "\uff1d1"]
)
def test_no_cell_is_a_formula(acme: Organisation, erin: Membership, typed: str) -> None:
    with inside(acme), transaction.atomic():
        record_many([Fact(MemberSuspended(reason="x"), target=Ref("member", erin.id, typed))])
    publish(acme)
    file = written(erin, CSV, EventFilter(action="member.suspended"))
    (line,) = csv.DictReader(io.StringIO(file.decode("utf-8-sig"), newline=""))

    assert line["target"] == f"'{typed} (member {erin.id})"
    assert all(guarded(cell) == cell for cell in line.values())


def test_a_filter_leaves_out_the_others(busy: Organisation, erin: Membership) -> None:
    file = written(erin, JSON_LINES, EventFilter(action="organisation.created"))
    types = {json.loads(line)["what"]["type"] for line in file.splitlines()}

    assert types == {"organisation.created"}
    assert len(file.splitlines()) == len(indexed(busy, 10**9, type="organisation.created"))


def test_an_export_of_nothing_is_whole(busy: Organisation, erin: Membership) -> None:
    assert written(erin, JSON_LINES, EventFilter(address="203.0.113.9")) == b""
    assert written(erin, CSV, EventFilter(address="203.0.113.9")).count(b"\n") == 1


def test_the_bundle_verifies_with_python_alone(
    busy: Organisation, erin: Membership, tmp_path: Path
) -> None:
    made = asked(erin, BUNDLE)
    work(busy)
    findings = verified(content(made), tmp_path)

    assert findings["failed"] == []
    assert any("Retention records in the log cover each" in one for one in findings["checked"])
    assert again(made).done == len(indexed(busy, made.size))
    with zipfile.ZipFile(io.BytesIO(content(made))) as archive:
        manifest = json.loads(archive.read("manifest.json"))
        lines = archive.read("events.jsonl").splitlines()
        assert "policy-history.json" in archive.namelist()
    assert manifest["complete"]
    assert manifest["events"] == len(lines) == again(made).done


def test_what_examines_the_reader_stays_closed_in_a_whole_bundle(
    busy: Organisation, erin: Membership, alice: Membership, tmp_path: Path
) -> None:
    with inside(busy):
        place_hold(
            person=membership_ref(erin),
            room=None,
            from_at=None,
            until_at=None,
            reason="A letter about Erin.",
            case_reference="",
        )
    publish(busy)
    lines, bundle = written(erin, JSON_LINES), written(erin, BUNDLE)
    findings = verified(bundle, tmp_path)

    assert b"A letter about Erin." in written(alice, JSON_LINES)
    assert b"A letter about Erin." not in lines
    assert b"A letter about Erin." not in bundle
    assert HoldPlaced.type.name.encode() not in lines
    assert findings["failed"] == []
    withheld = "Parts withheld by whoever made the bundle: who of 1, what of 1."
    assert withheld in findings["not_checked"]


def test_a_selection_holds_what_explains_the_log_too(
    busy: Organisation, erin: Membership, tmp_path: Path
) -> None:
    bundle = written(erin, BUNDLE, EventFilter(action="member.suspended"))
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        events = [json.loads(line) for line in archive.read("events.jsonl").splitlines()]
        manifest = json.loads(archive.read("manifest.json"))
    findings = verified(bundle, tmp_path)

    assert not manifest["complete"]
    types = {json.loads(one["what"])["type"] for one in events if "what" in one}
    assert types >= {"log.key_announced", "retention.swept"}
    assert findings["failed"] == []
    assert any("This is not a full export" in one for one in findings["not_checked"])


def test_the_digest_is_of_the_whole_file(busy: Organisation, erin: Membership) -> None:
    made = asked(erin, CSV)
    work(busy)

    assert again(made).digest == sha256(content(made)).hexdigest()
    assert again(made).bytes == len(content(made))
