"""Production's log lines, of real processes: everything that happened, and nothing of anybody.

Secrets and personal data go in by every way there is: paths, queries, headers, bodies, frames, and
the words of what PostgreSQL, a mail server and the processes themselves say of failures.
"""

import asyncio
import contextlib
import json
import logging
import secrets
import socketserver
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_django
from django.db import connection
from websockets.exceptions import ConnectionClosed

from orgs.models import Account, Role
from semafore.local.client.api import ApiProblem
from semafore.local.client.socket import DeviceSocket, SocketRefused
from semafore.local.client.wire import encode
from tests import cast
from tests.cast import Phone
from tests.conftest import empty_every_table
from tests.messaging import talk
from tests.messaging.push_services import pem, rsa_key
from tests.operations.production import ADDRESS, FORWARDED, METRICS_TOKEN, Production
from tests.test_no_secrets import Secrets

TYPED = "Planted-Words-Of-Somebody"
PHONE = "+447700900987"
NAME = "Wilhelmina Featherstonehaugh"
EMAIL = "wilhelmina@planted.example"
PUSH_TOKEN = "c9:APA91b-Planted_Push.Token.Of.Somebody"
CIPHERTEXT = b"a planted ciphertext of a message to somebody"
ADMIN = "alice-the-administrator@acme.example"

SHOUT = """
CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    RAISE EXCEPTION 'this is bad: %', coalesce(NEW, OLD) USING ERRCODE = 'data_exception';
END $$
"""
SABOTAGE = {
    # An IntegrityError, whose DETAIL is the row.
    "orgs_mail": "ALTER TABLE orgs_mail ADD CONSTRAINT no_more CHECK (false) NOT VALID",
    "audit_entry": "ALTER TABLE audit_entry ADD CONSTRAINT no_more CHECK (false) NOT VALID",
    # DataErrors, whose words are the row.
    "keys_claim": "CREATE TRIGGER no_more BEFORE INSERT ON keys_claim"
    " FOR EACH ROW EXECUTE FUNCTION shout()",
    "keys_devicetoken": "CREATE TRIGGER no_more BEFORE DELETE ON keys_devicetoken"
    " FOR EACH ROW EXECUTE FUNCTION shout()",
}
REPAIR = {
    "orgs_mail": "ALTER TABLE orgs_mail DROP CONSTRAINT no_more",
    "audit_entry": "ALTER TABLE audit_entry DROP CONSTRAINT no_more",
    "keys_claim": "DROP TRIGGER no_more ON keys_claim",
    "keys_devicetoken": "DROP TRIGGER no_more ON keys_devicetoken",
}


class RefusingMailServer(socketserver.StreamRequestHandler):
    """Takes no recipient, and says whom."""

    def handle(self) -> None:
        self.wfile.write(b"220 here\r\n")
        while line := self.rfile.readline():
            answer = b"250 fine"
            if line.upper().startswith(b"RCPT"):
                answer = b"550 5.1.1 nobody here is called " + line.strip()
            self.wfile.write(answer + b"\r\n")


@dataclass
class Scene:
    """What happened, and to whom."""

    production: Production
    phone: Phone
    other: Phone
    room: UUID
    secrets: Secrets = field(default_factory=Secrets)
    figures: dict[str, float] = field(default_factory=dict)
    """What `/metrics` said at the end."""

    @contextlib.contextmanager
    def sabotaged(self, table: str) -> Iterator[None]:
        self.production.execute(SABOTAGE[table])
        try:
            yield
        finally:
            self.production.execute(REPAIR[table])


