"""Wake now: one push, asked for by hand from the reachability page."""

from uuid import uuid4

import pytest
from django.urls import reverse

from messaging.models import PushToken
from orgs.models import Membership, Organisation, Role
from semafore.kernel.sealing import seal
from tests import cast
from tests.cast import Phone, events, inside
from tests.messaging.pages.affairs import ago, get


@pytest.fixture
def asleep(acme: Organisation, bob_phone: Phone) -> Phone:
    """Bob's phone, of which the last push failed."""
    with inside(acme):
        PushToken.objects.create(
            organisation_id=acme.id,
            device=bob_phone.device,
            service="apns",
            environment="production",
            token=seal(b"token"),
            failures=3,
            failed_at=ago(hours=1),
            error="The service is busy.",
        )
    return bob_phone


@pytest.mark.parametrize(
    ("role", "may"), [(Role.ADMIN, True), (Role.HELPDESK, True), (Role.AUDITOR, False)]
)
def test_who_helps_may_wake(acme: Organisation, asleep: Phone, role: Role, may: bool) -> None:
    browser = cast.signed_in(cast.member(acme, "Rita", role))
    page = get(browser, acme, "reachability", tab="pushes")
    wake = reverse("device_wake", args=[acme.slug, asleep.id])
    assert (f'action="{wake}?tab=pushes"' in page.text) is may

    answer = browser.post(f"{wake}?tab=pushes")

    assert answer.status_code == (302 if may else 403)
    assert len(events(acme, "device.woken")) == may
    if may:
        assert answer["Location"].endswith("/reachability?tab=pushes")
        assert "is being woken" in browser.get(answer["Location"]).text


def test_a_device_of_somewhere_else_is_not_found(
    asleep: Phone, globex: Organisation, charlie: Membership
) -> None:
    browser = cast.signed_in(charlie)
    for device_id in (asleep.id, uuid4()):
        answer = browser.post(reverse("device_wake", args=[globex.slug, device_id]))
        assert answer.status_code == 404
