"""CEF, read back by a reader of its own."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from audit.registry import REGISTRY
from audit.siem import texts
from audit.siem.formats import Format, encoded
from audit.siem.outgoing import Outgoing
from audit.siem.texts import pictured
from tests.audit.siem import made
from tests.audit.siem.made import ACTORS, CONSOLE, NASTY, PHONE, REFS, outgoing
from tests.audit.siem.parsers import Cef, cef, rfc5424

TYPES = sorted(REGISTRY)


def sent(event: Outgoing) -> Cef:
    message = rfc5424(encoded(event, Format.CEF))
    assert message.elements == {}
    return cef(message.text)


@pytest.mark.parametrize("name", TYPES)
def test_every_type_is_read_back_whoever_acted_on_whatever(name: str) -> None:
    for actor in (*ACTORS.values(), None):
        for refs in REFS:
            found = sent(outgoing(name, actor, refs, NASTY))
            assert found.header[4] == name
            assert found.extension["externalId"] == f"evt_{made.EVENT}"
            labels = {key for key in found.extension if key.startswith(("cs", "cn", "c6a", "flex"))}
            assert {f"{key.removesuffix('Label')}Label" for key in labels} <= labels


def test_an_approved_device_as_it_is_sent() -> None:
    event = outgoing("device.approved", refs="device")

    assert encoded(event, Format.CEF).decode() == (
        "<108>1 2026-11-21T09:30:47.482999Z 127.0.0.1 semafore - device.approved - "
        "CEF:0|SemaFore|SemaFore Server|0.6.0|device.approved|Device approved|5|"
        f"rt=1795253447482 externalId=evt_{made.EVENT}"
        f" cs1Label=Organisation cs1=org_{made.ORGANISATION} cn1Label=Sequence cn1=48213"
        " dvchost=127.0.0.1 cat=3 outcome=success"
        f" suid=usr_{made.MEMBER} suser=Alice src=203.0.113.24"
        " requestClientApplication=Mozilla/5.0 (X11; Linux x86_64)"
        f" cs2Label=Target cs2=dev_{made.DEVICE} Bob's phone duid=usr_{made.OTHER} duser=Bob"
        " cs5Label=Approval cs5=req_0b6f4c1e"
        f" cs3Label=Leaf cs3={bytes(range(32)).hex()}"
        f' cs6Label=Data cs6={{"compared":"Ticket HR-2041","device_id":"{made.APPROVAL}",'
        '"identity_key":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\\="}'
        " msg=Alice approved Bob's phone of Bob."
    )


@example(text=NASTY)
@example(text="a\\nb\\|c\\=d\\")
@example(text=" x=1 cs1=org_evil ")
@example(text="\r\n\r\n")
@settings(deadline=None)
@given(text=st.text(min_size=1))
def test_any_text_comes_back(text: str) -> None:
    actor = replace(CONSOLE, label=text, user_agent=text)
    found = sent(outgoing("member.ended", actor, text=text)).extension
    lines = text.replace("\r\n", "\n").split("\n")
    expected = "\n".join(pictured(line) for line in lines)

    for key in ("reason", "suser", "requestClientApplication"):
        assert found[key] == expected
    assert found["cs1"] == f"org_{made.ORGANISATION}"


def test_a_device_and_an_ipv6_address_have_keys_of_their_own() -> None:
    found = sent(outgoing("message.accepted", PHONE, "room")).extension

    assert (found["suid"], found["flexString1"]) == (f"usr_{made.OTHER}", f"dev_{made.DEVICE}")
    assert "src" not in found
    assert found["c6a2"] == "2001:db8::17"


def test_a_refusal_says_how_often_and_when() -> None:
    found = sent(outgoing("access.denied", denied=3)).extension

    assert (found["outcome"], found["cnt"], found["start"]) == ("denied", "3", found["rt"])


def test_severities_are_levels_of_cef() -> None:
    levels = {
        "member.edited": "1",
        "broadcast.started": "3",
        "member.ended": "5",
        "hold.placed": "8",
        "log.halted": "10",
    }

    assert {name: sent(outgoing(name)).header[6] for name in levels} == levels


@pytest.mark.parametrize("length", [1000, 2000, 5000])
def test_what_is_too_long_is_cut_and_named(length: int) -> None:
    actor: Any = replace(CONSOLE, label="🦊" * length, user_agent="|" * length)
    event = outgoing("room.extension_requested", actor, text='"\\=]' * length)
    message = encoded(event, Format.CEF)
    found = sent(event).extension

    assert len(message) <= texts.MESSAGE_MAX_BYTES
    assert not {"cs6", "cs6Label"} & set(found)
    cut = found["cut"].split()
    assert cut[0] == "cs6"
    assert all(found[name].endswith("…") for name in cut[1:])
    assert found["externalId"] == f"evt_{made.EVENT}"