@pytest.fixture(scope="module")
def scene(
    django_db_setup: None,
    django_db_blocker: pytest_django.DjangoDbBlocker,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Scene]:
    """What happened is over when it is yielded, and the processes have ended."""
    mail_server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), RefusingMailServer)
    threading.Thread(target=mail_server.serve_forever, daemon=True).start()
    production = Production(
        tmp_path_factory.mktemp("lines"),
        LOG_LEVEL="DEBUG",
        EMAIL_URL=f"smtp://127.0.0.1:{mail_server.server_address[1]}",
        SMS_BACKEND="twilio",
        TWILIO_BASE_URL="https://127.0.0.1:1",
        TWILIO_ACCOUNT_SID="AC-planted-account",
        TWILIO_AUTH_TOKEN="planted-token-of-the-sms-service",
        TWILIO_FROM="SemaFore",
        PUSH_BACKEND="service",
        FCM_CREDENTIALS=json.dumps(
            {
                "project_id": "planted",
                "client_email": "robot@planted.example",
                "private_key_id": "1",
                "private_key": pem(rsa_key()),
                "token_uri": "https://127.0.0.1:1/token",
            }
        ),
    )
    with django_db_blocker.unblock():
        try:
            made = cast_of(production)
            production.execute(SHOUT)
            with production.started(), made.phone.api, made.other.api:
                live(made)
            yield made
        finally:
            production.execute("DROP FUNCTION IF EXISTS shout CASCADE")
            empty_every_table()
            connection.close()
            mail_server.shutdown()
            mail_server.server_close()


def cast_of(production: Production) -> Scene:
    acme = cast.organisation("Acme")
    alice, bob = cast.member(acme, "Alice", Role.OWNER), cast.member(acme, NAME)
    Account.objects.filter(id=alice.account_id).update(email=ADMIN)
    made = Scene(production, cast.phone(alice), cast.phone(bob), talk.group(acme, alice, bob).id)
    for one in (made.phone, made.other):
        one.base_url, one.transport = production.base_url, httpx.HTTPTransport()
        one.api._http.headers.update(FORWARDED)
        made.secrets.plant_keys("somebody", one.keys)
    for name, value in (
        ("what somebody typed", TYPED),
        ("a name", NAME),
        ("an email address", EMAIL),
        ("an administrator's email address", ADMIN),
        ("a push token", PUSH_TOKEN),
        ("a ciphertext", CIPHERTEXT),
        ("a credential of the SMS service", "planted-token-of-the-sms-service"),
    ):
        made.secrets.plant(name, value)
    # Shorter than what `plant` can tell from chance, but for these digits.
    made.secrets.values["a phone"] = PHONE.encode()
    made.secrets.values["an address of the network"] = ADDRESS.encode()
    return made


def live(scene: Scene) -> None:
    """Requests, sockets and tasks: what goes well first, then every failure."""
    api, other = scene.phone.api, scene.other.api
    token = api.token()
    scene.secrets.plant("a token", token)
    ask(scene, api, token)
    asyncio.run(talk_on_the_socket(scene, token))
    with scene.sabotaged("keys_claim"), pytest.raises(ApiProblem, match="server_error"):
        api.claim(scene.other.id, idempotency_key=TYPED)
    with scene.sabotaged("audit_entry"):
        scene.secrets.plant("a token", other.token())
        scene.production.wait_for(lambda line: line["process"] == "log" and "exception" in line)
    with scene.production.browser() as browser:
        with scene.sabotaged("orgs_mail"):
            assert forget_password(browser, ADMIN).status_code == 500
        assert forget_password(browser, ADMIN).status_code < 400
    work(scene)
    read_figures(scene)


def read_figures(scene: Scene) -> None:
    """From whichever of the web workers answers."""
    with scene.production.browser() as browser:
        assert browser.get("/metrics").status_code == 401
        bearer = {"Authorization": f"Bearer {METRICS_TOKEN}"}
        for line in browser.get("/metrics", headers=bearer).text.splitlines():
            name, _, value = line.rpartition(" ")
            if not line.startswith("#"):
                scene.figures[name] = float(value)


