"""A whole life through real requests and processes; then its secrets are looked for everywhere.

What never happens (product.md, section 9). Beside `tests/test_no_secrets.py`, which looks at every
answer and at what one process does, here are all of them: web and sockets, worker, beat, log.
"""

import asyncio
import base64
import json
import re
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest
import redis
from django_otp.oath import totp

from semafore.local.client.conversations import Messenger
from semafore.local.client.device import Device
from semafore.local.client.keyfile import KeyFile
from semafore.local.client.keys import DeviceKeys
from semafore.local.client.onboarding import OnboardingClient
from semafore.local.client.socket import DeviceSocket
from tests.deployment import Deployment, deployed
from tests.security.browsing import PATIENCE, TOKEN_OF_LINK, Browser
from tests.security.planted import (
    Place,
    everything_in,
    files_in,
    found,
    lines_in,
    overheard,
    rows_of,
    with_digits,
)
from tests.test_no_secrets import Secrets

# A deployment, a demo and a life are set up within the first test: minutes on a busy machine.
pytestmark = pytest.mark.timeout(900)

WORKER = (
    *("celery", "--quiet", "--app", "semafore", "worker", "--beat", "--concurrency", "2"),
    *("--queues", "default,exports,siem", "--loglevel", "DEBUG", "--without-gossip"),
)
ASGI = (
    *("uvicorn", "semafore.local.server:application", "--host", "127.0.0.1"),
    # Addresses of mailed links hold their tokens: no server here logs addresses.
    *("--ws", "websockets-sansio", "--log-level", "info", "--no-access-log", "--port"),
)
NORTHGATE = "/console/northgate"
PLAINTEXT = "Dr Okafor: ward 7 is moved at 18:40, tell nobody."
ANSWER = "Understood. The keys are where they were."
PUSH_TOKEN = "planted:APA91b-Push_Token.0123"
SIEM_SECRET = "planted-secret-of-a-siem-0123456789"
NEW_PASSWORD = "eisvogel-treppe-mantel-quitte"
WRONG_PASSWORD = "eisvogel-treppe-mantel-falsch"
PHONE = "+447700901234"


