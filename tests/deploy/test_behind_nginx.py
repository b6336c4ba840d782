"""Every process by the command that production uses, seen from outside nginx."""

import asyncio
import json
import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from semafore.local.client.api import DeviceClient
from semafore.local.client.conversations import Messenger
from semafore.local.client.keyfile import HeldKeys, KeyFile
from semafore.local.client.keys import DeviceKeys
from semafore.local.client.onboarding import OnboardingClient
from semafore.local.client.socket import stay_connected
from tests.deploy.people import Holder, People
from tests.deploy.production import PATIENCE, Process, Production, wait_for
from tests.orgs.sign_in.people import code_of

FORM_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
SPOOFED = "203.0.113.99"


@pytest.fixture(autouse=True)
def trusted(production: Production, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sockets trust the throw-away certificate as well."""
    monkeypatch.setenv("SSL_CERT_FILE", str(production.proxy.certificate))


def submit(browser: httpx.Client, path: str, **typed: str) -> httpx.Response:
    """Load a page with a form and send it, as a browser does."""
    page = browser.get(path)
    assert page.status_code == 200, (path, page.status_code, page.text[:500])
    token = FORM_TOKEN.search(page.text)
    assert token is not None
    headers = {"Origin": str(browser.base_url).rstrip("/"), "Referer": f"{browser.base_url}{path}"}
    return browser.post(path, data={"csrfmiddlewaretoken": token[1], **typed}, headers=headers)


@pytest.fixture(scope="module")
def console(production: Production, people: People) -> Iterator[httpx.Client]:
    """Alice, signed in."""
    owner = people.owner
    credentials = {"email": owner["email"], "password": owner["password"]}
    with production.client() as browser:
        first = submit(browser, "/console/sign-in", **credentials)
        assert (first.status_code, first.headers["Location"]) == (302, "/console/sign-in/code")
        code = code_of(bytes.fromhex(owner["key"]))
        second = submit(browser, "/console/sign-in/code", code=code)
        assert (second.status_code, second.headers["Location"]) == (302, "/console/")
        yield browser


def device(production: Production, holder: Holder, keys: DeviceKeys) -> DeviceClient:
    return DeviceClient(
        base_url=production.base_url,
        device_id=holder.device_id,
        organisation_id=holder.organisation_id,
        keys=keys,
        transport=production.transport(),
    )


async def first_text(production: Production, api: DeviceClient, messenger: Messenger) -> str | None:
    """What the first envelope over the socket says."""
    frames = stay_connected(
        production.events_url, lambda renew: api.token(renew=renew), store=messenger.receive
    )
    async with asyncio.timeout(PATIENCE), aclosing(frames):
        async for frame in frames:
            if frame["type"] == "envelope":
                with messenger._memory.locked() as keys:
                    return keys.history[-1].text
    return None


def test_a_device_comes_in_and_talks(
    production: Production, people: People, console: httpx.Client, tmp_path: Path
) -> None:
    """Invited and approved in the console, its code sent by the worker, its words over wss."""
    invited = submit(
        console,
        f"/console/{people.slug}/invitations/new",
        name="Dan Smith",
        phone="+44 7922 300999",
        role="member",
        channel="hand",
        valid_days="7",
    )
    assert invited.status_code == 302, invited.text
    link = re.search(
        r"https://[^\"<\s]+/i/#([^\"<\s]+)", console.get(invited.headers["Location"]).text
    )
    assert link is not None
    assert link[0].startswith(production.base_url)

    keys = DeviceKeys.generate()
    outbox = Path(production.environment["SMS_FILE"])
    with OnboardingClient(
        base_url=production.base_url, transport=production.transport()
    ) as onboarding:
        onboarding.start(link[1])
        wait_for(lambda: outbox.exists() and outbox.read_text().endswith("\n"), production.said)
        onboarding.prove_phone(json.loads(outbox.read_text().splitlines()[-1])["text"][:6])
        body = keys.enrolment_body(onboarding.id, name="Phone", platform="ios")
        registered = onboarding.register(body)
        organisation_id = onboarding.organisation_id
    approval = f"/console/{people.slug}/approvals/{registered['device_id']}"
    approved = submit(console, approval, compared="in_person")
    assert approved.status_code == 302, approved.text

    dan = Holder(
        "Dan", UUID(registered["device_id"]), organisation_id, KeyFile(tmp_path / "Dan.json")
    )
    bob = people.holders["Bob"]
    bobs = bob.file.load()
    with device(production, dan, keys) as api, device(production, bob, bobs) as bob_api:
        status = api.publish(keys.make_one_time_pre_keys(10))
        assert status["one_time_pre_keys"]["available"] >= 10
        (found,) = [one for one in api.members() if one["name"] == "Bob"]
        room = api._send("POST", "rooms", {"kind": "direct", "members": [found["id"]]})
        sender, receiver = Messenger(api, HeldKeys(keys)), Messenger(bob_api, HeldKeys(bobs))
        sent = sender.send(UUID(room["id"]), "Good morning, Bob")
        assert "log.semafore.example" in sent.receipt
        assert asyncio.run(first_text(production, bob_api, receiver)) == "Good morning, Bob"
        # The log process signed what happened, and the web process proves it.
        wait_for(
            lambda: bool(production.query("SELECT 1 FROM audit_checkpoint LIMIT 1")),
            production.said,
        )


@pytest.mark.parametrize("name", ["web", "realtime", "worker", "siem", "beat", "log"])
def test_every_process_says_that_it_is_healthy(production: Production, name: str) -> None:
    for process in production.processes:
        if process.name == name:
            wait_for(process.healthy, process.said)


def test_who_is_not_there_is_not_healthy(production: Production) -> None:
    assert not Process(production, "web", 1).healthy()


def test_what_the_application_answers_is_behind_tls_alone(
    production: Production, console: httpx.Client
) -> None:
    plain = httpx.get(
        f"http://localhost:{production.proxy.plain_port}/console/?a=b", trust_env=False, timeout=60
    )
    assert (plain.status_code, plain.headers["Location"]) == (301, "https://localhost/console/?a=b")

    page = console.get("/console/sign-in")
    hsts = page.headers["Strict-Transport-Security"]
    assert hsts == "max-age=31536000; includeSubDomains; preload"
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert page.headers.get_list("Server") == ["nginx"]

    with production.client() as nobody:
        fresh = nobody.get("/console/sign-in")
    cookies = fresh.headers.get_list("Set-Cookie")
    assert cookies
    for cookie in cookies:
        assert cookie.startswith("__Host-")
        assert {"Secure", "Path=/", "SameSite=Lax"} <= set(cookie.split("; ")), cookie
    assert "__Host-semafore_session" in console.cookies


def test_styles_carry_their_hash_and_stay(production: Production) -> None:
    with production.client() as browser:
        page = browser.get("/console/sign-in").text
        style = re.search(r'href="(/static/css/shell\.[0-9a-f]{12}\.css)"', page)
        assert style is not None, "collectstatic did not run"
        found = browser.get(style[1])
        assert found.status_code == 200
        assert "immutable" in found.headers["Cache-Control"]


def exchange(production: Production, request: bytes) -> bytes:
    """Send these bytes over TLS; what comes back."""
    with (
        socket.create_connection(("localhost", production.proxy.port), timeout=60) as plain,
        production.context.wrap_socket(plain, server_hostname="localhost") as secure,
    ):
        secure.sendall(request)
        answer = b""
        try:
            while more := secure.recv(65536):
                answer += more
        except ssl.SSLEOFError:
            pass
        return answer


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "127.0.0.1", ""])
def test_another_name_is_refused(production: Production, host: str) -> None:
    request = f"GET /console/sign-in HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    status = exchange(production, request.encode()).split(b" ")[1]
    assert status in {b"421", b"400"}


def test_the_name_of_the_request_line_is_no_way_round(production: Production) -> None:
    request = "GET https://localhost/console/sign-in HTTP/1.1\r\nHost: evil.example\r\n"
    answer = exchange(production, f"{request}Connection: close\r\n\r\n".encode())
    assert answer.split(b" ")[1] == b"400"
    assert b"evil.example" not in answer


def test_nobody_says_where_they_come_from(production: Production, people: People) -> None:
    headers = {
        "X-Forwarded-For": SPOOFED,
        "Forwarded": f"for={SPOOFED};proto=http;host=evil.example",
        "X-Real-IP": SPOOFED,
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "http",
    }
    bob, alice = people.holders["Bob"], people.holders["Alice"]
    with device(production, bob, bob.file.load()) as api:
        headers["Authorization"] = f"Bearer {api.token()}"
    with production.client(headers=headers) as stranger:
        claimed = stranger.post(f"/api/mobile/key-bundles/{alice.device_id}/claim")
        assert claimed.status_code == 200, claimed.text
    whos = production.query("SELECT who FROM audit_event WHERE who IS NOT NULL")
    people_there = [json.loads(bytes(who)) for (who,) in whos]
    from_bob = [who for who in people_there if who["actor"]["id"] == str(bob.device_id)]
    assert from_bob
    assert {who["address"] for who in from_bob} == {"127.0.0.1"}
    assert SPOOFED not in production.said()


def test_figures_and_states_are_for_monitoring(production: Production) -> None:
    token = {"Authorization": "Bearer token-of-monitoring"}
    with production.client() as outside:
        assert outside.get("/healthz").text == "ok\n"
    for path in ("/metrics", "/readyz", "//metrics", "/%6detrics", "/x/../metrics", "/metrics/"):
        lines = [f"GET {path} HTTP/1.1", "Host: localhost", *map(": ".join, token.items())]
        answer = exchange(production, "\r\n".join([*lines, "Connection: close\r\n\r\n"]).encode())
        assert answer.split(b" ")[1] == b"404", path
    inside = f"http://127.0.0.1:{production.proxy.monitoring_port}"
    with httpx.Client(base_url=inside, trust_env=False, timeout=60) as monitoring:
        figures = monitoring.get("/metrics", headers=token)
        assert figures.status_code == 200
        assert "semafore_log_entries" in figures.text
        assert monitoring.get("/metrics").status_code == 401
        assert monitoring.get("/readyz").json()["database"] == "ok"
        assert monitoring.get("/api/mobile/config").status_code == 404


def test_bodies_have_an_end(production: Production) -> None:
    with production.client() as browser:
        most = 8 * 1024 * 1024
        refused = browser.post("/api/mobile/auth/challenge", content=b"x" * (most + 1))
        assert refused.status_code == 413
        assert refused.headers["Content-Type"] == "application/problem+json"
        assert refused.json()["code"] == "body_too_large"
        page = browser.post("/console/sign-in", content=b"x" * (most + 1))
        assert page.status_code == 413
        assert "too large" in page.text
        # Without a length, nginx reads it and tells the application.
        pieces = browser.post(
            "/api/mobile/auth/challenge", content=iter([b"{", b"}"]), headers=JSON
        )
        assert pieces.status_code == 422, pieces.text
        # Refused for another reason, before the application has read what was sent.
        for _ in range(10):
            early = browser.post(
                f"/api/mobile/rooms/{UUID(int=0)}/messages", content=b"x" * most, headers=JSON
            )
            assert early.status_code == 401, early.text


JSON = {"Content-Type": "application/json"}
TOKEN = "abcdefghijklmnop-secret-token"


def test_logs_hold_no_token_and_no_address(production: Production) -> None:
    secret: dict[str, Any] = {
        "params": {"q": TOKEN},
        "headers": {"Authorization": f"Bearer {TOKEN}", "Referer": f"https://x/{TOKEN}"},
    }
    with production.client() as browser:
        for path in (f"/console/password/link/{TOKEN}", f"/console/sign-in/link/{TOKEN}?x={TOKEN}"):
            browser.get(path, **secret)
        browser.get("/api/mobile/me", **secret)
    # nginx writes a line when it is done with a request, and its client has the answer before.
    written = production.proxy.access
    wait_for(lambda: '"/api/mobile/me"' in written().partition("sign-in/link/...")[2], written)
    lines = [json.loads(line) for line in written().splitlines()]
    assert {"/console/password/link/...", "/api/mobile/me"} <= {line["path"] for line in lines}
    assert all(set(line) == FIELDS for line in lines)
    assert TOKEN not in production.said()
    assert "127.0.0.1 -" not in production.proxy.access()


FIELDS = {"time", "method", "path", "status", "bytes", "seconds", "instance", "request_id"}


def test_what_stands_in_while_nobody_answers(production: Production) -> None:
    """Last: every instance is stopped, and started again."""
    for process in [*production.webs, *production.realtimes]:
        process.stop()
    with production.client() as browser:
        problem = browser.get("/api/mobile/config")
        assert problem.status_code == 503
        assert problem.headers["Content-Type"] == "application/problem+json"
        assert problem.headers["Retry-After"] == "10"
        assert problem.json()["code"] == "unavailable"
        page = browser.get(f"/console/password/link/{TOKEN}")
        assert (page.status_code, page.headers["Content-Type"]) == (503, "text/html; charset=utf-8")
        assert page.headers["Retry-After"] == "10"
        assert "unavailable for a moment" in page.text
        assert "sha256-" in page.headers["Content-Security-Policy"]
        assert browser.get("/unavailable.html").status_code != 200
        assert browser.get("/ws/mobile").status_code == 503
    assert TOKEN not in production.said()
    for process in [*production.webs, *production.realtimes]:
        process.start()
    for process in [*production.webs, *production.realtimes]:
        process.await_health()
    with production.client() as browser:
        wait_for(lambda: browser.get("/healthz").status_code == 200, production.said)
