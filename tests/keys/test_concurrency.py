"""Many at once, on connections of their own, in a database that commits."""

import threading
from collections import Counter
from collections.abc import Callable
from functools import partial
from itertools import takewhile
from typing import Any
from uuid import UUID, uuid4

import pytest
import redis
from django.conf import settings
from django.db import OperationalError, connection, transaction

from keys.errors import DeviceTransition
from keys.models import Comparison, KeyBundle, OneTimePreKey, RevocationReason
from keys.selectors.credentials import DeviceCredential, credential_of
from keys.services import claiming
from keys.services.bundles import publish, rotate, withdraw
from keys.services.claiming import ClaimedBundle
from keys.services.enrolment import approve_device, enrol_device
from keys.services.revocation import revoke_device
from keys.services.sweeps import delete_lapsed_signed_pre_keys
from orgs.models import Membership
from semafore.kernel.actor import SYSTEM, acting_as
from semafore.kernel.problems import NotFound, Problem
from semafore.kernel.realtime import channel
from semafore.kernel.tenancy import organisation_scope
from semafore.local.client.keys import DeviceKeys
from semafore.local.client.uploads import enrolment_of, one_time_uploads, signed_upload
from tests import cast
from tests.at_once import at_once
from tests.locks import wait_until_somebody_waits

pytestmark = pytest.mark.usefixtures("committed")


@pytest.fixture
def crowd(committed: None) -> list[DeviceCredential]:
    """32 people of Acme, each with a device that may claim."""
    acme = cast.organisation("Acme")
    people = [cast.member(acme, f"Person {number}") for number in range(32)]
    return [credential_of(cast.phone(person, one_time_pre_keys=0).reload()) for person in people]


@pytest.fixture
def target(crowd: list[DeviceCredential]) -> cast.Phone:
    """A device of the same organisation with 20 keys."""
    return cast.phone(colleague(crowd), one_time_pre_keys=20)


def colleague(crowd: list[DeviceCredential]) -> Membership:
    with organisation_scope(crowd[0].organisation_id):
        return Membership.objects.get(id=crowd[0].membership_id)


def claimer(
    credential: DeviceCredential, *device_ids: UUID, key: str | None = None
) -> Callable[[], Any]:
    """An act: this device claims those."""

    def act() -> Any:
        with organisation_scope(credential.organisation_id), acting_as(credential.actor(SYSTEM)):
            return claiming.claim_all(
                credential=credential, device_ids=list(device_ids), idempotency_key=key
            )

    return act


def owner(phone: cast.Phone, act: Callable[[], Any]) -> Callable[[], Any]:
    """An act in the name of the device's organisation."""

    def run() -> Any:
        with organisation_scope(phone.device.organisation_id), acting_as(SYSTEM):
            return act()

    return run


def key_ids(results: list[Any], device_id: UUID) -> list[int | None]:
    """The key id that each claim got, None for none left; fails for anything but a bundle."""
    found = []
    for result in results:
        assert not isinstance(result, Exception), repr(result)
        outcome = result[device_id]
        assert isinstance(outcome, ClaimedBundle), repr(outcome)
        found.append(outcome.one_time_pre_key[0] if outcome.one_time_pre_key else None)
    return found


def consistent(phone: cast.Phone) -> int:
    """The stock, after checking that the counter beside the keys tells the truth."""
    with organisation_scope(phone.device.organisation_id):
        held = OneTimePreKey.objects.filter(device_id=phone.id, claimed_at=None).count()
        assert KeyBundle.objects.get(device_id=phone.id).available == held
    return held


def test_32_claimers_20_keys_one_hint(crowd: list[DeviceCredential], target: cast.Phone) -> None:
    with redis.Redis.from_url(settings.REDIS_URL) as client, client.pubsub() as listener:
        listener.subscribe(channel(target.id))
        assert listener.get_message(timeout=60) is not None
        results = at_once(*[claimer(credential, target.id) for credential in crowd])
        # Whatever was published before comes before it.
        client.publish(channel(target.id), "the end")
        said = iter(lambda: listener.get_message(timeout=60), None)
        hints = list(takewhile(lambda hint: hint != b"the end", (one["data"] for one in said)))
    got = key_ids(results, target.id)
    assert sorted(key_id for key_id in got if key_id) == list(range(1, 21))
    assert got.count(None) == 12
    assert hints == [b"key_bundle"]
    assert consistent(target) == 0
    assert len(cast.events(target.device, "key_bundle.claimed")) == 32


class RegretError(Exception):
    """A claimer changes its mind."""


def test_claimers_that_roll_back_cost_nobody_a_key(
    crowd: list[DeviceCredential], target: cast.Phone
) -> None:
    """20 keys, 20 that stay and 12 that roll back in between: all 20 must get one."""

    def regretting(credential: DeviceCredential) -> Callable[[], Any]:
        act = claimer(credential, target.id)

        def run() -> Any:
            with transaction.atomic():
                act()
                raise RegretError

        return run

    acts = [
        regretting(credential) if number % 8 in {1, 4, 6} else claimer(credential, target.id)
        for number, credential in enumerate(crowd)
    ]
    results = at_once(*acts)
    stayed = [result for result in results if not isinstance(result, RegretError)]
    assert len(stayed) == 20
    assert sorted(key_ids(stayed, target.id), key=lambda one: one or 0) == list(range(1, 21))
    assert consistent(target) == 0