class Life:
    """One deployment, what was planted in it, and the codes that people typed."""

    def __init__(self, deployment: Deployment, opened: ExitStack) -> None:
        self.deployment = deployment
        self.opened = opened
        self.secrets = Secrets()
        self.codes: list[str] = []
        self.demo = deployment.demo()
        self.listing = json.loads(self.demo.file.read_text(encoding="utf-8"))
        self.owner = next(
            one
            for one in self.listing["console_users"]
            if (one["organisation"], one["role"]) == ("northgate", "owner")
        )
        self.key = base64.b32decode(self.owner["totp_secret"])
        self.browser = self.a_browser()

    def a_browser(self) -> Browser:
        """Somebody's."""
        browser = Browser(self.deployment.base_url)
        self.opened.enter_context(browser.http)
        return browser

    def of_demo(self, name: str) -> Device:
        """A device of the demo."""
        device = self.demo.open(self.demo.find(name))
        self.opened.enter_context(device.api)
        return device

    def waited_for(self, what: str, look: Any) -> Any:
        """What a look finds once it finds anything; the worker, which starts too, has minutes."""
        for _ in range(1200):
            found = look()
            if found:
                return found
            time.sleep(0.1)
        raise AssertionError((what, self.deployment.output()[-3000:]))

    # What happens, in this order.

    def at_the_console(self) -> None:
        """Sign in, with a wrong guess before; a token of a program, a SIEM, settings, an export."""
        plant, browser = self.secrets.plant, self.browser
        plant("a password", self.owner["password"])
        plant("a wrong password", WRONG_PASSWORD)
        plant("a TOTP key", self.key)
        plant("a TOTP key in base32", self.owner["totp_secret"])
        browser.send("/console/sign-in", email=self.owner["email"], password=WRONG_PASSWORD)
        self.codes.append(f"{totp(self.key):06}")
        browser.sign_in(self.owner["email"], self.owner["password"], self.key)
        for cookie in browser.http.cookies.jar:
            plant("a cookie", str(cookie.value))
        issued = browser.send(
            f"{NORTHGATE}/settings/service-tokens/new",
            name="Archive",
            scopes=["audit.read", "audit.export"],
            days="7",
        )
        (token,) = set(re.findall(r"sfs_[\w-]{40,}", issued.text))
        plant("a service token", token)
        bearer = {"Authorization": f"Bearer {token}"}
        audit = f"{self.deployment.base_url}/api/audit/events"
        wrong = {"Authorization": f"Bearer {token}x"}
        with httpx.Client(timeout=PATIENCE, trust_env=False) as program:
            assert program.get(audit, headers=bearer).status_code == 200
            assert program.get(audit, headers=wrong).status_code == 401
        plant("a SIEM's secret", SIEM_SECRET)
        browser.send(
            f"{NORTHGATE}/siem/new",
            name="Planted",
            format="splunk_hec",
            address="https://127.0.0.1:9/services/collector",
            secret=SIEM_SECRET,
            header="Authorization",
            classes=["1", "3"],
            least_severity="1",
        )
        browser.send(
            f"{NORTHGATE}/managed-app/change",
            lock_after_minutes="5",
            min_app_version="",
            wipe_on_revocation="on",
        )
        for _, path in sorted(self.files()):
            browser.get(path)
        browser.send(f"{NORTHGATE}/exports/new", format="json_lines", reason="A whole life")

    def files(self) -> set[tuple[str, str]]:
        """The downloads of the managed app."""
        page = self.browser.get(f"{NORTHGATE}/managed-app")
        return {
            (path, path) for path in re.findall(rf'href="({NORTHGATE}/managed-app/[^"]+)"', page)
        }

    def a_device_comes_in(self) -> Device:
        """By an invitation, a code, a second factor and an approval."""
        plant = self.secrets.plant
        self.browser.send(
            f"{NORTHGATE}/invitations/new",
            name="Planted Person",
            phone=PHONE,
            channel="sms",
            role="member",
            valid_days="7",
        )
        outbox = self.deployment.folder / "sms.jsonl"

        def texts() -> list[str]:
            lines = outbox.read_text(encoding="utf-8").splitlines() if outbox.exists() else []
            return [one["text"] for one in map(json.loads, lines) if one["to"] == PHONE]

        (link,) = self.waited_for("the link", texts)[:1]
        token = TOKEN_OF_LINK.search(link)
        assert token is not None, link
        plant("an invitation's token", token[1])
        device = self.opened.enter_context(OnboardingClient(base_url=self.deployment.base_url))
        device.start(token[1])
        code = self.waited_for("the code", lambda: texts()[1:])[-1][:6]
        self.codes.append(code)
        device.prove_phone(code)
        plant("a session of an onboarding", str(device._session["session_token"]))
        key = re.search(r"secret=([A-Z2-7]+)", device.set_up_totp())
        assert key is not None
        plant("a TOTP key", base64.b32decode(key[1] + "=" * (-len(key[1]) % 8)))
        self.codes.append(f"{totp(base64.b32decode(key[1] + '=' * (-len(key[1]) % 8))):06}")
        device.prove_totp(self.codes[-1])
        keys = DeviceKeys.generate()
        body = keys.enrolment_body(device.id, name="Planted", platform="ios", one_time_pre_keys=9)
        self.secrets.plant_keys("the device", keys)
        plant("a proof of possession", base64.b64decode(body["proof"]))
        registered = device.register(body)
        self.browser.send(f"{NORTHGATE}/approvals/{registered['device_id']}", compared="in_person")
        file = KeyFile(self.deployment.folder / "devices" / "planted.json")
        file.save(keys)
        came_in = Device.open(
            base_url=self.deployment.base_url,
            device_id=UUID(registered["device_id"]),
            organisation_id=device.organisation_id,
            state_file=file.path,
        )
        self.opened.enter_context(came_in.api)
        return came_in

    def devices_talk(self, device: Device) -> None:
        """Messages both ways, tokens, keys; by REST and by the socket."""
        secrets, plant = self.secrets, self.secrets.plant
        plant("what a message says", PLAINTEXT)
        plant("what a message says", ANSWER)
        for name in ("chloe", "ben"):
            with self.of_demo(name).file.locked() as keys:
                secrets.plant_keys(name, keys)
        chloe = self.of_demo("chloe")
        member = chloe.api.me()["membership"]["id"]
        room = device.api._send("POST", "rooms", {"kind": "direct", "members": [member]})
        Messenger(device.api, device.file).send(UUID(room["id"]), PLAINTEXT)
        heard = [one.text for one in Messenger(chloe.api, chloe.file).collect()]
        assert PLAINTEXT in heard
        Messenger(chloe.api, chloe.file).send(UUID(room["id"]), ANSWER)
        assert ANSWER in [one.text for one in Messenger(device.api, device.file).collect()]
        for one in (device, chloe):
            plant("an access token", one.api.token())
            with one.file.locked() as keys:
                for session in (each for peer in keys.peers.values() for each in peer.sessions):
                    self.plant_ratchet(session.state)
        plant("a push token", PUSH_TOKEN)
        device.api._send("PUT", "push-token", {"platform": "android", "token": PUSH_TOKEN})
        plant("a link token", device.api.link_token())
        device.api._send("GET", "managed-config")
        asyncio.run(self.by_socket(device))

    def plant_ratchet(self, state: Any) -> None:
        """The keys of a Double Ratchet, as `doubleratchet` writes them: a letter for each byte."""
        for name, value in state.items() if isinstance(state, dict) else ():
            if name in {"key", "own_ratchet_priv"}:
                self.secrets.plant("a session's key", bytes(map(ord, value)))
            self.plant_ratchet(value)

    async def by_socket(self, device: Device) -> None:
        """The token goes in the subprotocol, where servers like to log it."""
        token = device.api.token()
        for by_subprotocol in (True, False):
            async with DeviceSocket(
                self.demo.events_url, token, by_subprotocol=by_subprotocol
            ) as socket:
                frame = await socket.receive()
                assert frame is not None
                assert frame["type"] == "hello"

    def the_account_changes(self) -> None:
        """A new password, new recovery codes, a link for who forgot."""
        plant, browser = self.secrets.plant, self.browser
        plant("a password", NEW_PASSWORD)
        browser.send(
            "/console/account/password",
            current=self.owner["password"],
            password=NEW_PASSWORD,
            again=NEW_PASSWORD,
        )
        page = browser.send("/console/account/recovery-codes").text
        codes = set(re.findall(r"\b(?:[A-Z2-7]{4}-){3,}[A-Z2-7]{4}\b", page))
        assert len(codes) == 10
        for code in codes:
            plant("a recovery code", code)
            plant("a recovery code without dashes", code.replace("-", ""))
        stranger = self.a_browser()
        stranger.send("/console/password/forgotten", email=self.owner["email"])
        mail = self.deployment.folder / "mail"

        def link() -> Any:
            texts = [path.read_text(encoding="utf-8") for path in mail.glob("*")]
            return re.search(r"/console/password/link/([\w-]+)", "".join(texts))

        token = self.waited_for("the mail", link)[1]
        plant("a mailed link's token", token)
        stranger.get(f"/console/password/link/{token}")
        self.waited_for("the export", lambda: list(files_in(self.deployment.folder / "exports")))

    def live(self) -> None:
        """All of it."""
        self.at_the_console()
        device = self.a_device_comes_in()
        self.devices_talk(device)
        self.the_account_changes()
        report = self.deployment.manage("disclosure_report", PHONE, "--format", "json")
        (self.deployment.folder / "disclosure").mkdir()
        (self.deployment.folder / "disclosure" / "report.json").write_text(report)

    # Where it could lie.

    def places(self, heard: list[bytes]) -> Iterator[Place]:
        """Everywhere but where a secret is on its way to whom it is for."""
        folder = self.deployment.folder
        yield from rows_of(self.deployment)
        yield from everything_in(self.deployment.valkey.url)
        yield from (("a command to Valkey", one) for one in heard)
        yield from lines_in(self.deployment.output())
        for name in ("exports", "log", "disclosure"):
            yield from files_in(folder / name)

    def leaks(self, places: Iterable[Place]) -> set[tuple[str, str]]:
        """Which secret lies where."""
        return found(places, self.secrets.needles())


