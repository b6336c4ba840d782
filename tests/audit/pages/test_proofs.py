"""The pages of proofs of existence: from a question to a file that holds elsewhere."""

import re
import secrets
from datetime import timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.test import Client

from audit.models import IndexedEvent
from orgs.models import Membership, Organisation, Role
from semafore.kernel import clock
from tests import cast
from tests.audit.aged import days, swept
from tests.audit.published import announce, publish
from tests.audit.test_existence import say, verified
from tests.cast import Phone, inside


@pytest.fixture
def browser(acme: Organisation, alice: Membership) -> Client:
    announce(acme)
    return cast.signed_in(alice)


def at(of: Organisation, *words: object) -> str:
    return "/".join(["/console", of.slug, "proofs", *map(str, words)])


def text(answer: Any) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


def asked(browser: Client, of: Organisation, **typed: Any) -> Any:
    return browser.post(at(of, "new"), {"reason": "Claim 7", **typed})


def minute_of(of: Organisation, message_id: UUID) -> str:
    """In which the message was accepted, as the form wants it."""
    with inside(of):
        at = IndexedEvent.objects.get(type="message.accepted", message_id=message_id).at
    return f"{at:%Y-%m-%dT%H:%M}"


def test_from_a_ciphertext_to_the_files(
    acme: Organisation, browser: Client, alice_phone: Phone, bob_phone: Phone
) -> None:
    sent = secrets.token_bytes(60)
    message_id = say(alice_phone, bob_phone, texts=[sent])
    publish(acme)
    digits = sha256(sent).hexdigest()
    grouped = " ".join(digits[place : place + 2] for place in range(0, 64, 2)).upper()

    answer = asked(browser, acme, ciphertext_sha256=grouped, case_reference="HC-7")

    assert answer.status_code == 302
    page = text(browser.get(answer.url))
    for word in (digits, str(message_id), "Alice, Phone", "Claim 7", "HC-7"):
        assert word in page
    file = browser.get(f"{answer.url}/file")
    assert re.search(r'filename="message-[0-9a-f-]{36}\.tlog-proof"', file["Content-Disposition"])
    assert verified(acme, file.content.decode(), sent).failed == []
    paper = browser.get(f"{answer.url}/statement")
    assert digits in text(paper)
    assert "Organisation Acme" in text(paper)
    assert b"src=" not in paper.content
    assert b"http" not in re.sub(rb"<style>.*?</style>", b"", paper.content, flags=re.DOTALL)
    listed = text(browser.get(at(acme)))
    assert "Nothing yet" in listed
    publish(acme)
    assert str(message_id) in text(browser.get(at(acme)))


def test_each_way_to_have_none_is_told_apart(
    acme: Organisation, browser: Client, alice_phone: Phone, bob_phone: Phone
) -> None:
    publish(acme)
    waits = say(alice_phone, bob_phone)

    for typed, said in (
        ({"message_id": waits}, "no checkpoint covers it yet"),
        ({"message_id": uuid4()}, "no such message"),
        ({"ciphertext_sha256": "00" * 32}, "no such message"),
        ({"ciphertext_sha256": "00" * 31}, "has 64 digits"),
        ({}, "Give a message id"),
        ({"message_id": waits, "ciphertext_sha256": "00" * 32}, "not both"),
        ({"message_id": waits, "reason": ""}, "This field is required"),
        ({"message_id": "seven"}, "valid UUID"),
    ):
        answer = asked(browser, acme, **typed)
        assert answer.status_code == 422
        assert said in text(answer)
        assert str(typed.get("message_id", "")) in answer.content.decode()


def test_one_ciphertext_in_several_messages_leads_to_the_list(
    acme: Organisation, browser: Client, alice_phone: Phone, bob_phone: Phone
) -> None:
    sent = secrets.token_bytes(60)
    for _ in range(2):
        say(alice_phone, bob_phone, texts=[sent])
    publish(acme)

    answer = asked(browser, acme, ciphertext_sha256=sha256(sent).hexdigest())

    assert answer.url == at(acme)
    assert "2 messages fit. 2 of them are proved" in text(browser.get(answer.url))


def test_the_search_leads_to_the_question(
    acme: Organisation, browser: Client, alice_phone: Phone, bob_phone: Phone
) -> None:
    message_id = say(alice_phone, bob_phone)
    publish(acme)
    minute = minute_of(acme, message_id)
    bob = bob_phone.device.membership_id

    assert "Begin with the minute" in text(browser.get(at(acme, "messages")))
    page = browser.get(at(acme, "messages"), {"at": minute})
    assert f"{at(acme, 'new')}?message_id={message_id}" in page.content.decode()
    assert "Alice, Phone" in text(page)
    narrowed = browser.get(at(acme, "messages"), {"at": minute, "sender": str(bob)})
    assert "has no message of this sender" in text(narrowed)
    earlier = browser.get(at(acme, "messages"), {"at": "2020-01-01T00:00"})
    assert "retention deletes that messages transited" in text(earlier)
    assert "Enter a valid date" in text(browser.get(at(acme, "messages"), {"at": "yesterday"}))
    asks = browser.get(at(acme, "new"), {"message_id": str(message_id)})
    assert f'value="{message_id}"' in asks.content.decode()


