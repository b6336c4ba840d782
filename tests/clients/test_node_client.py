"""A device written from docs/clients.md alone (clients/node) talks with `bin/device`.

The tests stand in the order in which they build on each other.
"""

import base64
import contextlib
import io
import json
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from semafore.local.client.__main__ import main
from semafore.local.servers import ROOT
from tests.clients.node_device import Node, installed, of, texts
from tests.deployment import Deployment, deployed
from tests.restoration.scene import signed_up
from tests.security.browsing import Browser

PERSON = "Noor Haddad"
ASGI = (
    *("uvicorn", "semafore.local.server:application", "--host", "127.0.0.1"),
    *("--ws", "websockets-sansio", "--log-level", "warning", "--port"),
)
WORKER = ("celery", "--quiet", "--app", "semafore", "worker", "--concurrency", "1")


class Town:
    """The demo's server, the devices that live there, and its owner at the console."""

    def __init__(self, deployment: Deployment) -> None:
        self.deployment = deployment
        self.file = deployment.folder / "demo.json"
        self.outbox = deployment.folder / "sms.jsonl"
        self.listed: dict[str, Any] = json.loads(self.file.read_text("utf-8"))
        (self.invitation,) = (
            one
            for one in self.listed["invitations"]
            if (one["organisation"], one["name"]) == ("northgate", PERSON)
        )
        self.console = Browser(deployment.base_url)
        owner = self.listed["console_users"][0]
        key = base64.b32decode(owner["totp_secret"])
        self.console.sign_in(owner["email"], owner["password"], key)

    def peer(self, name: str, *arguments: str) -> str:
        """What `bin/device --as NAME …` prints."""
        with contextlib.redirect_stdout(io.StringIO()) as said:
            assert main(["--demo", str(self.file), "--as", name, *arguments]) == 0, arguments
        return said.getvalue()

    def device_of(self, name: str) -> str:
        """The id of one of the demo's devices."""
        return str(self.deployment.demo().find(name).device_id)

    def approve(self, device_id: str, fingerprint: str) -> None:
        """Approve a device whose holder reads this fingerprint out."""
        page = f"/console/northgate/approvals/{device_id}"
        shown = " ".join(re.sub(r"<[^>]+>", " ", self.console.get(page)).split())
        assert fingerprint in shown
        self.console.send(page, compared="in_person")

    def enrol(self, node: Node, link: str) -> str:
        """Bring a device of the invited person in."""
        return node.enrol(
            link, phone=self.invitation["phone"], outbox=self.outbox, approve=self.approve
        )

    def let_half_a_minute_pass(self) -> None:
        """For codes: the next one to the same number goes out at once."""
        self.deployment.query(
            "UPDATE invitations_phoneproof SET requested_at = requested_at - interval '30 s'"
            " RETURNING id"
        )


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return installed(tmp_path_factory.mktemp("node"))