@pytest.fixture(scope="module")
def lived(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Life, list[bytes], list[Place]]]:
    """A life that is over, and everything that it left; the servers still run."""
    with deployed(tmp_path_factory.mktemp("planted")) as deployment, ExitStack() as running:
        folder = deployment.folder
        deployment.environment |= {
            "LOG_LEVEL": "DEBUG",
            "DJANGO_SETTINGS_MODULE": "semafore.settings",
            "SMS_FILE": str(folder / "sms.jsonl"),
            "PUSH_FILE": str(folder / "push.jsonl"),
            "EMAIL_URL": f"file://{folder / 'mail'}",
            "SIEM_ALLOWED_NETWORKS": "127.0.0.0/8",
        }
        running.enter_context(deployment.process(*ASGI, str(deployment.port)))
        running.enter_context(
            deployment.process(*WORKER, "--schedule", str(folder / "celerybeat-schedule"))
        )
        running.enter_context(deployment.process("django", "audit_log", "run"))
        deployment.wait_until_up()
        with overheard(deployment.valkey.url) as heard:
            life = Life(deployment, running)
            life.live()
        yield life, heard, list(life.places(heard))


ON_THE_WAY = {"mail", "sms.jsonl", "push.jsonl"}
"""Where a link, a code or a push token is on its way to the person or the service it is for."""


