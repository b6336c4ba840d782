"""Files over HTTP, in the console and by the API: for whom, which bytes, and the event of it."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest
from django.test import Client

from audit.models import Export
from audit.services.exports.downloads import CONTINUES_FOR
from orgs.models import Membership, Organisation, Scope
from semafore.kernel import clock
from tests import cast
from tests.audit.exports.acts import CSV, again, asked, content, work
from tests.audit.programs import ask, issue
from tests.audit.published import grow


@pytest.fixture
def done(acme: Organisation, erin: Membership, monkeypatch: pytest.MonkeyPatch) -> Export:
    """Erin's export, in several parts."""
    monkeypatch.setattr("audit.services.exports.work.PART_BYTES", 10_000)
    monkeypatch.setattr("audit.services.exports.work.SLICE", 10)
    grow(acme, 100)
    made = asked(erin, CSV)
    work(acme)
    return again(made)


@pytest.fixture
def browser(erin: Membership) -> Client:
    return cast.signed_in(erin)


def page(of: Organisation, export: Export, what: str = "") -> str:
    return f"/console/{of.slug}/exports/{export.id}{what}"


def body(answer: Any) -> bytes:
    return b"".join(answer.streaming_content)


def downloads(of: Organisation) -> int:
    return len(cast.events(of, "export.downloaded"))


def test_the_whole_file(acme: Organisation, done: Export, browser: Client) -> None:
    answer = browser.get(page(acme, done, "/file"))

    assert answer.status_code == 200
    assert sha256(body(answer)).hexdigest() == done.digest
    assert answer["ETag"] == f'"{done.digest}"'
    assert answer["Content-Length"] == str(done.bytes)
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"] == f'attachment; filename="csv-{done.id}.csv"'
    assert answer["Cache-Control"] == "private, no-store"
    assert cast.events(acme, "export.downloaded")[0]["data"]["length"] == done.bytes


def pieces(size: int, step: int) -> Iterator[tuple[int, int]]:
    for first in range(0, size, step):
        yield first, min(first + step, size) - 1


@pytest.mark.parametrize("step", [1777, 10_000, 33_333])
def test_pieces_make_the_whole_and_are_one_download(
    acme: Organisation, done: Export, browser: Client, step: int
) -> None:
    found, size = b"", done.bytes or 0
    for first, last in pieces(size, step):
        answer = browser.get(
            page(acme, done, "/file"),
            headers={"Range": f"bytes={first}-{last}", "If-Range": f'"{done.digest}"'},
        )
        assert answer.status_code == 206
        assert answer["Content-Range"] == f"bytes {first}-{last}/{size}"
        piece = body(answer)
        assert len(piece) == int(answer["Content-Length"]) == last + 1 - first
        found += piece

    assert found == content(done)
    assert downloads(acme) == 1


def test_what_is_a_download(acme: Organisation, done: Export, browser: Client) -> None:
    file = page(acme, done, "/file")
    browser.head(file)
    assert downloads(acme) == 0
    # Nobody gets a byte unseen by leaving out the first.
    body(browser.get(file, headers={"Range": "bytes=1-"}))
    assert downloads(acme) == 1
    body(browser.get(file, headers={"Range": "bytes=500-"}))
    assert downloads(acme) == 1
    body(browser.get(file, headers={"Range": "bytes=0-9"}))
    assert downloads(acme) == 2
    body(browser.get(file, headers={"Range": "bytes=500-"}, REMOTE_ADDR="192.0.2.99"))
    assert downloads(acme) == 3
    with clock.moved_by(CONTINUES_FOR + timedelta(seconds=1)):
        body(browser.get(file, headers={"Range": "bytes=500-"}))
    assert downloads(acme) == 4


def test_head_and_what_the_file_has_not(acme: Organisation, done: Export, browser: Client) -> None:
    file = page(acme, done, "/file")
    head = browser.head(file)
    assert (head.status_code, head["Content-Length"], head.content) == (200, str(done.bytes), b"")
    beyond = browser.get(file, headers={"Range": f"bytes={done.bytes}-"})
    assert (beyond.status_code, beyond["Content-Range"]) == (416, f"bytes */{done.bytes}")
    assert downloads(acme) == 0


def test_the_manifest_says_what_the_file_is(
    acme: Organisation, done: Export, browser: Client
) -> None:
    said = json.loads(browser.get(page(acme, done, "/manifest")).content)
    file = content(done)
    at, digests = 0, []
    for part in said["file"]["parts"]:
        digests.append(sha256(file[at : at + part["bytes"]]).hexdigest())
        at += part["bytes"]

    assert len(digests) > 2
    assert digests == [part["sha256"] for part in said["file"]["parts"]]
    assert (at, said["file"]["bytes"], said["file"]["sha256"]) == (done.bytes, at, done.digest)
    assert said["events"] == {"stated": done.stated, "written": done.done, "lost": 0}
    assert said["log"]["checkpoint"].split("\n")[1] == str(said["log"]["size"]) == str(done.size)
    assert (said["requested_by"], said["reason"]) == ("Erin", "The regulator asks.")


