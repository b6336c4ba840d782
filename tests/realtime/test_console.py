"""What an administrator does on a page, as the device's open socket and next call feel it."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from orgs.models import Membership
from semafore.local.client.api import ApiProblem
from tests import cast
from tests.cast import Phone
from tests.realtime.processes import (
    RealtimeServer,
    close_code,
    elsewhere,
    hello,
    stays_open,
)

Act = Callable[[Client, Phone], Any]


def console(phone: Phone, path: str) -> str:
    return f"/console/{phone.device.organisation.slug}/{path}"


def revoke(browser: Client, phone: Phone) -> Any:
    return browser.post(console(phone, f"devices/{phone.id}/revoke"), {"reason": "compromised"})


def report_lost(browser: Client, phone: Phone) -> Any:
    return browser.post(console(phone, f"devices/{phone.id}/lost"), {})


def suspend(browser: Client, phone: Phone) -> Any:
    path = f"members/{phone.device.membership_id}/suspend"
    return browser.post(console(phone, path), {"reason": "An inquiry."})


def end(browser: Client, phone: Phone) -> Any:
    path = f"playbooks/leaver?person={phone.device.membership_id}"
    return browser.post(console(phone, path), {"reason": "New job."})


@pytest.mark.parametrize("act", [revoke, report_lost, suspend, end])
async def test_a_page_shuts_a_device_out_at_once(
    server: RealtimeServer, alice: Membership, alice_phone: Phone, bob_phone: Phone, act: Act
) -> None:
    """By the hint: this process's slow poll is an hour away."""
    browser = await elsewhere(cast.signed_in, alice)
    async with (
        server.open(await elsewhere(bob_phone.api.token)) as bobs,
        server.open(await elsewhere(alice_phone.api.token)) as alices,
    ):
        await hello(bobs)
        await hello(alices)
        answer = await elsewhere(act, browser, bob_phone)
        assert answer.status_code == 302
        assert await close_code(bobs) == 4401
        assert await stays_open(alices)
    with pytest.raises(ApiProblem) as refused:
        await elsewhere(bob_phone.api.status)
    assert refused.value.status in {401, 403}
    with pytest.raises(ApiProblem) as unclaimed:
        await elsewhere(alice_phone.api.claim, bob_phone.id)
    assert unclaimed.value.status == 404
