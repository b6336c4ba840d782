"""`GET managed-config`: what the organisation wants, and what comes of it on the server."""

from typing import Any
from unittest.mock import ANY

import pytest

from keys.models import RevocationReason
from keys.services.revocation import revoke_device
from messaging.selectors.versions import latest
from orgs.errors import PolicyInvalid
from orgs.models import Membership, Organisation
from semafore.kernel import hooks
from semafore.local.client.api import ApiProblem
from tests import cast
from tests.cast import Phone, events, inside
from tests.keys.managed.saying import STRICT, ask, want
from tests.messaging.calls import guest

DEFAULTS = {
    "backup_allowed": True,
    "screenshots_allowed": True,
    "clipboard_allowed": True,
    "min_app_version": "",
    "lock_after_minutes": 0,
    "wipe_on_revocation": True,
}


def test_the_settings_and_their_version(
    acme: Organisation, globex: Organisation, bob_phone: Phone, charlie_phone: Phone
) -> None:
    own = {"organisation_id": str(acme.id)}
    assert ask(bob_phone, "managed-config").json() == own | {"config_version": 1} | DEFAULTS

    want(acme, **STRICT | {"min_app_version": ""})

    expected = own | {"config_version": 2} | STRICT | {"min_app_version": ""}
    assert ask(bob_phone, "managed-config").json() == expected
    others = {"organisation_id": str(globex.id), "config_version": 1}
    assert ask(charlie_phone, "managed-config").json() == others | DEFAULTS


def test_who_has_them_already_gets_nothing(acme: Organisation, bob_phone: Phone) -> None:
    first = ask(bob_phone, "managed-config")
    etag = first.headers["ETag"]
    assert first.headers["Cache-Control"] == "private, no-cache"

    again = ask(bob_phone, "managed-config", **{"If-None-Match": etag})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["ETag"] == etag

    want(acme, lock_after_minutes=3)
    assert ask(bob_phone, "managed-config", **{"If-None-Match": etag}).status_code == 200


def test_another_organisations_are_none_that_the_device_has(
    bob_phone: Phone, charlie_phone: Phone
) -> None:
    """One app with a device in each, and one cache."""
    etag = ask(bob_phone, "managed-config").headers["ETag"]
    others = ask(charlie_phone, "managed-config", **{"If-None-Match": etag})
    assert others.status_code == 200
    assert others.headers["ETag"] != etag


def test_a_change_is_an_event_with_before_and_after(acme: Organisation) -> None:
    want(acme, lock_after_minutes=5)
    want(acme, lock_after_minutes=5)
    want(acme, lock_after_minutes=2, backup_allowed=False)

    assert [one["data"] for one in events(acme, "policy.changed")] == [
        {
            "before": {"managed_app": {"lock_after_minutes": 0}},
            "after": {"managed_app": {"lock_after_minutes": 5}},
        },
        {
            "before": {"managed_app": {"lock_after_minutes": 5, "backup_allowed": True}},
            "after": {"managed_app": {"lock_after_minutes": 2, "backup_allowed": False}},
        },
    ]


@pytest.mark.parametrize(
    "settings",
    [
        {"lock_after_minutes": -1},
        {"lock_after_minutes": 1441},
        {"min_app_version": "2.1"},
        {"min_app_version": "2.1.0 or so"},
        {"min_app_version": "10000.0.0"},
        {"min_app_version": "\uff12.4.0"},
    ],
)
def test_what_cannot_be_is_refused(acme: Organisation, settings: dict[str, Any]) -> None:
    with pytest.raises(PolicyInvalid):
        want(acme, **settings)


def test_devices_learn_of_a_change_by_their_feed(
    acme: Organisation, alice: Membership, bob_phone: Phone, charlie_phone: Phone
) -> None:
    """Members and guests, once, and nobody elsewhere; the socket says `changes`."""
    phones = [bob_phone, cast.phone(guest(acme, alice))]
    before = [phone.api._send("GET", "changes") for phone in [*phones, charlie_phone]]
    told = {}
    with inside(acme):
        for phone in phones:
            connected = hooks.SocketConnected(phone.id, phone.device.membership_id)
            hooks.socket_connected(connected)
            told[phone.id] = connected.told
        stand = latest()

    want(acme, screenshots_allowed=False)

    with inside(acme):
        assert latest().any > stand.any
        look = hooks.SocketsLook(
            [
                hooks.OpenSocket(
                    device_id=phone.id,
                    membership_id=phone.device.membership_id,
                    serial=1,
                    ready=True,
                    unsure=False,
                    told=told[phone.id],
                )
                for phone in phones
            ]
        )
        hooks.sockets_look(look)
    assert all({"type": "changes", "cursor": ANY} in look.frames[phone.id] for phone in phones)
    for phone, first in zip(phones, before, strict=False):
        page = phone.api._send("GET", f"changes?cursor={first['cursor']}")
        assert (first["managed_config_version"], page["managed_config_version"]) == (1, 2)
        assert page["cursor"] != first["cursor"]
        assert not page["rooms"]["changed"]
        assert not page["members"]["changed"]
    page = charlie_phone.api._send("GET", f"changes?cursor={before[2]['cursor']}")
    assert page["managed_config_version"] == 1


def test_an_app_that_is_too_old_gets_no_token_until_it_is_updated(
    acme: Organisation, bob_phone: Phone, charlie_phone: Phone
) -> None:
    """`SemaFore/1.0.0`, says the client of the tests."""
    want(acme, min_app_version="1.0.0")
    bob_phone.api.me()

    want(acme, min_app_version="1.0.1")
    bob_phone.api.me()
    with pytest.raises(ApiProblem, match="client_too_old") as refused:
        bob_phone.api.token(renew=True)
    assert refused.value.status == 426
    assert refused.value.body["min_app_version"] == "1.0.1"
    charlie_phone.api.token(renew=True)

    want(acme, min_app_version="")
    bob_phone.api.token(renew=True)


@pytest.mark.parametrize("wanted", [True, False])
@pytest.mark.parametrize("reason", RevocationReason)
def test_a_revoked_device_wipes_itself_if_that_is_wanted_and_never_in_custody(
    acme: Organisation, bob_phone: Phone, reason: RevocationReason, *, wanted: bool
) -> None:
    want(acme, wipe_on_revocation=wanted)
    with inside(acme):
        revoke_device(device_id=bob_phone.id, reason=reason)

    assert bob_phone.reload().wipe is (wanted and reason is not RevocationReason.CUSTODY)
    with pytest.raises(ApiProblem) as refused:
        bob_phone.api.token(renew=True)
    if reason is not RevocationReason.DEPARTURE:
        assert refused.value.body["wipe"] is bob_phone.reload().wipe
