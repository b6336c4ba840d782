"""RFC 5424 messages, read back by a reader of its own."""

import json
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pytest_django import Settings

from audit.registry import REGISTRY
from audit.siem import texts
from audit.siem.formats import Format, encoded
from audit.siem.outgoing import Outgoing
from audit.siem.texts import pictured
from tests.audit.siem import made
from tests.audit.siem.made import ACTORS, CONSOLE, NASTY, PHONE, REFS, outgoing
from tests.audit.siem.parsers import Message, rfc5424

TYPES = sorted(REGISTRY)
OURS = "semafore@32473"


def sent(event: Outgoing) -> Message:
    return rfc5424(encoded(event, Format.SYSLOG))


@pytest.mark.parametrize("name", TYPES)
def test_every_type_is_read_back_whoever_acted_on_whatever(name: str) -> None:
    for actor in (*ACTORS.values(), None):
        for refs in REFS:
            event = outgoing(name, actor, refs, NASTY)
            found = sent(event)
            ours = found.elements[OURS]
            assert found.type == name
            assert found.text == pictured(event.sentence)
            assert all(key == key.lower() for key in ours)
            assert ("who" in ours) == (actor is None)
            expected = {
                key: value
                for key, value in event.what["data"].items()
                if key not in {"reason", "request_id"}
            }
            assert json.loads(ours.get("data", "{}")) == expected


def test_an_approved_device_as_it_is_sent() -> None:
    event = outgoing("device.approved", refs="device")

    assert encoded(event, Format.SYSLOG).decode() == (
        "<108>1 2026-11-21T09:30:47.482999Z 127.0.0.1 semafore - device.approved "
        '[meta sequenceId="48214"]'
        '[origin software="SemaFore Server" swVersion="0.6.0" enterpriseId="32473"]'
        '[timeQuality tzKnown="1"]'
        f'[semafore@32473 id="evt_{made.EVENT}" org="org_{made.ORGANISATION}" seq="48213"'
        f' leaf="{bytes(range(32)).hex()}" class="3" outcome="success"'
        f' actor="usr_{made.MEMBER}" actor_name="Alice" person="usr_{made.MEMBER}"'
        f' target="dev_{made.DEVICE}" target_name="Bob\'s phone"'
        f' subject="usr_{made.OTHER}" subject_name="Bob" address="203.0.113.24"'
        ' agent="Mozilla/5.0 (X11; Linux x86_64)" request="req_0b6f4c1e"'
        f' data="{{\\"compared\\":\\"Ticket HR-2041\\",\\"device_id\\":\\"{made.APPROVAL}\\",'
        '\\"identity_key\\":\\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\\"}"]'
        " Alice approved Bob's phone of Bob."
    )


@example(text=NASTY)
@example(text='\\"]\\')
@settings(deadline=None)
@given(text=st.text(min_size=1))
def test_any_text_comes_back_in_one_line(text: str) -> None:
    event = outgoing("member.ended", replace(CONSOLE, label=text, user_agent=text), text=text)
    ours = sent(event).elements[OURS]

    assert encoded(event, Format.SYSLOG).decode().splitlines() == [
        encoded(event, Format.SYSLOG).decode()
    ]
    assert ours["reason"] == ours["actor_name"] == ours["agent"] == pictured(text)


def test_control_characters_are_pictures_of_themselves() -> None:
    reason = sent(outgoing("member.ended", text="a\nb\r\nc\td\x1be\x7f\x00f\x85g\u2028h\x9bi"))

    assert reason.elements[OURS]["reason"] == "a␊b␍␊c␉d␛e␡␀f␤g␤h\ufffdi"


def test_severities_are_those_of_syslog() -> None:
    priorities = {
        "member.edited": 13 * 8 + 6,
        "broadcast.started": 13 * 8 + 5,
        "member.ended": 13 * 8 + 4,
        "hold.placed": 13 * 8 + 3,
        "log.halted": 13 * 8 + 2,
    }

    assert {name: sent(outgoing(name)).priority for name in priorities} == priorities


@pytest.mark.parametrize("name", TYPES)
def test_no_two_types_have_one_msgid(name: str) -> None:
    assert len(name) <= 32


def test_sequence_ids_begin_anew_after_the_greatest() -> None:
    ids = [
        sent(outgoing("member.ended", seq=seq)).elements["meta"]["sequenceId"]
        for seq in (0, 2**31 - 2, 2**31 - 1)
    ]

    assert ids == ["1", str(2**31 - 1), "1"]


def test_the_enterprise_number_is_a_setting(settings: Settings) -> None:
    settings.SIEM_ENTERPRISE_NUMBER = 4711

    elements = sent(outgoing("member.ended")).elements

    assert elements["origin"]["enterpriseId"] == "4711"
    assert "semafore@4711" in elements


def test_what_retention_left_says_so() -> None:
    message = encoded(outgoing("member.ended", None), Format.SYSLOG)

    assert rfc5424(message).elements[OURS]["who"] == "deleted"
    assert b"Bob" not in message


def test_a_device_acts_for_its_person_in_an_approval() -> None:
    ours = sent(outgoing("room.requested", PHONE, "room", denied=2)).elements[OURS]

    assert (ours["actor"], ours["person"]) == (f"dev_{made.DEVICE}", f"usr_{made.OTHER}")
    assert (ours["approval"], ours["outcome"], ours["count"]) == (
        f"apr_{made.APPROVAL}",
        "denied",
        "2",
    )


@pytest.mark.parametrize("length", [1000, 2000, 5000])
def test_what_is_too_long_is_cut_and_named(length: int) -> None:
    actor = replace(CONSOLE, label="🦊" * length, user_agent='"' * length)
    event = outgoing("room.extension_requested", actor, text='"\\=]' * length)
    ours = sent(event).elements[OURS]

    assert len(encoded(event, Format.SYSLOG)) <= texts.MESSAGE_MAX_BYTES
    assert "data" not in ours
    cut = ours["cut"].split()
    assert cut[0] == "data"
    assert all(ours[name].endswith("…") for name in cut[1:] if name != "message")
    assert ours["id"] == f"evt_{made.EVENT}"


def test_what_fits_is_not_cut() -> None:
    ours = sent(outgoing("member.ended", text="🦊" * 500)).elements[OURS]

    assert ours["reason"] == "🦊" * 500
    assert "cut" not in ours