@pytest.fixture(scope="module")
def town(client: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with deployed(tmp_path_factory.mktemp("town")) as deployment:
        deployment.environment["SMS_FILE"] = str(deployment.folder / "sms.jsonl")
        with (
            deployment.process(*ASGI, str(deployment.port)),
            deployment.process(*WORKER),
            deployment.process("django", "audit_log", "run"),
        ):
            deployment.wait_until_up()
            # A device that is quicker than the log process would find no checkpoint.
            signed_up(deployment)
            town = Town(deployment)
            with contextlib.closing(town.console.http):
                yield town


@pytest.fixture(scope="module")
def node(client: Path, town: Town) -> Node:
    """The device in Node, enrolled and approved."""
    node = Node(client, client / "device.json")
    town.enrol(node, f"{town.deployment.base_url}/i/#{town.invitation['token']}")
    return node


@pytest.fixture(scope="module")
def room(node: Node) -> Callable[[str], str]:
    """The direct room with a person of the demo."""
    people = {one["name"]: one["membership_id"] for one in of(node("rooms"), "member")}

    def with_person(name: str) -> str:
        return str(node("talk", people[name])[-1]["room_id"])

    return with_person


@pytest.fixture(scope="module")
def with_chloe(room: Callable[[str], str]) -> str:
    return room("Chloe Marsh")


def test_vectors(client: Path) -> None:
    command = ["node", str(client / "vectors.mjs"), str(ROOT / "docs" / "vectors")]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert re.fullmatch(r"\d{3,} passed, 0 failed", done.stdout.splitlines()[-1])


def test_it_was_approved(node: Node) -> None:
    status = node("status")[-1]

    assert status["status"] == "approved"
    assert status["bundle"]["one_time_pre_keys"]["available"] == 100
    assert status["checkpoint"]["size"] > 0
    assert oct(node.state_file.stat().st_mode & 0o777) == "0o600"


def test_it_speaks_first(town: Town, node: Node, with_chloe: str) -> None:
    """Two first messages before any answer, an answer, and what follows it."""
    for text in ("Good morning, Chloe. ☕", "Are you there?"):
        (sent,) = of(node("send", with_chloe, text), "sent")
        assert sent["receipt_fine"]
        assert sent["skipped"] == []
    heard = town.peer("chloe", "receive", "--once")
    assert "Good morning, Chloe. ☕" in heard
    assert "Are you there?" in heard

    town.peer("chloe", "send", with_chloe, "I am.")
    assert texts(node("receive", "--once")) == ["I am."]
    node("send", with_chloe, "Then we talk.")
    assert "Then we talk." in town.peer("chloe", "receive", "--once")


def test_it_is_spoken_to_and_hears_the_newest_first(
    town: Town, node: Node, room: Callable[[str], str]
) -> None:
    with_ben = room("Ben Whitlock")
    keys = len(node.state["opks"])
    for number in range(3):
        town.peer("ben", "send", with_ben, f"number {number}")

    came = node("receive", "--once", "--reverse")

    assert texts(came) == ["number 2", "number 1", "number 0"]
    assert {one["from"] for one in of(came, "message")} == {"Ben Whitlock"}
    assert len(node.state["opks"]) == keys - 1
    node("send", with_ben, "All three are here.")
    assert "All three are here." in town.peer("ben", "receive", "--once")


def test_both_begin_at_once(town: Town, node: Node, room: Callable[[str], str]) -> None:
    with_jonas = room("Jonas Lind")
    node("send", with_jonas, "from this side")
    town.peer("jonas", "send", with_jonas, "from that side")
    assert "from this side" in town.peer("jonas", "receive", "--once")
    assert texts(node("receive", "--once")) == ["from that side"]

    node("send", with_jonas, "one session")
    assert "one session" in town.peer("jonas", "receive", "--once")
    town.peer("jonas", "send", with_jonas, "for both")
    assert texts(node("receive", "--once")) == ["for both"]


def test_claims(town: Town, node: Node) -> None:
    """With one-time pre-keys, one after the other; with none left; refused."""
    amara, laptop = town.device_of("amara"), town.device_of("amara-laptop")
    (first,) = of(node("claim", amara), "claimed")
    assert first["proven"]["compared"] in {"in_person", "call"}
    again = node("claim", amara, "--trace", "--lose", "POST key-bundles/.*/claim")
    assert node.trace.count("/claim -> ") == 2
    assert again[-1]["one_time_pre_key"] == first["one_time_pre_key"] + 1

    town.peer("amara-laptop", "withdraw")
    assert node("claim", laptop)[-1]["one_time_pre_key"] is None

    refused = node("claim", town.device_of("ward-tablet"), code=1)[-1]
    assert (refused["status"], refused["code"]) == (428, "spk_expired")


def test_sessions_without_one_time_pre_keys(
    town: Town, node: Node, room: Callable[[str], str]
) -> None:
    with_amara = room("Amara Osei")
    node("send", with_amara, "with three DH")
    assert "with three DH" in town.peer("amara-laptop", "receive", "--once")

    assert node("withdraw")[-1]["one_time_pre_keys"]["available"] == 0
    town.peer("amara", "send", with_amara, "also with three")
    assert texts(node("receive", "--once")) == ["also with three"]


def test_the_socket_has_it_replenish(town: Town, node: Node) -> None:
    highest = node("withdraw")[-1]["one_time_pre_keys"]["highest_key_id"]

    with node.watching() as watching:
        assert watching.until("replenished")["available"] == 50

    assert "key_bundle.replenishment_needed" in watching.frames()
    ranges = node("status")[-1]["bundle"]["one_time_pre_keys"]["available_ranges"]
    assert ranges == [[highest + 1, highest + 50]]


def test_a_key_that_was_claimed_before_the_rotation(
    town: Town, node: Node, room: Callable[[str], str]
) -> None:
    with_dev = room("Dev Patel")
    current = node.state["spk"]["current"]["key_id"]
    town.peer("dev", "claim", node.state["device_id"])

    (rotated,) = of(node("rotate", "--lose", "PUT .*/signed-pre-key"), "rotated")

    assert rotated["key_id"] == current + 1
    town.peer("dev", "send", with_dev, "with the key before")
    assert texts(node("receive", "--once")) == ["with the key before"]
    assert node.state["spk"]["superseded"][-1]["key_id"] == current


def test_lost_answers(town: Town, node: Node, with_chloe: str) -> None:
    lose = ("--trace", "--lose", "POST rooms/.*/messages")
    (sent,) = of(node("send", with_chloe, "once only", *lose), "sent")
    assert sent["receipt_fine"]
    assert node.trace.count("/messages -> ") == 2
    assert town.peer("chloe", "receive", "--once").count("once only") == 1

    town.peer("chloe", "send", with_chloe, "acknowledged twice")
    assert texts(node("receive", "--once", "--lose", "POST mailbox/ack")) == ["acknowledged twice"]
    assert node("receive", "--once") == []


def test_killed_before_the_answer_to_a_message(town: Town, node: Node, with_chloe: str) -> None:
    """What the outbox holds goes out under the same id, once."""
    node("send", with_chloe, "before the crash", "--crash", "POST rooms/.*/messages", code=-9)
    (waiting,) = node.state["outbox"]

    sent = of(node("send", with_chloe, "after the crash"), "sent")

    assert [one["receipt_fine"] for one in sent] == [True, True]
    assert sent[0]["message_id"] == waiting["message_id"]
    heard = town.peer("chloe", "receive", "--once")
    assert heard.count("before the crash") == 1
    assert heard.count("after the crash") == 1


def test_killed_before_the_answer_to_a_claim(town: Town, node: Node) -> None:
    """The key that was paid for is had after all."""
    target = town.device_of("dev-new")
    before = node("claim", target)[-1]["one_time_pre_key"]

    node("claim", target, "--crash", "POST key-bundles/.*/claim", code=-9)

    assert node("claim", target)[-1]["one_time_pre_key"] == before + 1


def test_a_lost_session_is_begun_anew(town: Town, node: Node, with_chloe: str) -> None:
    chloe = town.device_of("chloe")
    state = node.state
    del state["sessions"][chloe]
    node.change(state)
    town.peer("chloe", "send", with_chloe, "nobody reads this")
    assert [one["event"] for one in node("receive", "--once")] == ["unreadable"]
    assert node("receive", "--once") == []

    node("send", with_chloe, "I could not read it.")

    assert "I could not read it." in town.peer("chloe", "receive", "--once")
    town.peer("chloe", "send", with_chloe, "Then once more.")
    assert texts(node("receive", "--once")) == ["Then once more."]


def test_another_identity_key_is_refused(town: Town, node: Node) -> None:
    good, state, dev = node.state, node.state, town.device_of("dev")
    state["peers"][dev]["identity_key"] = state["identity"]["public"]
    node.change(state)

    refused = node("claim", dev, code=1)[-1]

    assert "another identity key" in refused["message"]
    node.change(good)


def test_a_token_that_is_refused_is_renewed_once(node: Node) -> None:
    node("replenish", "--spoil-token", "--trace")

    assert node.trace.count("-> 401") == 1
    assert node.trace.count("POST auth/token -> 200") == 1


def test_what_was_left_out_comes_back(town: Town, node: Node, room: Callable[[str], str]) -> None:
    """A device with an expired signed pre-key is skipped, rotates, is missing, is written to."""
    with_dev, tablet = room("Dev Patel"), town.device_of("ward-tablet")
    assert of(node("send", with_dev, "without it"), "sent")[0]["skipped"] == [tablet]

    town.peer("ward-tablet", "rotate")
    events = node("send", with_dev, "with the tablet")

    assert of(events, "device_set_mismatch")[0]["missing"] == [tablet]
    assert of(events, "sent")[0]["skipped"] == []
    assert "with the tablet" in town.peer("ward-tablet", "receive", "--once")


def test_the_socket_is_cut(town: Town, node: Node, with_chloe: str) -> None:
    town.peer("chloe", "send", with_chloe, "waiting")

    with node.watching() as watching:
        watching.until("message", text="waiting")
        watching.process.send_signal(signal.SIGUSR2)
        watching.until("closed", code=1006)
        town.peer("chloe", "send", with_chloe, "after the cut")
        # It may be back before the message was sent.
        watching.until_all(
            {"event": "message", "text": "after the cut"},
            {"event": "frame", "type": "mailbox.drained"},
            {"event": "checkpoint_fits"},
        )

    assert texts(watching.events) == ["waiting", "after the cut"]
    assert watching.frames().count("hello") == 2
    assert node("receive", "--once") == []


def test_the_log_is_looked_at_without_a_socket_too(node: Node) -> None:
    node("receive", "--once", "--trace")
    assert "GET log/checkpoint -> 200" in node.trace


def test_proofs(node: Node, with_chloe: str) -> None:
    """Of a message, against receipt and checkpoint; a receipt of something else is found out."""
    (sent,) = of(node("send", with_chloe, "on the record"), "sent")
    message_id = sent["message_id"]

    (proof,) = of(node("proof", message_id), "proof")

    assert proof["what"]["type"] == "message.accepted"
    assert proof["what"]["data"]["message_id"] == message_id
    assert proof["index"] < proof["size"]

    state = node.state
    other = next(
        one["receipt"]
        for key, one in state["messages"].items()
        if one.get("receipt") and key != message_id
    )
    good, state["messages"][message_id]["receipt"] = node.state, other
    node.change(state)
    assert of(node("proof", message_id, code=1), "error")
    node.change(good)


def test_a_second_device_comes_and_is_revoked(
    client: Path, town: Town, node: Node, with_chloe: str, tmp_path: Path
) -> None:
    """Missing, written to, revoked, extra, wiped."""
    second = Node(client, tmp_path / "second.json")
    town.let_half_a_minute_pass()
    own = town.enrol(second, of(node("link"), "link")[0]["link"])
    events = node("send", with_chloe, "for both of mine")
    assert of(events, "device_set_mismatch")[0]["missing"] == [own]

    with second.running("watch") as process:
        out = process.stdout
        assert out is not None
        hello = json.loads(out.readline())
        assert hello["type"] == "hello"
        node("revoke", own)
        rest, errors = process.communicate()
    told = [json.loads(line) for line in rest.splitlines()]

    assert texts(told) == ["for both of mine"], errors
    assert told[-2] == {"event": "closed", "code": 4401}
    assert told[-1]["code"] == "access_revoked"
    assert second.state["status"] == "wiped"
    assert second.state["identity"] is None
    events = node("send", with_chloe, "for one of mine")
    assert of(events, "device_set_mismatch")[0]["extra"] == [own]
