"""The devices pages: key health, one device, revocation."""

import base64
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from keys.fingerprint import fingerprint
from keys.models import Device, DeviceStatus, KeyBundle, SignedPreKey
from keys.selectors.credentials import state_of_token
from orgs.models import Account, Membership, MembershipStatus, Organisation, Role
from semafore.kernel import clock
from semafore.kernel.tenancy import organisation_scope
from tests import cast


def address(of: Organisation, name: str, *args: Any, **query: str) -> str:
    return reverse(name, args=[of.slug, *args], query=query or None)


def shown(answer: Any) -> list[str]:
    return [report.device.membership.name for report in answer.context["reports"]]


def crowd(of: Organisation, count: int) -> None:
    """So many people with a healthy device each, written at once."""
    now = clock.now()
    accounts = Account.objects.bulk_create(
        Account(phone=f"+4479{number:08}") for number in range(count)
    )
    with organisation_scope(of.id):
        people = Membership.objects.bulk_create(
            Membership(
                organisation_id=of.id,
                account=account,
                name=f"Person {number:05}",
                phone=account.phone or "",
                status=MembershipStatus.ACTIVE,
            )
            for number, account in enumerate(accounts)
        )
        devices = Device.objects.bulk_create(
            Device(
                organisation_id=of.id,
                membership=person,
                onboarding_id=uuid4(),
                name="Phone",
                platform="ios",
                registration_id=1,
                identity_key=number.to_bytes(32, "big"),
                status=DeviceStatus.APPROVED,
                approval_leaf=bytes(32),
            )
            for number, person in enumerate(people)
        )
        KeyBundle.objects.bulk_create(
            KeyBundle(organisation_id=of.id, device=device, available=100) for device in devices
        )
        SignedPreKey.objects.bulk_create(
            SignedPreKey(
                organisation_id=of.id,
                device=device,
                key_id=1,
                public_key=bytes(32),
                signature=bytes(64),
                key_hash=bytes(32),
                uploaded_at=now,
            )
            for device in devices
        )


def test_the_list_shows_the_key_health_of_each_device(
    acme: Organisation, alice: Membership, bob_phone: cast.Phone
) -> None:
    answer = cast.signed_in(alice).get(address(acme, "devices"))

    assert shown(answer) == ["Bob"]
    told = fingerprint(bob_phone.keys.identity_key, bob_phone.id)
    (report,) = answer.context["reports"]
    assert report.fingerprint == told
    assert (report.available, report.low) == (20, False)
    assert (report.signed_pre_key.hours, report.signed_pre_key.expired) == (0, False)
    for words in ("20 of 1000 left", "0 of 168 hours", "never seen"):
        assert words in answer.text


def test_health_filters(acme: Organisation, alice: Membership, bob: Membership) -> None:
    browser = cast.signed_in(alice)
    fresh, old = cast.phone(alice), cast.phone(bob, one_time_pre_keys=4)
    fresh.api.token()
    cast.phone(bob, approved=False, name="Tablet")
    with organisation_scope(acme.id):
        SignedPreKey.objects.filter(device_id=old.id).update(
            uploaded_at=clock.now() - timedelta(hours=168)
        )

    def found(**query: str) -> list[str]:
        answer = browser.get(address(acme, "devices", **query))
        return [
            report.device.name + " of " + report.device.membership.name
            for report in answer.context["reports"]
        ]

    assert sorted(found()) == ["Phone of Alice", "Phone of Bob", "Tablet of Bob"]
    assert found(health="expired") == ["Phone of Bob"]
    assert found(health="low") == ["Phone of Bob"]
    assert found(health="never_seen") == ["Phone of Bob"]
    assert found(status="pending") == ["Tablet of Bob"]
    assert found(text="ali") == ["Phone of Alice"]
    assert found(text="zoe") == []
    assert "Nothing matches" in browser.get(address(acme, "devices", text="zoe")).text
    text = browser.get(address(acme, "devices", health="expired")).text
    assert "status-expired" in text
    assert "status-low" in text


def test_a_device_without_keys_says_so(
    acme: Organisation, alice: Membership, bob_phone: cast.Phone
) -> None:
    browser = cast.signed_in(alice)
    browser.post(address(acme, "device_lost", bob_phone.id))
    (report,) = browser.get(address(acme, "devices")).context["reports"]

    assert (report.signed_pre_key, report.available, report.low) == (None, None, False)


def test_thousands_cost_what_two_do(
    acme: Organisation, alice: Membership, bob_phone: cast.Phone
) -> None:
    browser = cast.signed_in(alice)

    def statements(**query: str) -> list[str]:
        with CaptureQueriesContext(connection) as sent:
            answer = browser.get(address(acme, "devices", **query))
        assert answer.status_code == 200
        return [statement["sql"] for statement in sent]

    statements()
    few = len(statements())
    crowd(acme, 2000)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    many = statements()
    assert len(many) == few
    assert len(statements(text="Person 0199", health="never_seen", status="approved")) == few
    # Nobody's is expired: there are no keys to be fetched then.
    assert len(statements(health="expired")) <= few

    listing = next(sql for sql in many if "LIMIT 51" in sql)
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {listing}")
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "membership_by_name" in plan