ROUTES = ("", "/file", "/manifest", "/cancel")


@pytest.mark.parametrize("route", ROUTES)
def test_another_organisations_auditor_finds_nothing(
    acme: Organisation, globex: Organisation, grace: Membership, done: Export, route: str
) -> None:
    browser = cast.signed_in(grace)

    for of in (acme, globex):
        assert browser.get(page(of, done, route)).status_code == 404
        assert browser.post(page(of, done, route)).status_code in {404, 405}
    assert str(done.id) not in browser.get(f"/console/{globex.slug}/exports").content.decode()


def test_another_organisations_cursor_leads_nowhere(
    acme: Organisation, globex: Organisation, erin: Membership, grace: Membership
) -> None:
    grow(acme, 1)
    grow(globex, 1)
    for _ in range(51):
        asked(erin, CSV)
    first = cast.signed_in(erin).get(f"/console/{acme.slug}/exports")
    cursor = first.context["page"].next
    assert cursor
    theirs = cast.signed_in(grace).get(f"/console/{globex.slug}/exports", {"cursor": cursor})

    assert theirs.status_code in {200, 400}
    # Tags hold random tokens, in which any letters can be.
    assert "Erin" not in re.sub(r"<[^>]+>", " ", theirs.content.decode())


def test_the_file_is_for_whoever_asked_alone(
    acme: Organisation, alice: Membership, done: Export
) -> None:
    browser = cast.signed_in(alice)

    assert browser.get(page(acme, done)).status_code == 200
    assert browser.get(page(acme, done, "/file")).status_code == 403
    assert browser.get(page(acme, done, "/manifest")).status_code == 403
    assert downloads(acme) == 0


# The API


def post(token: str, body: Any, **headers: str) -> Any:
    return Client().post(
        "/api/audit/exports",
        json.dumps(body),
        content_type="application/json",
        headers={"Authorization": f"Bearer {token}", **headers},
    )


def test_a_program_asks_looks_and_fetches(acme: Organisation) -> None:
    grow(acme, 30)
    token = issue(acme, [Scope.AUDIT_EXPORT]).token
    body_ = {"format": "json_lines", "reason": "Nightly.", "filter": {"outcome": "success"}}
    made = post(token, body_, **{"Idempotency-Key": "night-1"})
    again_ = post(token, body_, **{"Idempotency-Key": "night-1"})
    assert (made.status_code, made.json()["status"]) == (202, "waiting")
    assert again_.json() == made.json()
    assert ask(token, f"exports/{made.json()['id']}/file").status_code == 409
    work(acme)

    shown = ask(token, f"exports/{made.json()['id']}").json()
    assert shown["status"] == "done"
    assert shown["done"] == shown["stated"] >= 30
    file = ask(token, f"exports/{made.json()['id']}/file")
    assert sha256(body(file)).hexdigest() == shown["manifest"]["file"]["sha256"]
    piece = ask(token, f"exports/{made.json()['id']}/file", Range="bytes=5-9")
    assert (piece.status_code, len(body(piece))) == (206, 5)
    assert len(cast.events(acme, "export.requested")) == 1


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"format": "pdf"}, "format"),
        ({"reason": ""}, "reason"),
        ({"filter": {"action": "no.such"}}, "filter.action"),
        ({"filter": {"colour": "red"}}, "filter.colour"),
        ({"filter": {"from_at": "yesterday"}}, "filter.from_at"),
        ({"format": "subject_access"}, "format"),
    ],
)
def test_what_the_api_refuses(acme: Organisation, wrong: dict[str, Any], field: str) -> None:
    grow(acme, 1)
    answer = post(issue(acme).token, {"format": "csv", "reason": "Because."} | wrong)

    assert answer.status_code == 422
    assert [one["field"] for one in answer.json()["errors"]] == [field]


def test_a_program_needs_the_scope_and_its_own_organisation(
    acme: Organisation, globex: Organisation, done: Export
) -> None:
    reading = issue(acme, [Scope.AUDIT_READ, Scope.LOG_READ]).token
    assert post(reading, {"format": "csv", "reason": "x"}).status_code == 403
    theirs = issue(globex).token
    for path in (f"exports/{done.id}", f"exports/{done.id}/file"):
        assert ask(reading, path).status_code == 403
        assert ask(theirs, path).status_code == 404
        assert ask(None, path).status_code == 401
    # Of Acme too, but not made as the same reader.
    assert ask(issue(acme).token, f"exports/{done.id}/file").status_code == 403