def ask(scene: Scene, api: Any, token: str) -> None:
    bearer = {"Authorization": f"Bearer {token}", "User-Agent": TYPED}
    http = api._http
    assert api.me()
    http.get(f"rooms?cursor={TYPED}&email={EMAIL}", headers=bearer)
    http.get(f"{TYPED}/{EMAIL}", headers=bearer)
    http.get("me", headers={"Authorization": f"Bearer {TYPED}"})
    http.post("auth/token", json={TYPED: [EMAIL, PHONE]}, headers=bearer)
    http.post("auth/token", content=CIPHERTEXT, headers=bearer)
    http.get("me", headers=bearer | {"Host": f"{TYPED}.example"})
    body = talk.message([scene.other])
    body["envelopes"][0]["ciphertext"] = encode(CIPHERTEXT)
    api.send_message(scene.room, body)
    http.post(f"rooms/{scene.room}/messages", json=body | {"commitment": TYPED}, headers=bearer)
    push = {"platform": "android", "token": PUSH_TOKEN}
    assert http.put("push-token", json=push, headers=bearer).status_code < 300
    with scene.production.browser() as browser:
        browser.get(f"/i/{TYPED}?{EMAIL}")
        browser.post("/console/sign-in", data={"email": EMAIL, "password": TYPED})
        browser.get(f"/console/password/link/{TYPED}")
        browser.get(f"/console/{TYPED}/people")


async def talk_on_the_socket(scene: Scene, token: str) -> None:
    with contextlib.suppress(SocketRefused, ConnectionClosed, StopAsyncIteration):
        async with DeviceSocket(f"{scene.production.events_url}?{TYPED}={EMAIL}", TYPED) as refused:
            await anext(aiter(refused))
    async with DeviceSocket(f"{scene.production.events_url}?{TYPED}", token) as opened:
        await anext(aiter(opened))
        await opened._open_connection.send(f"[{TYPED}")
        with contextlib.suppress(ConnectionClosed, StopAsyncIteration):
            while True:
                await anext(aiter(opened))


def forget_password(browser: httpx.Client, email: str) -> httpx.Response:
    csrf = secrets.token_hex(16)
    return browser.post(
        "/console/password/forgotten",
        data={"email": email, "csrfmiddlewaretoken": csrf},
        headers={
            "Cookie": f"__Host-semafore_csrf={csrf}",
            "Referer": str(browser.base_url).replace("http", "https", 1),
        },
    )


def work(scene: Scene) -> None:
    """Each of these fails in a worker; mail has failed since the request above."""
    organisation_id = scene.phone.device.organisation_id
    production = scene.production
    ask = f"""
from uuid import UUID
from invitations.models import Channel, Purpose
from invitations.services.issuing import issue_invitations
from invitations.services.terms import Draft
from messaging.services.wakeups import nudge
from semafore.kernel.actor import SYSTEM, acting_as
from semafore.kernel.tenancy import organisation_scope
with organisation_scope(UUID("{organisation_id}")), acting_as(SYSTEM):
    issue_invitations(drafts=[
        Draft(purpose=Purpose.MEMBER, name="{NAME}", phone="{PHONE}", channel=Channel.SMS),
        Draft(purpose=Purpose.CONSOLE, name="{NAME}", email="{EMAIL}"),
    ])
    nudge([UUID("{scene.phone.id}")])
"""
    production.manage("shell", "-v", "0", "-c", ask)
    production.wait_for(lambda line: line.get("task") == "orgs.deliver_mail")
    production.wait_for(lambda line: line.get("task") == "invitations.send")
    production.wait_for(lambda line: line.get("task") == "messaging.wake")
    with scene.sabotaged("keys_devicetoken"):
        production.execute("UPDATE keys_devicetoken SET expires_at = now() - interval '1 day'")
        send = "from keys.tasks import drop_tokens as task; task.delay()"
        production.manage("shell", "-v", "0", "-c", send)
        production.wait_for(
            lambda line: line.get("task") == "keys.drop_tokens" and "exception" in line
        )


def found(scene: Scene, **wanted: Any) -> list[dict[str, Any]]:
    """The lines that say all of this."""
    return [line for line in scene.production.lines() if wanted.items() <= line.items()]


def test_nothing_of_anybody_stands_in_a_line(scene: Scene) -> None:
    lines = scene.production.output().splitlines()
    assert len(lines) > 50
    leaks = {(name, line[:300]) for line in lines for name in scene.secrets.found_in(line.encode())}
    assert leaks == set()


def test_every_line_says_when_where_and_what(scene: Scene) -> None:
    lines = scene.production.lines()
    for line in lines:
        assert {"at", "level", "process", "logger", "event"} <= set(line)
        assert line.get("request_id") != "-"
    assert {line["process"] for line in lines} >= {"web", "realtime", "worker", "log"}


