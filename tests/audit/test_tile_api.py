"""The audit API: who gets in, the log as C2SP tlog-tiles, the proof of an event."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.test import Client
from pytest_django import Settings

from audit.logs import log_of
from audit.models import Event
from audit.selectors.published import published_entries, published_tile
from audit.services.sequencer import sequence
from orgs.models import Membership, Organisation, Scope, ServiceToken
from orgs.services.service_tokens import revoke_service_token
from semafore.kernel import clock
from semafore.kernel.tenancy import organisation_scope
from tests import cast
from tests.audit.programs import ask, fetched, issue
from tests.audit.published import announce, grow, publish
from tests.audit.reading import accepted, vkey_of
from tests.cast import Phone, inside
from tests.moments import HOUR, beginning

LOG_ROUTES = ("log/checkpoint", "log/keys", "log/tile/0/000.p/1", "log/tile/entries/000.p/1")
FOR_EVER = "private, max-age=31536000, immutable"


@pytest.fixture
def no_day_ends() -> Iterator[None]:
    """Of each, a token's first use is noted."""
    with beginning(HOUR):
        yield


def an_event(of: Organisation) -> UUID:
    with organisation_scope(of.id):
        return Event.objects.order_by("id")[0].id


def routes(of: Organisation) -> list[str]:
    return [*LOG_ROUTES, f"events/{an_event(of)}/proof"]


def code_of(answer: Any) -> tuple[int, str]:
    assert answer["Content-Type"] == "application/problem+json"
    assert answer["Cache-Control"] == "no-store"
    return answer.status_code, answer.json()["code"]


# Who gets in


def test_without_a_valid_token_nothing_is_said(acme: Organisation, alice_phone: Phone) -> None:
    publish(acme)
    expired, revoked = issue(acme), issue(acme)
    with inside(acme):
        revoke_service_token(service_token_id=revoked.row.id, reason="leaked")
        ServiceToken.objects.filter(id=expired.row.id).update(expires_at=clock.now())

    wrong = [
        None,
        "sfs_" + "x" * 43,
        expired.token,
        revoked.token,
        alice_phone.api.token(),
        "ÿ",
        "",
    ]
    for path in routes(acme):
        for token in wrong:
            answer = ask(token, path)
            assert code_of(answer) == (401, "token_invalid"), (token, path)
            assert answer["WWW-Authenticate"] == "Bearer"
        assert code_of(ask(None, path, Authorization=f"Basic {issue(acme).token}"))[0] == 401
    assert ask(issue(acme).token, "log/checkpoint").status_code == 200


def test_a_service_token_is_none_of_a_device(acme: Organisation) -> None:
    headers = {"Authorization": f"Bearer {issue(acme).token}"}
    answer = Client().get("/api/mobile/me", headers=headers)

    assert code_of(answer) == (401, "token_invalid")


@pytest.mark.parametrize("scope", Scope)
def test_a_token_opens_what_its_scopes_say(acme: Organisation, scope: Scope) -> None:
    announce(acme)
    publish(acme)
    token = issue(acme, [scope]).token
    needed = dict.fromkeys(LOG_ROUTES, Scope.LOG_READ)
    needed[f"events/{an_event(acme)}/proof"] = Scope.AUDIT_READ

    for path, need in needed.items():
        answer = ask(token, path)
        if need is scope:
            assert answer.status_code == 200, path
        else:
            assert code_of(answer) == (403, "not_permitted"), path
            assert answer.json()["detail"] == f"This token has no scope {need}."


@pytest.mark.usefixtures("no_day_ends")
def test_the_day_of_use_is_noted(acme: Organisation) -> None:
    token = issue(acme)
    ask(token.token, "log/checkpoint")

    with inside(acme):
        assert ServiceToken.objects.get(id=token.row.id).last_used_on == clock.now().date()


def test_a_token_asks_so_often_a_minute(acme: Organisation, settings: Settings) -> None:
    settings.SERVICE_REQUESTS_PER_MINUTE = 3
    announce(acme)
    publish(acme)
    token, other = issue(acme), issue(acme)
    # A minute may end between two of them: one of the two then has four.
    answers = [ask(token.token, path) for path in (*LOG_ROUTES, *LOG_ROUTES[:3])]

    assert [answer.status_code for answer in answers][:3] == [200, 200, 200]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused
    assert 0 < int(refused[0]["Retry-After"]) <= 60
    assert ask(other.token, "log/checkpoint").status_code == 200


def test_everybody_gets_their_own_log_alone(acme: Organisation, charlie: Membership) -> None:
    globex = charlie.organisation
    ours, theirs = publish(acme), publish(globex)

    assert fetched(issue(acme).token, "log/checkpoint").decode() == ours.note
    assert fetched(issue(globex).token, "log/checkpoint").decode() == theirs.note
    leaf = "log/tile/0/000.p/1"
    assert fetched(issue(acme).token, leaf) != fetched(issue(globex).token, leaf)
    others = ask(issue(globex).token, f"events/{an_event(acme)}/proof").json()
    nobodys = ask(issue(globex).token, f"events/{uuid4()}/proof").json()
    assert others.pop("request_id") != nobodys.pop("request_id")
    assert others == nobodys
    assert others["code"] == "not_found"


# The log


