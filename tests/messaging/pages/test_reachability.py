"""Whom nothing reaches: the four lists of the reachability page."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from keys.models import Device, SignedPreKey
from messaging.models import Envelope, Message, PushToken
from orgs.models import Membership, MembershipStatus, Organisation
from semafore.kernel import clock
from tests import cast
from tests.cast import Phone, inside
from tests.messaging import talk
from tests.messaging.pages import affairs
from tests.messaging.pages.affairs import ago, get

MOST_STATEMENTS = 20


def waits(of: Organisation, message: Message, to: Phone) -> None:
    with inside(of):
        Envelope.objects.create(
            envelope_id=uuid4(),
            organisation_id=of.id,
            device=to.device,
            message=message,
            suite="x3dh-25519",
            type="message",
            ciphertext=bytes(8),
        )


def failing(of: Organisation, phone: Phone, **fields: Any) -> PushToken:
    with inside(of):
        return PushToken.objects.create(
            **{
                "organisation_id": of.id,
                "device": phone.device,
                "service": "apns",
                "environment": "production",
                "token": b"sealed-token",
                "failures": 3,
                "failed_at": ago(hours=1),
                "error": "The service is busy.",
                **fields,
            }
        )


def age_key(of: Organisation, phone: Phone, **left: float) -> None:
    """Let the signed pre-key have so much left."""
    with inside(of):
        SignedPreKey.objects.filter(device_id=phone.id).update(
            uploaded_at=clock.now() - settings.SPK_MAX_AGE + timedelta(**left)
        )


def test_people_without_an_approved_device(
    acme: Organisation, alice: Membership, alice_phone: Phone, bob: Membership
) -> None:
    cast.phone(bob, approved=False)
    cast.member(acme, "Sue", status=MembershipStatus.SUSPENDED)
    by_email, visitor = cast.member(acme, "Edna"), cast.member(acme, "Vera")
    with inside(acme):
        Membership.objects.filter(id=by_email.id).update(phone="")
        Membership.objects.filter(id=visitor.id).update(ends_at=ago(minutes=1))

    answer = get(alice, acme, "reachability")

    assert [person.name for person in answer.context["rows"]] == ["Bob"]
    assert [count for _, _, count in answer.context["tabs"]] == [1, 0, 0, 0]


def test_signed_pre_keys_that_lapse_within_a_day(
    acme: Organisation, alice: Membership, alice_phone: Phone, bob: Membership, bob_phone: Phone
) -> None:
    third = cast.phone(bob, name="Tablet")
    age_key(acme, alice_phone, hours=23)
    age_key(acme, bob_phone, hours=25)
    age_key(acme, third, hours=-1)

    answer = get(alice, acme, "reachability", tab="keys")

    found = [(key.device.name, expired) for key, _, expired in answer.context["rows"]]
    assert found == [("Tablet", True), ("Phone", False)]
    assert "status-expired" in answer.text
    assert "status-lapsing" in answer.text


def test_pushes_that_fail(
    acme: Organisation, alice: Membership, alice_phone: Phone, bob_phone: Phone
) -> None:
    failing(acme, bob_phone)
    failing(acme, alice_phone, failures=0, failed_at=None, error="")
    answer = get(alice, acme, "reachability", tab="pushes")
    assert [token.device_id for token in answer.context["rows"]] == [bob_phone.id]
    assert "The service is busy." in answer.text
    assert "sealed-token" not in answer.text


def test_mail_that_dies_within_three_days(
    acme: Organisation, alice: Membership, alice_phone: Phone, bob: Membership, bob_phone: Phone
) -> None:
    room = talk.group(acme, alice, bob)
    late, tablet = settings.ENVELOPE_MAX_AGE - timedelta(hours=71), cast.phone(bob, name="Tablet")
    early = settings.ENVELOPE_MAX_AGE - timedelta(hours=73)
    old = affairs.message(acme, alice_phone.device, room=room, at=clock.now() - late)
    new = affairs.message(acme, alice_phone.device, room=room, at=clock.now() - early)
    for message in (old, new):
        waits(acme, message, bob_phone)
    waits(acme, new, tablet)

    answer = get(alice, acme, "reachability", tab="mail")

    ((device, waiting, dies_at),) = answer.context["rows"]
    assert (device.id, waiting) == (bob_phone.id, 2)
    assert dies_at == old.accepted_at + settings.ENVELOPE_MAX_AGE


@pytest.mark.parametrize("tab", ["people", "keys", "pushes", "mail"])
def test_nobody_is_unreachable(
    globex: Organisation, charlie: Membership, charlie_phone: Phone, bob: Membership, tab: str
) -> None:
    phone = cast.phone(bob)
    age_key(bob.organisation, phone, hours=-1)
    failing(bob.organisation, phone)
    answer = get(charlie, globex, "reachability", tab=tab)
    assert [count for _, _, count in answer.context["tabs"]] == [0, 0, 0, 0]
    assert 'class="empty"' in answer.text


def test_an_unknown_tab_is_the_first(acme: Organisation, alice: Membership) -> None:
    assert get(alice, acme, "reachability", tab="zebra").context["tab"] == "people"


def test_hundreds_cost_what_two_do_and_come_page_by_page(
    acme: Organisation, alice: Membership, alice_phone: Phone, bob: Membership
) -> None:
    browser = cast.signed_in(alice)
    room = talk.group(acme, alice, bob)
    old = affairs.message(
        acme,
        alice_phone.device,
        room=room,
        at=clock.now() - settings.ENVELOPE_MAX_AGE + timedelta(hours=1),
    )
    tabs = ("people", "keys", "pushes", "mail")

    def trouble(number: int) -> None:
        crowd = cast.crowd(acme, number)
        with inside(acme):
            devices = Device.objects.bulk_create(
                Device(
                    organisation_id=acme.id,
                    membership=person,
                    onboarding_id=uuid4(),
                    name="Phone",
                    platform="ios",
                    registration_id=1,
                    identity_key=uuid4().bytes * 2,
                    status="approved",
                    approval_leaf=bytes(32),
                )
                for person in crowd
            )
            SignedPreKey.objects.bulk_create(
                SignedPreKey(
                    organisation_id=acme.id,
                    device=device,
                    key_id=1,
                    public_key=bytes(32),
                    signature=bytes(64),
                    key_hash=bytes(32),
                    # Many at the same moment: the device's id tells them apart.
                    uploaded_at=old.accepted_at,
                )
                for device in devices
            )
            PushToken.objects.bulk_create(
                PushToken(
                    organisation_id=acme.id,
                    device=device,
                    service="fcm",
                    environment="production",
                    token=b"",
                    failures=1,
                    failed_at=old.accepted_at,
                )
                for device in devices
            )
            Envelope.objects.bulk_create(
                Envelope(
                    envelope_id=uuid4(),
                    organisation_id=acme.id,
                    device=device,
                    message=old,
                    suite="x3dh-25519",
                    type="message",
                    ciphertext=b"",
                )
                for device in devices
            )
        cast.crowd(acme, number)

    def statements() -> list[int]:
        counts = []
        for tab in tabs:
            with CaptureQueriesContext(connection) as sent:
                assert get(browser, acme, "reachability", tab=tab).status_code == 200
            counts.append(len(sent))
        return counts

    trouble(2)
    statements()
    few = statements()
    trouble(120)
    assert statements() == few
    assert max(few) <= MOST_STATEMENTS
    assert "(100 or more)" in " ".join(get(browser, acme, "reachability").text.split())
    for tab in tabs:
        found: list[Any] = []
        cursor: str | None = ""
        while cursor is not None:
            query = {"tab": tab, **({"cursor": cursor} if cursor else {})}
            context = get(browser, acme, "reachability", **query).context
            found += [str(one[0] if isinstance(one, tuple) else one) for one in context["rows"]]
            cursor = context["page"].next
        # Bob has no device either.
        assert len(found) == len(set(found)) == (123 if tab == "people" else 122), tab