def test_claims_uploads_and_a_rotation_under_way(
    crowd: list[DeviceCredential], target: cast.Phone
) -> None:
    """Never a key twice, never none while one is left, whatever else goes on."""
    batches = [target.keys.make_one_time_pre_keys(6) for _ in range(3)]

    def upload() -> None:
        for batch in batches:
            publish(
                device_id=target.id,
                identity_key=target.keys.identity_key,
                signed_pre_key=None,
                one_time_pre_keys=one_time_uploads(batch),
            )

    def turn() -> None:
        for _ in range(3):
            new = signed_upload(target.keys.rotate_signed_pre_key())
            rotate(device_id=target.id, signed_pre_key=new)

    acts = [claimer(credential, target.id) for credential in crowd]
    results = at_once(*acts, owner(target, upload), owner(target, turn))
    assert results[-2:] == [None, None], results[-2:]
    got = key_ids(results[:-2], target.id)
    issued = [key_id for key_id in got if key_id]
    assert len(set(issued)) == len(issued)
    assert len(issued) + consistent(target) == 38
    # 20 keys were there from the start: a claimer may go without one only after 20 were issued.
    assert len(issued) >= 20


def test_a_claim_that_waited_for_a_rotation_gets_the_new_key(
    crowd: list[DeviceCredential], target: cast.Phone
) -> None:
    """The claim reads after it has the lock: nothing stale from before it waited."""
    claimed: list[Any] = []
    with organisation_scope(target.device.organisation_id), acting_as(SYSTEM):
        with transaction.atomic():
            rotate(
                device_id=target.id,
                signed_pre_key=signed_upload(target.keys.rotate_signed_pre_key()),
            )
            waiting = threading.Thread(
                target=lambda: claimed.extend(at_once(claimer(crowd[0], target.id)))
            )
            waiting.start()
            wait_until_somebody_waits(or_ended=lambda: not waiting.is_alive())
            assert claimed == []
        waiting.join()
    (result,) = claimed
    assert result[target.id].device.signed_pre_key.key_id == 2


def test_a_claim_that_waited_for_a_revocation_finds_nothing(
    crowd: list[DeviceCredential], target: cast.Phone
) -> None:
    claimed: list[Any] = []
    with organisation_scope(target.device.organisation_id), acting_as(SYSTEM):
        with transaction.atomic():
            revoke_device(device_id=target.id, reason=RevocationReason.LOST)
            waiting = threading.Thread(
                target=lambda: claimed.extend(at_once(claimer(crowd[0], target.id)))
            )
            waiting.start()
            wait_until_somebody_waits(or_ended=lambda: not waiting.is_alive())
        waiting.join()
    (result,) = claimed
    assert isinstance(result[target.id], NotFound)


def test_bulk_claims_in_opposite_orders_do_not_deadlock(crowd: list[DeviceCredential]) -> None:
    person = colleague(crowd)
    targets = [cast.phone(person, one_time_pre_keys=40, name=f"T{n}").id for n in range(5)]
    acts = [
        claimer(credential, *(targets if number % 2 else reversed(targets)))
        for number, credential in enumerate(crowd[1:])
    ]
    results = at_once(*acts)
    for device_id in targets:
        assert sorted(key_ids(results, device_id), key=lambda one: one or 0) == list(range(1, 32))


def test_one_claim_sent_many_times_at_once_gets_one_key(
    crowd: list[DeviceCredential], target: cast.Phone
) -> None:
    results = at_once(*[claimer(crowd[0], target.id, key="retry") for _ in range(12)])
    assert set(key_ids(results, target.id)) == {1}
    assert consistent(target) == 19


def test_revocations_among_claims_deadlock_with_nobody(
    crowd: list[DeviceCredential], target: cast.Phone
) -> None:
    """A revocation locks the device, then the bundle; claims refer to devices under the bundle."""
    others = [cast.phone(colleague(crowd), name=f"T{n}") for n in range(4)]
    acts = [claimer(credential, target.id, *(one.id for one in others)) for credential in crowd]
    leaving = [one.id for one in others] + [one.device_id for one in crowd[-4:]]
    revocations = [
        owner(target, partial(revoke_device, device_id=device_id, reason=RevocationReason.LOST))
        for device_id in leaving
    ]
    results = at_once(*acts, *revocations)
    unexpected = [
        result
        for result in results
        if isinstance(result, Exception) and not isinstance(result, Problem)
    ]
    assert unexpected == []
    consistent(target)