def test_once_retention_has_taken_the_message_the_page_says_so(
    acme: Organisation, browser: Client, alice_phone: Phone, bob_phone: Phone, alice: Membership
) -> None:
    message_id = say(alice_phone, bob_phone)
    publish(acme)
    address = asked(browser, acme, message_id=message_id).url
    publish(acme)
    days(acme, 10, 2555, 60)
    with clock.moved_by(timedelta(days=20)):
        swept(acme)
        assert "Who sent the message" in text(cast.signed_in(alice).get(address))
    with clock.moved_by(timedelta(days=70)):
        swept(acme)
        late = cast.signed_in(alice)
        assert "A proof that was downloaded before still holds" in text(late.get(address))
        assert late.get(f"{address}/file").status_code == 404
        assert late.get(f"{address}/statement").status_code == 404


def test_nobody_else_has_anything_of_it(
    acme: Organisation,
    globex: Organisation,
    browser: Client,
    bob_phone: Phone,
    charlie: Membership,
) -> None:
    hana = cast.member(acme, "Hana", Role.AUDITOR)
    message_id = say(cast.phone(hana), bob_phone)
    publish(acme)
    address = asked(browser, acme, message_id=message_id).url
    publish(acme)
    outsider = cast.signed_in(charlie)
    foreign = address.replace(acme.slug, globex.slug)

    assert outsider.get(address).status_code == 404
    for end in ("", "/file", "/statement"):
        assert outsider.get(foreign + end).status_code == 404
        assert cast.signed_in(hana).get(address + end).status_code == 404
        assert browser.get(address + end).status_code == 200
    assert str(message_id) not in text(cast.signed_in(hana).get(at(acme)))
    admin = cast.signed_in(cast.member(acme, "Adam", Role.ADMIN))
    assert admin.get(at(acme)).status_code == 403


def test_the_verifiers_come_along(acme: Organisation, browser: Client) -> None:
    assert b"import argparse" in browser.get(at(acme, "verifier.py")).content
    assert b"<title>Verify evidence</title>" in browser.get(at(acme, "verify.html")).content


def test_each_page_costs_few_statements(
    acme: Organisation,
    browser: Client,
    alice_phone: Phone,
    bob_phone: Phone,
    django_assert_max_num_queries: Any,
) -> None:
    sent = secrets.token_bytes(60)
    message_id = say(alice_phone, bob_phone, texts=[sent])
    publish(acme)
    address = asked(browser, acme, message_id=message_id).url
    publish(acme)
    minute = minute_of(acme, message_id)

    for page in (at(acme), address, f"{at(acme, 'messages')}?at={minute}", at(acme, "new")):
        with django_assert_max_num_queries(20):
            assert browser.get(page).status_code == 200
    with django_assert_max_num_queries(20):
        asked(browser, acme, ciphertext_sha256=sha256(sent).hexdigest())


def test_the_event_of_a_message_leads_to_its_proof(
    acme: Organisation, browser: Client, alice_phone: Phone, bob_phone: Phone
) -> None:
    message_id = say(alice_phone, bob_phone, texts=[b"one"])
    publish(acme)
    leads = f"{at(acme, 'new')}?message_id={message_id}"
    found = browser.get(f"/console/{acme.slug}/audit?action=message.accepted").context["lines"]
    page = browser.get(f"/console/{acme.slug}/audit/events/{found[0][0].row.event_id}")
    assert leads in page.content.decode()
    assert browser.get(leads).context["form"]["message_id"].value() == str(message_id)
    other = browser.get(f"/console/{acme.slug}/audit?action=log.key_announced").context["lines"]
    page = browser.get(f"/console/{acme.slug}/audit/events/{other[0][0].row.event_id}")
    assert "proofs/new" not in page.content.decode()


def test_neither_of_the_two_is_called_optional(acme: Organisation, browser: Client) -> None:
    page = text(browser.get(at(acme, "new")))
    assert "Message id (optional)" not in page
    assert "ciphertext (optional)" not in page
    assert "Case reference (optional)" in page


def test_the_minute_is_asked_for_alone(acme: Organisation, browser: Client) -> None:
    def asked(query: str = "") -> list[str]:
        form = browser.get(at(acme, "messages") + query).context["form"]
        return [field.name for field in form.visible_fields()]

    assert asked() == ["at"]
    assert asked("?at=2026-01-02T03:04") == ["at", "sender", "room"]