def test_there_is_no_checkpoint_before_the_first(acme: Organisation) -> None:
    token = issue(acme).token
    sequence(log_of(acme.id))

    assert code_of(ask(token, "log/checkpoint")) == (404, "not_found")
    assert code_of(ask(token, "log/keys")) == (404, "not_found")
    assert code_of(ask(token, "log/tile/0/000.p/1")) == (404, "not_found")


def test_the_checkpoint_and_its_key(acme: Organisation) -> None:
    token = issue(acme).token
    announce(acme)
    vkey = vkey_of(publish(acme))
    for _ in range(2):
        cast.member(acme, "Eve")
        signed = publish(acme)
        answer = ask(token, "log/checkpoint")
        assert answer.content.decode() == signed.note
        assert answer["Content-Type"] == "text/plain; charset=utf-8"
        assert answer["Cache-Control"] == "private, no-cache"

    assert fetched(token, "log/keys").decode() == f"{vkey}\n"


def test_tiles_and_bundles(acme: Organisation) -> None:
    token, log, size = issue(acme).token, log_of(acme.id), grow(acme, 300).size
    rest = size - 256
    asked = {
        "log/tile/0/000": published_tile(log, level=0, index=0, width=256),
        "log/tile/0/000.p/7": published_tile(log, level=0, index=0, width=7),
        f"log/tile/0/001.p/{rest}": published_tile(log, level=0, index=1, width=rest),
        "log/tile/1/000.p/1": published_tile(log, level=1, index=0, width=1),
        "log/tile/entries/000": published_entries(log, index=0, width=256),
        f"log/tile/entries/001.p/{rest}": published_entries(log, index=1, width=rest),
    }
    for path, wanted in asked.items():
        answer = ask(token, path)
        assert answer.content == wanted, path
        assert answer["Content-Type"] == "application/octet-stream"
        assert answer["Cache-Control"] == FOR_EVER


@pytest.mark.parametrize(
    "path",
    [
        "0/x000/000",
        "0/00",
        "0/000.p/0",
        "0/000.p/01",
        "0/000.p/256",
        "00/000",
        "+0/000",
        "-1/000",
        "64/000",
        "63/000",
        "0/001",
        "0/000/",
        "entries/0",
        "entries/001",
        "entries/x000/000",
        "entries/000.p/256",
        "data/000",
        "0/x999/" * 900 + "000",
        "0/" + "x999/" * 2000 + "999",
    ],
)
def test_a_path_that_names_no_tile(acme: Organisation, path: str) -> None:
    token = issue(acme).token
    assert grow(acme, 256).size < 512

    assert code_of(ask(token, f"log/tile/{path}")) == (404, "not_found")


def test_clients_that_say_what_they_take(acme: Organisation) -> None:
    token = issue(acme).token
    publish(acme)
    for path, kind in ((LOG_ROUTES[0], "text/plain"), (LOG_ROUTES[2], "application/octet-stream")):
        assert ask(token, path, Accept=kind).status_code == 200
        assert code_of(ask(token, path, Accept="image/png")) == (406, "not_acceptable")


@pytest.mark.usefixtures("no_day_ends")
def test_reading_hashes_is_no_event_and_costs_little(
    acme: Organisation, django_assert_max_num_queries: Any
) -> None:
    announce(acme)
    token, before = issue(acme).token, len(cast.events(acme))
    publish(acme)
    ask(token, "log/checkpoint")
    with inside(acme):
        events = Event.objects.count()
    assert events == before

    for path in LOG_ROUTES:
        # The token, which log, the newest checkpoint, the hashes.
        with django_assert_max_num_queries(4):
            fetched(token, path)
    with inside(acme):
        assert Event.objects.count() == events


# The proof of an event


def test_a_proof_is_read_by_a_program(acme: Organisation, alice: Membership) -> None:
    issued = issue(acme)
    event_id, signed = an_event(acme), publish(acme)

    answer = ask(issued.token, f"events/{event_id}/proof")

    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    assert answer["Cache-Control"] == "no-store"
    extra = accepted(answer.content.decode(), signed).extra
    assert {"who", "what"} <= extra.keys()
    (viewed,) = cast.events(acme, "audit.viewed")
    assert viewed["data"] == {"event_id": str(event_id)}
    with inside(acme):
        who = Event.objects.get(id=viewed["id"])
        assert who.event_class == 1
        assert b'"kind":"service"' in bytes(who.who or b"")
        assert str(issued.row.id).encode() in bytes(who.who or b"")


def test_a_proof_that_is_not_there_yet(acme: Organisation) -> None:
    token, event_id = issue(acme).token, an_event(acme)

    answer = ask(token, f"events/{event_id}/proof")

    assert (answer.status_code, answer.content) == (202, b"")
    assert answer["Retry-After"] == "1"
    assert code_of(ask(token, f"events/{uuid4()}/proof")) == (404, "not_found")
    assert cast.events(acme, "audit.viewed") == []


def test_a_programs_tokens_read_all_classes(
    acme: Organisation, alice_phone: Phone, bob_phone: Phone
) -> None:
    token = issue(acme, [Scope.AUDIT_READ]).token
    with pytest.raises(Exception, match="404"):
        alice_phone.api.claim(uuid4())
    with clock.moved_by(timedelta(minutes=5)):
        alice_phone.api.claim(bob_phone.id)
    with inside(acme):
        by_class = {event.event_class: event.id for event in Event.objects.all()}
    signed = publish(acme)

    assert {1, 3, 6} <= by_class.keys()
    for event_id in by_class.values():
        accepted(fetched(token, f"events/{event_id}/proof").decode(), signed)
