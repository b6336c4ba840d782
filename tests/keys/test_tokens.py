"""Challenge and token."""

import secrets
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from django.conf import settings
from django.db import connection

from audit.tasks import settle_denials, settle_platform_denials
from keys.messages import device_auth_message
from keys.tasks import drop_spent_challenges, drop_tokens
from orgs.models import Membership
from orgs.services.memberships import activate_membership, suspend_membership
from semafore.kernel import clock
from semafore.kernel.actor import SYSTEM, acting_as
from semafore.kernel.tenancy import organisation_scope
from semafore.local.client.api import ApiProblem
from semafore.local.client.wire import decode, encode
from semafore.wsgi import application
from tests import cast

pytestmark = pytest.mark.django_db

API = httpx.Client(
    base_url="http://127.0.0.1:8000/api/mobile/", transport=httpx.WSGITransport(app=application)
)


def challenge(device_id: UUID) -> dict[str, Any]:
    response = API.post("auth/challenge", json={"device_id": str(device_id)})
    assert response.status_code == 201
    return dict(response.json())


def sign(phone: cast.Phone, asked: str, base_url: str | None = None) -> str:
    message = device_auth_message(
        base_url or settings.BASE_URL, decode(asked), phone.id, phone.device.organisation_id
    )
    return encode(phone.keys.sign(message))


def exchange(device_id: UUID, asked: str, signature: str) -> httpx.Response:
    return API.post(
        "auth/token",
        json={"device_id": str(device_id), "challenge": asked, "signature": signature},
    )


def test_a_challenge_is_32_bytes_for_60_seconds(bob_phone: cast.Phone) -> None:
    given = challenge(bob_phone.id)
    assert len(decode(given["challenge"])) == 32
    assert "Z" in given["expires_at"]
    with clock.moved_by(timedelta(seconds=61)):
        asked = given["challenge"]
        late = exchange(bob_phone.id, asked, sign(bob_phone, asked))
    assert (late.status_code, late.json()["code"]) == (401, "challenge_invalid")


def test_a_challenge_serves_once(bob_phone: cast.Phone) -> None:
    asked = challenge(bob_phone.id)["challenge"]
    signature = sign(bob_phone, asked)
    assert exchange(bob_phone.id, asked, signature).status_code == 200
    again = exchange(bob_phone.id, asked, signature)
    assert (again.status_code, again.json()["code"]) == (401, "challenge_invalid")


def test_a_challenge_is_for_one_device_and_of_this_server(
    alice_phone: cast.Phone, bob_phone: cast.Phone
) -> None:
    asked = challenge(alice_phone.id)["challenge"]
    for foreign in (asked, encode(secrets.token_bytes(32))):
        answer = exchange(bob_phone.id, foreign, sign(bob_phone, foreign))
        assert (answer.status_code, answer.json()["code"]) == (401, "challenge_invalid")


def test_a_signature_for_another_server_is_of_no_use(bob_phone: cast.Phone) -> None:
    asked = challenge(bob_phone.id)["challenge"]
    answer = exchange(bob_phone.id, asked, sign(bob_phone, asked, "https://elsewhere.example"))
    assert (answer.status_code, answer.json()["code"]) == (401, "signature_invalid")


def test_an_unknown_device_and_a_wrong_signature_look_the_same(bob_phone: cast.Phone) -> None:
    unknown = uuid4()
    known, other = challenge(bob_phone.id), challenge(unknown)
    assert {name: len(value) for name, value in known.items()} == {
        name: len(value) for name, value in other.items()
    }
    wrong = encode(secrets.token_bytes(64))
    answers = [
        exchange(bob_phone.id, known["challenge"], wrong),
        exchange(unknown, other["challenge"], wrong),
    ]
    bodies = [{**answer.json(), "request_id": None} for answer in answers]
    assert bodies[0] == bodies[1]
    assert [answer.status_code for answer in answers] == [401, 401]


def test_asking_for_challenges_writes_nothing(bob_phone: cast.Phone) -> None:
    def size() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM keys_spentchallenge")
            return int(cursor.fetchone()[0])

    before = size()
    challenge(bob_phone.id)
    assert size() == before


def test_a_token_is_kept_hashed_and_lasts_an_hour(bob_phone: cast.Phone) -> None:
    token = bob_phone.api.token()
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM keys_devicetoken WHERE device_id = %s", [bob_phone.id])
        assert token not in str(cursor.fetchone())
    headers = {"Authorization": f"Bearer {token}"}
    with clock.moved_by(timedelta(minutes=59)):
        assert API.get("me", headers=headers).status_code == 200
    with clock.moved_by(timedelta(minutes=61)):
        late = API.get("me", headers=headers)
        assert (late.status_code, late.json()["code"]) == (401, "token_expired")
        assert late.headers["WWW-Authenticate"] == "Bearer"
    with clock.moved_by(timedelta(hours=26)):
        drop_tokens()
        assert API.get("me", headers=headers).json()["code"] == "token_invalid"


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic eA==", "Bearer x y"])
def test_a_bad_authorization_header_is_401(bob_phone: cast.Phone, header: str) -> None:
    answer = API.get("me", headers={"Authorization": header})
    assert (answer.status_code, answer.json()["code"]) == (401, "token_invalid")


def test_a_suspension_ends_tokens_at_once_and_lifting_it_lets_the_device_back(
    bob: Membership, bob_phone: cast.Phone
) -> None:
    headers = {"Authorization": f"Bearer {bob_phone.api.token()}"}
    with acting_as(SYSTEM), organisation_scope(bob.organisation_id):
        suspend_membership(membership_id=bob.id, reason="test")
    assert API.get("me", headers=headers).status_code == 401
    with pytest.raises(ApiProblem) as caught:
        bob_phone.api.token(renew=True)
    assert (caught.value.status, caught.value.code) == (403, "membership_suspended")
    with acting_as(SYSTEM), organisation_scope(bob.organisation_id):
        activate_membership(membership_id=bob.id)
    assert bob_phone.api.me()["membership"]["status"] == "active"


def test_failures_are_in_the_log_of_whom_they_concern(bob_phone: cast.Phone) -> None:
    wrong = encode(secrets.token_bytes(64))
    for device_id in (bob_phone.id, bob_phone.id, uuid4()):
        exchange(device_id, challenge(device_id)["challenge"], wrong)
    with clock.moved_by(timedelta(minutes=2)):
        settle_denials()
        settle_platform_denials()
    failures = cast.events(bob_phone.device, "device.authentication_failed")
    assert sum(one["attempts"]["count"] for one in failures) == 2
    with connection.cursor() as cursor:
        cursor.execute("SELECT what FROM audit_platformevent")
        platform = [bytes(row[0]) for row in cursor.fetchall()]
    assert sum(b"device.authentication_failed" in what for what in platform) == 1


def test_spent_challenges_are_dropped_when_they_could_not_be_used(bob_phone: cast.Phone) -> None:
    bob_phone.api.token()
    assert drop_spent_challenges() == 0
    with clock.moved_by(timedelta(seconds=61)):
        assert drop_spent_challenges() == 1


def test_too_many_questions_from_one_address_are_429(settings: Any) -> None:
    settings.UNAUTHENTICATED_PER_MINUTE = 0
    answer = API.post("auth/challenge", json={"device_id": str(uuid4())})
    assert (answer.status_code, answer.json()["code"]) == (429, "throttled")
    assert 0 < int(answer.headers["Retry-After"]) <= 60
