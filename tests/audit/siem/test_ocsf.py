"""Every event type as OCSF 1.8.0, held against the official schema."""

import json
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

from audit.registry import REGISTRY, OcsfClass
from audit.siem.activities import ACTIVITIES, BY_PARTICIPLE, BY_TYPE, OTHER
from audit.siem.formats import Format, encoded
from audit.siem.outgoing import Outgoing
from tests.audit.siem import made
from tests.audit.siem.made import ACTORS, AT, CONSOLE, NASTY, PHONE, REFS, STRANGER, outgoing

Object = dict[str, Any]
TYPES = sorted(REGISTRY)


@cache
def official() -> Object:
    schema: Object = get_ocsf_schema("1.8.0")
    return schema


@cache
def validator(class_uid: int) -> Draft202012Validator:
    schema = OcsfJsonSchemaEmbedded(official())
    return Draft202012Validator(
        schema.get_class_schema(schema.lookup_class_name_from_uid(class_uid))
    )


def sent(event: Outgoing) -> Object:
    found: Object = json.loads(encoded(event, Format.OCSF))
    return found


def valid(event: Outgoing) -> Object:
    """The object, which the schema accepts."""
    found = sent(event)
    validator(found["class_uid"]).validate(found)
    # What the schema leaves to the reader: how the numbers are made of each other.
    assert found["category_uid"] == found["class_uid"] // 1000
    assert found["type_uid"] == found["class_uid"] * 100 + found["activity_id"]
    return found


@pytest.mark.parametrize("name", TYPES)
def test_every_type_is_valid_whoever_acted_on_whatever(name: str) -> None:
    for actor in (*ACTORS.values(), None):
        for refs in REFS:
            valid(outgoing(name, actor, refs, NASTY))
    valid(outgoing(name, STRANGER, "unknown", NASTY, denied=3))


@settings(deadline=None)
@given(name=st.sampled_from(TYPES), text=st.text(), actor=st.sampled_from([*ACTORS.values(), None]))
def test_any_text_is_valid_and_comes_back(name: str, text: str, actor: Any) -> None:
    event = outgoing(name, actor, text=text)
    found = valid(event)

    data = found["unmapped"]["semafore"].get("data", {})
    reason = found.get("comment", data.pop("reason", None))
    approval = found["metadata"].get("correlation_uid", "").removeprefix("apr_")
    expected = dict(event.what["data"])
    assert (reason or "") == (expected.pop("reason", None) or "")
    if expected.pop("request_id", None):
        assert approval == str(made.APPROVAL)
    assert data == expected


@pytest.mark.parametrize("name", TYPES)
def test_every_type_is_an_activity_on_purpose(name: str) -> None:
    participle = name.partition(".")[2]
    ocsf_class = REGISTRY[name].ocsf_class

    assert name in BY_TYPE or participle in BY_PARTICIPLE[ocsf_class], (
        f"say in audit/siem/activities.py which of {list(ACTIVITIES[ocsf_class])} {name} is"
    )


@pytest.mark.parametrize("ocsf_class", OcsfClass)
def test_activities_are_named_and_numbered_as_the_schema_does(ocsf_class: OcsfClass) -> None:
    name = OcsfJsonSchemaEmbedded(official()).lookup_class_name_from_uid(ocsf_class)
    enum = official()["classes"][name]["attributes"]["activity_id"]["enum"]
    ours = ACTIVITIES[ocsf_class]

    assert {caption: enum[str(number)]["caption"] for caption, number in ours.items()} == {
        caption: caption for caption in ours
    }
    assert set(BY_PARTICIPLE[ocsf_class].values()) <= set(ours)


def test_an_approved_device_as_it_is_sent() -> None:
    found = valid(outgoing("device.approved", refs="device"))

    assert found == {
        "class_uid": 3004,
        "category_uid": 3,
        "activity_id": 6,
        "activity_name": "Enroll",
        "type_uid": 300406,
        "severity_id": 3,
        "severity": "Medium",
        "status_id": 1,
        "status": "Success",
        "time": 1795253447482,
        "message": "Alice approved Bob's phone of Bob.",
        "actor": {
            "user": {"type_id": 1, "uid": f"usr_{made.MEMBER}", "name": "Alice"},
            "session": {"is_mfa": True},
        },
        "src_endpoint": {"ip": "203.0.113.24"},
        "metadata": {
            "version": "1.8.0",
            "uid": f"evt_{made.EVENT}",
            "event_code": "device.approved",
            "tenant_uid": f"org_{made.ORGANISATION}",
            "sequence": 48213,
            "correlation_uid": "req_0b6f4c1e",
            "product": {"name": "SemaFore Server", "vendor_name": "SemaFore", "version": "0.6.0"},
        },
        "http_request": {"uid": "req_0b6f4c1e", "user_agent": "Mozilla/5.0 (X11; Linux x86_64)"},
        "entity": {
            "type_id": 1,
            "type": "Device",
            "uid": f"dev_{made.DEVICE}",
            "name": "Bob's phone",
            "device": {
                "uid": f"dev_{made.DEVICE}",
                "name": "Bob's phone",
                "type_id": 0,
                "owner": {"type_id": 1, "uid": f"usr_{made.OTHER}", "name": "Bob"},
            },
        },
        "unmapped": {
            "semafore": {
                "leaf": bytes(range(32)).hex(),
                "class": 3,
                "data": {
                    "device_id": str(made.APPROVAL),
                    "identity_key": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
                    "compared": "Ticket HR-2041",
                },
            }
        },
    }