@pytest.mark.parametrize(
    "name",
    [
        "httpx",
        "httpcore.http11",
        "hpack.hpack",
        "botocore.auth",
        "s3transfer.utils",
        "urllib3.poolmanager",
    ],
)
def test_libraries_that_write_headers_are_silent_at_any_level(name: str) -> None:
    """Those of exports to a bucket too, for which the processes above have no bucket."""
    root = logging.getLogger()
    before = root.level
    root.setLevel(logging.DEBUG)
    try:
        assert not logging.getLogger(name).isEnabledFor(logging.DEBUG)
    finally:
        root.setLevel(before)


def test_a_line_a_request_with_its_route_and_no_path(scene: Scene) -> None:
    organisation = str(scene.phone.device.organisation_id)
    (claim,) = found(scene, route="api/mobile/key-bundles/<uuid:device_id>/claim")
    assert (claim["method"], claim["status"]) == ("POST", 500)
    assert claim["organisation"] == organisation
    assert claim["milliseconds"] > 0
    assert found(scene, route="console/password/link/<str:token>", status=302)
    assert found(scene, route="api/mobile/me", status=401)
    assert len(found(scene, event="request", route="-", status=404)) == 3
    ids = [line["request_id"] for line in found(scene, event="request")]
    assert len(set(ids)) == len(ids) > 20


def test_a_failed_request_says_where_and_which_rule_and_not_the_row(scene: Scene) -> None:
    (claim,) = found(scene, route="api/mobile/key-bundles/<uuid:device_id>/claim")
    (failure,) = found(
        scene, event="unhandled exception", request_id=claim["request_id"], level="error"
    )
    assert "keys/services/claiming.py" in failure["exception"]
    assert "django.db.utils.DataError: 22000" in failure["exception"]
    (failure,) = [line for line in found(scene, event="unhandled exception") if line != failure]
    assert failure["exception"].endswith("django.db.utils.IntegrityError: 23514 orgs_mail no_more")


def test_a_socket_is_a_line_when_it_ends(scene: Scene) -> None:
    refused, ended = found(scene, event="socket", route="ws/mobile")
    assert (refused["status"], "organisation" in refused) == (4401, False)
    assert ended["status"] == 1007
    assert ended["organisation"] == str(scene.phone.device.organisation_id)


def test_a_task_is_a_line_and_names_the_request_that_asked_for_it(scene: Scene) -> None:
    (asked,) = found(scene, route="console/password/forgotten", status=200)
    mail = found(scene, task="orgs.deliver_mail", request_id=asked["request_id"])
    tried = [line for line in mail if line.get("outcome") == "retried"]
    assert tried
    assert {line["event"] for line in tried} == {
        "task is tried again: MailError: SMTPRecipientsRefused"
    }
    assert len({line["task_id"] for line in tried}) == 1
    (link,) = found(scene, task="invitations.send", outcome="retried")[:1]
    assert link["event"].startswith("task is tried again: DeliveryError: ")
    # Once an hour, and that may be now, beat asks for it too.
    sweeps = found(scene, task="keys.drop_tokens", level="error")
    assert len({one["task_id"] for one in sweeps}) == len(sweeps)
    sweep = sweeps[0]
    assert sweep["organisation"] == str(scene.phone.device.organisation_id)
    assert sweep["exception"].endswith("django.db.utils.DataError: 22000")
    assert found(scene, task="messaging.wake", outcome="succeeded")


def test_the_log_process_says_which_rule_was_broken(scene: Scene) -> None:
    broken = "django.db.utils.IntegrityError: 23514 audit_entry no_more"
    failures = found(scene, process="log", level="error")
    assert failures
    for line in failures:
        assert line["exception"].endswith(broken)


def test_what_two_workers_counted_is_summed(scene: Scene) -> None:
    counted = {
        name: value for name, value in scene.figures.items() if "semafore_requests_total" in name
    }
    assert counted['semafore_requests_total{kind="claim",status="500"}'] == 1
    assert counted['semafore_requests_total{kind="send",status="201"}'] == 1
    # Whoever answered last doesn't know of its own answer yet.
    assert sum(counted.values()) == len(found(scene, event="request")) - 1