def test_pages_follow_each_other_without_gap_or_overlap(
    acme: Organisation, alice: Membership
) -> None:
    crowd(acme, 110)
    browser = cast.signed_in(alice)
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        answer = browser.get(address(acme, "devices", cursor=cursor))
        seen += shown(answer)
        cursor = answer.context["page"].next

    assert seen == [f"Person {number:05}" for number in range(110)]


def test_one_device(acme: Organisation, alice: Membership, bob_phone: cast.Phone) -> None:
    answer = cast.signed_in(alice).get(address(acme, "device", bob_phone.id))

    for told in (
        base64.b64encode(bob_phone.keys.identity_key).decode(),
        fingerprint(bob_phone.keys.identity_key, bob_phone.id),
        "In person",
        str(bob_phone.device.approval_event_id),
        "No other device",
    ):
        assert told in answer.text


@pytest.mark.parametrize(
    ("reason", "wipe"),
    [("lost", True), ("compromised", True), ("replaced", True), ("custody", False)],
)
def test_revoked_for_a_reason_at_once(
    acme: Organisation, alice: Membership, bob_phone: cast.Phone, reason: str, wipe: bool
) -> None:
    token = bob_phone.api.token()
    browser = cast.signed_in(alice)
    answer = browser.post(address(acme, "device_revoke", bob_phone.id), {"reason": reason})

    assert answer["Location"] == address(acme, "device", bob_phone.id)
    device = bob_phone.reload()
    assert (device.status, device.revocation_reason, device.wipe) == ("revoked", reason, wipe)
    assert state_of_token(token) is None
    text = browser.get(address(acme, "device", bob_phone.id)).text
    assert ("Kept, for an investigation" in text) is not wipe
    assert address(acme, "device_revoke", bob_phone.id) not in text


@pytest.mark.parametrize("reason", ["", "departure", "owner", "boredom"])
def test_other_reasons_are_not_an_administrators(
    acme: Organisation, alice: Membership, bob_phone: cast.Phone, reason: str
) -> None:
    answer = cast.signed_in(alice).post(
        address(acme, "device_revoke", bob_phone.id), {"reason": reason}
    )

    assert answer.status_code == 422
    assert bob_phone.reload().status == DeviceStatus.APPROVED


def test_revoked_twice_the_second_is_told(
    acme: Organisation, alice: Membership, bob_phone: cast.Phone
) -> None:
    browser = cast.signed_in(alice)
    answers = [browser.post(address(acme, "device_lost", bob_phone.id)) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [302, 422]
    assert "revoked already" in answers[1].text
    assert len(cast.events(acme, "device.revoked")) == 1


@pytest.mark.parametrize(
    ("role", "sees", "loses", "revokes"),
    [
        ("owner", 200, 302, 302),
        ("admin", 200, 302, 302),
        ("helpdesk", 200, 302, 403),
        ("auditor", 200, 403, 403),
        ("member", 404, 404, 404),
    ],
)
def test_who_may_what(  # noqa: PLR0917
    acme: Organisation,
    alice: Membership,
    bob: Membership,
    role: str,
    sees: int,
    loses: int,
    revokes: int,
) -> None:
    browser = cast.signed_in(cast.member(acme, "Somebody", Role(role)))
    lost, other = cast.phone(bob), cast.phone(bob, name="Tablet")

    assert browser.get(address(acme, "devices")).status_code == sees
    assert browser.get(address(acme, "device", lost.id)).status_code == sees
    assert browser.post(address(acme, "device_lost", lost.id)).status_code == loses
    answer = browser.post(address(acme, "device_revoke", other.id), {"reason": "replaced"})
    assert answer.status_code == revokes
    assert (lost.reload().status == "revoked") is (loses == 302)
    assert (other.reload().status == "revoked") is (revokes == 302)


def test_another_organisations_device_looks_like_nobodys(
    acme: Organisation, bob_phone: cast.Phone, charlie: Membership, charlie_phone: cast.Phone
) -> None:
    browser = cast.signed_in(charlie)
    globex = charlie.organisation
    assert browser.get(address(acme, "devices")).status_code == 404
    assert shown(browser.get(address(globex, "devices"))) == ["Charlie"]

    for name in ("device", "device_revoke", "device_lost"):
        for method in ("get", "post") if name != "device" else ("get",):
            answers, sent = [], []
            for device_id in (bob_phone.id, uuid4()):
                with CaptureQueriesContext(connection) as statements:
                    answer = getattr(browser, method)(
                        address(globex, name, device_id), {"reason": "lost"}
                    )
                answers.append(
                    (answer.status_code, answer.text.replace(answer["X-Request-ID"], ""))
                )
                sent.append(len(statements))
            assert answers[0] == answers[1]
            assert answers[0][0] == 404
            assert sent[0] == sent[1]
    assert bob_phone.reload().status == DeviceStatus.APPROVED