def test_all_of_it_was_planted(lived: tuple[Life, list[bytes], list[Place]]) -> None:
    life, heard, places = lived
    kinds = {name.rpartition(" ")[0].rpartition("'s ")[2] for name in life.secrets.values}

    assert kinds == {
        *("a password", "a wrong password", "a TOTP key", "a TOTP key in base32", "a cookie"),
        *("a service token", "secret", "token", "a session of an onboarding"),
        *("a proof of possession", "what a message says", "an access token", "a push token"),
        *("a link token", "a recovery code", "a recovery code without dashes"),
        *("identity seed", "identity private key", "signed pre-key", "one-time pre-key"),
        "key",
    }
    assert len(life.secrets.values) > 100
    assert len(life.codes) == 3
    # Each place that is looked at was used.
    assert any(b"PUBLISH" in one for one in heard)
    assert any(b"invitations." in one for one in heard)
    assert any(place.startswith("exports/") for place, _ in places)
    assert any(place.startswith("log/signed.sqlite3") for place, _ in places)
    said = life.deployment.output()
    for words in (" DEBUG ", "django.request"):
        assert words in said, words


def test_nothing_of_it_lies_anywhere(lived: tuple[Life, list[bytes], list[Place]]) -> None:
    life, _, places = lived

    assert life.leaks(places) == set()


def test_no_code_lies_anywhere(lived: tuple[Life, list[bytes], list[Place]]) -> None:
    life, _, places = lived

    assert {code: with_digits(code, places) for code in life.codes} == {
        code: [] for code in life.codes
    }


def test_what_is_on_its_way_lies_there_and_nothing_else_does(
    lived: tuple[Life, list[bytes], list[Place]],
) -> None:
    """A link and a code in the text, a link in the mail, a token in the push; no password."""
    life, _, _ = lived
    folder = life.deployment.folder
    lies = life.leaks(
        place
        for name in ON_THE_WAY
        for place in (
            files_in(folder / name)
            if (folder / name).is_dir()
            else [(name, (folder / name).read_bytes() if (folder / name).exists() else b"")]
        )
    )

    kinds = {name.rpartition(" ")[0] for _, name in lies}
    assert {"an invitation's token", "a mailed link's token"} <= kinds
    assert kinds <= {"an invitation's token", "a mailed link's token", "a push token"}
    assert life.codes[1] in (folder / "sms.jsonl").read_text(encoding="utf-8")


def test_each_of_it_would_be_found_wherever_it_lay(
    lived: tuple[Life, list[bytes], list[Place]],
) -> None:
    """Planted on purpose: in a row of each kind of column, in Valkey, in a log, in a file."""
    life, _, _ = lived
    folder = life.deployment.folder
    (folder / "exports" / "canary").mkdir()
    names, values = set(life.secrets.values), list(life.secrets.values.values())
    texts = [base64.b64encode(value).decode() for value in values]
    with psycopg.connect(life.deployment.postgres.url) as connection:
        connection.execute("CREATE TABLE canary (a text, b bytea, c jsonb, d text[], e bytea[])")
        for value, text in zip(values, texts, strict=True):
            connection.execute(
                "INSERT INTO canary VALUES (%s, %s, %s, %s, %s)",
                [value.hex(), value, json.dumps({"deep": [text]}), [text], [value]],
            )
    with (
        overheard(life.deployment.valkey.url) as heard,
        redis.Redis.from_url(life.deployment.valkey.url) as client,
    ):
        client.rpush("canary-list", *values)
        client.hset("canary-hash", mapping={"it": texts[0]})
        for value in values:
            client.publish("canary", value)
    for number, text in enumerate(texts):
        (folder / "exports" / "canary" / str(number)).write_text(f'"{text}"')
    (folder / "log" / "canary").write_bytes(b"\0".join(values))
    with (folder / "output.txt").open("ab", buffering=0) as output:
        # In one piece: the processes go on writing, and theirs must not come between.
        output.write(b"\n" + b"".join(f"a line with {value!r}\n".encode() for value in values))

    lies = life.leaks(life.places(heard))

    for place in ("canary.a", "canary.b", "canary.c", "canary.d", "canary.e", "log/canary"):
        assert {name for where, name in lies if where == place} == names, place
    for start in ("exports/", "output: a line", "Valkey: canary-list", "a command to Valkey"):
        assert {name for where, name in lies if where.startswith(start)} == names, start
    assert {where for where, _ in lies if where.startswith("Valkey: canary-hash")}
    six = life.codes[0].encode()
    assert with_digits(life.codes[0], iter([("it", b'{"code": "' + six + b'"}')])) == ["it"]