def test_the_reason_is_the_comment_and_the_approval_correlates() -> None:
    found = valid(outgoing("hold.lifted", refs="thing"))

    assert found["comment"] == "Ticket HR-2041"
    assert found["metadata"]["correlation_uid"] == f"apr_{made.APPROVAL}"
    assert found["unmapped"]["semafore"]["subject"] == {
        "kind": "member",
        "uid": f"usr_{made.OTHER}",
        "label": "Bob",
    }


def test_a_refusal_is_a_failure_with_its_count_and_its_reason() -> None:
    found = valid(outgoing("device.authentication_failed", STRANGER, "device", denied=12))

    assert (found["status_id"], found["status"], found["count"]) == (2, "Failure", 12)
    assert found["status_detail"] == "Ticket HR-2041"
    assert found["start_time"] == found["end_time"] == found["time"]
    assert found["src_endpoint"] == {"name": "not an address"}


def test_a_device_acts_for_its_person() -> None:
    found = valid(outgoing("message.accepted", PHONE, "room"))

    assert found["actor"]["user"]["uid"] == f"usr_{made.OTHER}"
    assert found["src_endpoint"] == {"ip": "2001:db8::17", "uid": f"dev_{made.DEVICE}"}
    assert {one["uid"] for one in found["resources"]} == {f"usr_{made.OTHER}", f"room_{made.ROOM}"}


def test_a_role_is_a_privilege_and_a_room_a_group() -> None:
    role = valid(outgoing("member.role_changed", text="admin"))
    added = valid(outgoing("room.member_added", refs="room"))

    assert (role["class_uid"], role["privileges"]) == (3005, ["admin"])
    assert role["user"]["uid"] == f"usr_{made.OTHER}"
    assert (added["type_uid"], added["group"]["name"]) == (300603, "Incident 7")
    assert added["user"]["name"] == "Bob"


def test_what_retention_left_says_so() -> None:
    found = valid(outgoing("member.ended", None))

    assert found["actor"]["user"] == found["user"] == {"type_id": 0, "name": "Deleted by retention"}
    assert "Bob" not in json.dumps(found)


def test_time_is_in_milliseconds_and_never_ahead() -> None:
    assert sent(outgoing("member.ended"))["time"] == int(AT.timestamp()) * 1000 + 482


def test_a_type_that_there_is_no_more_still_goes_out() -> None:
    event = outgoing("member.ended", CONSOLE, text="x")
    former = Outgoing(
        organisation_id=event.organisation_id,
        seq=event.seq,
        event_id=event.event_id,
        event_class=event.event_class,
        leaf=event.leaf,
        what={**event.what, "type": "pigeon.sent_home"},
        who=event.who,
    )
    found = valid(former)

    assert (found["class_uid"], found["activity_id"]) == (3004, ACTIVITIES[OcsfClass(3004)][OTHER])
    assert found["activity_name"] == "Sent home"
    assert found["metadata"]["event_code"] == "pigeon.sent_home"


CLASSES = {
    "account.sign_in_failed": 3002,
    "console.entered": 3002,
    "phone_code.sent": 3002,
    "member.ended": 3001,
    "factor_reset.approved": 3001,
    "phone_change.approved": 3001,
    "member.role_changed": 3005,
    "room.role_changed": 3005,
    "room.member_added": 3006,
    "room.member_removed": 3006,
    "room.created": 3004,
    "room.closed": 3004,
    "invitation.issued": 3004,
    "device.approved": 3004,
    "policy.changed": 3004,
    "message.accepted": 6003,
    "access.denied": 6003,
    "audit.searched": 6005,
    "audit.viewed": 6005,
}


@pytest.mark.parametrize("name", CLASSES)
def test_types_are_of_the_class_that_the_design_names(name: str) -> None:
    assert sent(outgoing(name))["class_uid"] == CLASSES[name]
