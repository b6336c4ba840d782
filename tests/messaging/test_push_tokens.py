"""Push tokens: sealed, recorded without themselves, gone with the device."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from keys.models import RevocationReason
from keys.services.revocation import revoke_device
from messaging.models import PushToken
from messaging.push.outcomes import Target
from messaging.services.push_tokens import register_push_token
from orgs.models import Organisation
from semafore.kernel import clock
from semafore.kernel.problems import NotAuthenticated
from semafore.kernel.sealing import unseal
from semafore.local.client.api import ApiProblem
from tests.cast import Phone, events, inside

IOS = {"platform": "ios", "token": "ab01" * 16, "environment": "sandbox"}
ANDROID = {"platform": "android", "token": "cXd:APA91b-_x.y"}


def put(by: Phone, body: dict[str, Any]) -> None:
    by.api._send("PUT", "push-token", body)


def remove(by: Phone) -> None:
    by.api._send("DELETE", "push-token")


def tokens(of: Organisation) -> list[PushToken]:
    with inside(of):
        return list(PushToken.objects.order_by("registered_at"))


def test_a_token_is_sealed_and_recorded_without_itself(
    acme: Organisation, bob_phone: Phone
) -> None:
    put(bob_phone, IOS)

    (token,) = tokens(acme)
    assert (token.device_id, token.service, token.environment) == (bob_phone.id, "apns", "sandbox")
    assert unseal(token.token).decode() == IOS["token"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT messaging_pushtoken::text FROM messaging_pushtoken")
        assert IOS["token"] not in str(cursor.fetchall())
    (event,) = events(acme, "push_token.registered")
    assert event["data"] == {"service": "apns", "environment": "sandbox"}
    assert IOS["token"] not in json.dumps(event)


def test_the_same_again_changes_nothing(acme: Organisation, bob_phone: Phone) -> None:
    put(bob_phone, IOS)
    before = tokens(acme)
    put(bob_phone, IOS)

    assert [one.registered_at for one in tokens(acme)] == [one.registered_at for one in before]
    assert len(events(acme, "push_token.registered")) == 1


def test_another_token_takes_its_place_with_a_clean_slate(
    acme: Organisation, bob_phone: Phone
) -> None:
    put(bob_phone, IOS)
    with inside(acme):
        now = clock.now()
        PushToken.objects.update(woken_at=now, failed_at=now, failures=3, error="away")
    put(bob_phone, ANDROID)

    (token,) = tokens(acme)
    assert (token.service, token.environment) == ("fcm", "production")
    assert unseal(token.token).decode() == ANDROID["token"]
    assert (token.woken_at, token.failed_at, token.failures, token.error) == (None, None, 0, "")
    assert len(events(acme, "push_token.registered")) == 2


def test_a_device_takes_its_own_away(
    acme: Organisation, alice_phone: Phone, bob_phone: Phone
) -> None:
    put(alice_phone, IOS)
    put(bob_phone, IOS)

    remove(bob_phone)
    remove(bob_phone)

    assert [one.device_id for one in tokens(acme)] == [alice_phone.id]
    (event,) = events(acme, "push_token.removed")
    assert event["data"] == {"service": "apns", "reason": "removed by the device"}


def test_a_revoked_device_leaves_no_token(acme: Organisation, bob_phone: Phone) -> None:
    put(bob_phone, IOS)
    with inside(acme):
        revoke_device(device_id=bob_phone.id, reason=RevocationReason.LOST)

        with pytest.raises(NotAuthenticated):
            register_push_token(device_id=bob_phone.id, target=Target("fcm", "production", "x"))  # type: ignore[arg-type]
    assert tokens(acme) == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (IOS | {"token": "xy" * 32}, "token"),
        (IOS | {"token": "ab/../.."}, "token"),
        (IOS | {"token": "ab" * 31}, "token"),
        (IOS | {"token": "ab" * 101}, "token"),
        (ANDROID | {"token": "white space"}, "token"),
        (ANDROID | {"token": "x" * 2001}, "token"),
        (ANDROID | {"token": ""}, "token"),
        (IOS | {"environment": "test"}, "environment"),
        (IOS | {"platform": "desktop"}, "platform"),
        (IOS | {"name": "x"}, "name"),
        ({"platform": "ios"}, "token"),
    ],
)
def test_what_is_no_token_is_refused_and_not_repeated(
    acme: Organisation, bob_phone: Phone, body: dict[str, Any], field: str
) -> None:
    with pytest.raises(ApiProblem) as refused:
        put(bob_phone, body)

    assert refused.value.status == 422
    assert [one["field"] for one in refused.value.body["errors"]] == [field]
    assert len(body.get("token", "")) < 3 or body["token"] not in json.dumps(refused.value.body)
    assert tokens(acme) == []


@pytest.mark.parametrize("act", [lambda one: put(one, IOS), remove])
def test_it_takes_a_devices_token(bob_phone: Phone, act: Callable[[Phone], None]) -> None:
    bob_phone.api.token()
    with inside_of(bob_phone):
        revoke_device(device_id=bob_phone.id, reason=RevocationReason.LOST)

    with pytest.raises(ApiProblem) as refused:
        act(bob_phone)

    assert refused.value.status in {401, 403}


def inside_of(one: Phone) -> Any:
    return inside(one.device.organisation)