def test_a_withdrawal_among_claims_leaves_an_honest_count(
    crowd: list[DeviceCredential], target: cast.Phone
) -> None:
    acts = [claimer(credential, target.id) for credential in crowd[:10]]
    results = at_once(*acts, owner(target, lambda: withdraw(device_id=target.id)))
    got = [key_id for key_id in key_ids(results[:-1], target.id) if key_id]
    assert len(set(got)) == len(got)
    assert consistent(target) == 0


def test_two_uploads_of_the_same_batch_at_once_are_one(
    crowd: list[DeviceCredential], target: cast.Phone
) -> None:
    batch = one_time_uploads(target.keys.make_one_time_pre_keys(10))
    act = owner(
        target,
        lambda: publish(
            device_id=target.id,
            identity_key=target.keys.identity_key,
            signed_pre_key=None,
            one_time_pre_keys=batch,
        ),
    )
    assert at_once(*[act] * 6) == [None] * 6
    assert consistent(target) == 30
    # One when the device enrolled, one for the batch.
    published = cast.events(target.device, "key_bundle.published")
    assert [what["data"]["added"] for what in published] == [20, 10]


def test_two_administrators_decide_at_once_one_wins(crowd: list[DeviceCredential]) -> None:
    phone = cast.phone(colleague(crowd), approved=False)
    act = owner(phone, lambda: approve_device(device_id=phone.id, compared=Comparison.IN_PERSON))
    results = at_once(*[act] * 4)
    kinds = Counter(type(result).__name__ for result in results)
    assert kinds == {"Device": 1, "DeviceTransition": 3}
    assert all(isinstance(one, DeviceTransition) for one in results if isinstance(one, Exception))
    approvals = cast.events(phone.device, "device.approved")
    assert sum(one["data"]["compared"] == "in_person" for one in approvals) == 33


def test_the_device_limit_holds_when_many_enrol_at_once(crowd: list[DeviceCredential]) -> None:
    acme_id = crowd[0].organisation_id
    person = colleague(crowd)

    def enrol() -> Any:
        onboarding_id = uuid4()
        with organisation_scope(acme_id), acting_as(SYSTEM):
            return enrol_device(
                membership_id=person.id,
                onboarding_id=onboarding_id,
                enrolment=enrolment_of(
                    DeviceKeys.generate(), onboarding_id, name="New", one_time_pre_keys=1
                ),
            )

    results = at_once(*[enrol] * 12)
    kinds = Counter(type(result).__name__ for result in results)
    assert kinds == {"Device": 5, "DeviceLimitReached": 7}


def test_one_onboarding_sent_twice_at_once_is_one_device(crowd: list[DeviceCredential]) -> None:
    onboarding_id, person = uuid4(), colleague(crowd)
    enrolment = enrolment_of(DeviceKeys.generate(), onboarding_id, name="New")

    def enrol() -> Any:
        with organisation_scope(person.organisation_id), acting_as(SYSTEM):
            return enrol_device(
                membership_id=person.id, onboarding_id=onboarding_id, enrolment=enrolment
            ).id

    assert len(set(at_once(*[enrol] * 6))) == 1


def test_sweeps_by_several_workers_share_the_work(crowd: list[DeviceCredential]) -> None:
    with organisation_scope(crowd[0].organisation_id), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO keys_signedprekey (organisation_id, device_id, key_id, public_key,"
            " signature, key_hash, uploaded_at, superseded_at)"
            " SELECT %s, %s, n, sha256(int4send(n)),"
            "  sha256(int4send(n)) || sha256(int4send(n)), sha256(sha256(int4send(n))),"
            "  now() - interval '20 days', now() - interval '10 days'"
            " FROM generate_series(10, 1209) AS n",
            [crowd[0].organisation_id, crowd[0].device_id],
        )

    def sweep() -> int:
        total = 0
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '60s'")
        with organisation_scope(crowd[0].organisation_id), acting_as(SYSTEM):
            while taken := delete_lapsed_signed_pre_keys():
                total += taken
        return total

    with organisation_scope(crowd[0].organisation_id), acting_as(SYSTEM), transaction.atomic():
        mine = delete_lapsed_signed_pre_keys()
        # What this transaction holds is skipped, not waited for.
        shares = at_once(*[sweep] * 4)
    assert (mine, sum(shares)) == (500, 700)
    deleted = cast.events(colleague(crowd), "signed_pre_key.deleted")
    assert len({what["data"]["key_id"] for what in deleted}) == len(deleted) == 1200


def test_a_connection_killed_in_mid_claim_leaves_nothing_half_done(
    crowd: list[DeviceCredential], target: cast.Phone
) -> None:
    """The server ends the backend after the key was taken and before the commit."""

    def killed() -> Any:
        with transaction.atomic():
            claimer(crowd[0], target.id)()
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    (result,) = at_once(killed)
    assert isinstance(result, OperationalError)
    assert consistent(target) == 20
    assert cast.events(target.device, "key_bundle.claimed") == []
    assert key_ids(at_once(claimer(crowd[0], target.id)), target.id) == [1]
