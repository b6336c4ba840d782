"""docs/socket.schema.json and docs/socket.md against the code."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator, ValidationError

from messaging.models import NoticeKind
from messaging.sockets import ACK_MAX
from realtime import frames as codes
from semafore.local.client.wire import JsonObject
from tests.docs.frames import FRAMES, SCHEMA, VALIDATOR, check_frame

ROOT = Path(__file__).parents[2]
SOCKET = (ROOT / "docs" / "socket.md").read_text(encoding="utf-8")
MESSAGES = (ROOT / "docs" / "clients" / "messages.md").read_text(encoding="utf-8")
APPS = ("realtime", "messaging", "keys", "orgs", "audit", "invitations", "reports")
SENDERS = re.compile(r"look\.tell\(|^Frame = ", re.MULTILINE)
TYPE = re.compile(r"[a-z_]+(\.[a-z_]+)?")
ENVELOPE = {
    "type": "envelope",
    "envelope_id": "019aa5f0-0000-7000-8000-000000000000",
    "message_id": "5b0c0000-0000-4000-8000-000000000000",
    "room_id": None,
    "sender_device_id": "1e060000-0000-4000-8000-000000000000",
    "suite": "x3dh-25519",
    "envelope_type": "message",
    "ciphertext": "AwEC",
    "accepted_at": "2026-11-21T09:30:01.000000Z",
}


def told() -> set[str]:
    """The types in what the apps give sockets to send: every `{"type": "…"}` of such modules."""
    found: set[str] = set(NoticeKind.values)
    for app in APPS:
        for file in (ROOT / app).rglob("*.py"):
            source = file.read_text(encoding="utf-8")
            if SENDERS.search(source):
                found |= set(types_in(ast.parse(source)))
    return found


def types_in(module: ast.Module) -> Iterator[str]:
    constants: dict[str, str] = {}
    for node in ast.walk(module):
        match node:
            case ast.Assign(targets=[ast.Name(constant)], value=ast.Constant(str(text))):
                constants[constant] = text
            case ast.Dict():
                for key, value in zip(node.keys, node.values, strict=True):
                    match key, value:
                        case ast.Constant("type"), ast.Constant(str(name)):
                            yield from [name] if TYPE.fullmatch(name) else []
                        case ast.Constant("type"), ast.Name(constant) if constant in constants:
                            yield constants[constant]


def section(heading: str) -> str:
    return SOCKET.partition(f"## {heading}")[2].partition("\n## ")[0]


def test_the_schema_is_one_and_knows_every_type_of_the_code() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert {"hello", "envelope", "changes", "log.checkpoint", "mailbox.drained"} < told()
    assert told() == FRAMES.keys()


def test_the_page_has_every_type_with_its_fields() -> None:
    rows = re.findall(r"^\| `([a-z_.]+)` \| (.*?) \|", section("Frames"), re.MULTILINE)
    from_server = {name: fields for name, fields in rows if name != "ack"}
    assert from_server.keys() == FRAMES.keys()
    for name, fields in from_server.items():
        words = set(re.findall("`([a-z_]+)`", fields)) - {"null", "pre_key", "message"}
        assert words == FRAMES[name]["properties"].keys() - {"type"}, name
    for name in FRAMES:
        assert f"`{name}`" in MESSAGES


def test_the_examples_of_the_page_are_valid() -> None:
    block = section("Frames").split("```json")[1].partition("```")[0]
    examples = [
        json.loads(one) for one in re.findall(r"^\{.*?\}$", block, re.MULTILINE | re.DOTALL)
    ]
    assert [one["type"] for one in examples] == [
        "hello",
        "key_bundle.replenishment_needed",
        "envelope",
    ]
    assert all(set(one) == set(FRAMES[one["type"]]["properties"]) for one in examples)


def test_clients_bear_new_fields_and_the_tests_do_not() -> None:
    VALIDATOR.validate({**ENVELOPE, "new": 1})
    check_frame(ENVELOPE)
    with pytest.raises(AssertionError):
        check_frame({**ENVELOPE, "new": 1})


@pytest.mark.parametrize(
    "change",
    [
        {"room_id": "7"},
        {"accepted_at": "2026-11-21T09:30:01Z"},
        {"ciphertext": "AwE"},
        {"suite": "x"},
        {"envelope_type": None},
        {"type": "envelopes"},
    ],
    ids=str,
)
def test_what_is_wrong_is_found(change: JsonObject) -> None:
    changed = {**ENVELOPE, **change}
    missing = {name: value for name, value in ENVELOPE.items() if name not in change}
    for wrong in (changed, missing):
        with pytest.raises(ValidationError):
            VALIDATOR.validate(wrong)
        with pytest.raises(AssertionError):
            check_frame(wrong)


def test_an_ack() -> None:
    ack = VALIDATOR.evolve(schema={**SCHEMA, "oneOf": [{"$ref": "#/$defs/from_device"}]})
    ids = [ENVELOPE["envelope_id"]]
    ack.validate({"type": "ack", "envelope_ids": ids})
    assert not ack.is_valid({"type": "ack", "envelope_ids": ids * (ACK_MAX + 1)})
    assert ack.is_valid({"type": "ack", "envelope_ids": ids * ACK_MAX})


def test_every_close_code_is_on_both_pages() -> None:
    ours = {
        value
        for name, value in vars(codes).items()
        if isinstance(value, int) and name.isupper() and value >= 1000
    }
    assert {4401, 4408, 4409, 1013, 1007} == ours
    listed = {
        int(code) for code in re.findall(r"^\| ([0-9]{4}) \|", section("Close codes"), re.MULTILINE)
    }
    assert ours < listed
    assert {int(code) for code in re.findall(r"\b(?:1|4)[0-9]{3}\b", MESSAGES)} >= listed
