"""Broadcasts: to every active member, in parts, and an honest account of who was not reached."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection

from keys.models import RevocationReason
from keys.selectors.credentials import credential_of
from keys.services.revocation import revoke_device
from messaging.models import Broadcast, Envelope, Message, Notice, NoticeKind
from messaging.services import broadcasts
from messaging.services.mailbox import acknowledge
from messaging.services.relay import Upload
from messaging.uploads import EnvelopeUpload
from orgs.models import Membership, MembershipKind, Organisation, Role
from orgs.services.memberships import suspend_membership
from semafore.kernel import clock
from semafore.kernel.actor import SYSTEM, Actor, ActorKind, acting_as
from semafore.kernel.problems import Problem
from semafore.kernel.tenancy import organisation_scope
from semafore.local.client.api import ApiProblem
from tests import cast
from tests.cast import Phone, events, inside, phone
from tests.messaging import talk


def start(by: Phone, key: str | None = None) -> UUID:
    return UUID(by.api._send("POST", "broadcasts", idempotency_key=key)["id"])


def part(by: Phone, broadcast: UUID, body: dict[str, Any]) -> dict[str, Any]:
    return by.api._send("POST", f"broadcasts/{broadcast}/envelopes", body)


def finish(by: Phone, broadcast: UUID, key: str | None = None) -> set[UUID]:
    answer = by.api._send("POST", f"broadcasts/{broadcast}/finish", idempotency_key=key)
    return {UUID(one) for one in answer["not_reached"]}


def refused(by: Phone, path: str, body: dict[str, Any] | None = None) -> ApiProblem:
    with pytest.raises(ApiProblem) as caught:
        by.api._send("POST", path, body)
    return caught.value


def waiting(of: Organisation) -> set[UUID]:
    with inside(of):
        return set(Envelope.objects.values_list("device_id", flat=True))


def test_parts_reach_devices_and_the_rest_is_named(
    acme: Organisation, alice: Membership, bob: Membership, alice_phone: Phone, bob_phone: Phone
) -> None:
    tablet = phone(alice, name="Tablet")
    bobs_laptop, dans = phone(bob, name="Laptop"), phone(cast.member(acme, "Dan"))
    broadcast = start(alice_phone)

    first = part(alice_phone, broadcast, talk.message([bob_phone]))
    part(alice_phone, broadcast, talk.message([tablet, dans]))

    assert first["receipt"]
    assert first["skipped"] == []
    assert finish(alice_phone, broadcast) == {bobs_laptop.id}
    assert waiting(acme) == {bob_phone.id, tablet.id, dans.id}
    with inside(acme):
        row = Broadcast.objects.get()
        assert (row.sender_id, row.sender_device_id) == (alice.id, alice_phone.id)
        assert row.not_reached == 1
        assert Message.objects.filter(broadcast_id=broadcast, room__isnull=True).count() == 2


def test_what_was_missed_is_told_to_the_device(
    acme: Organisation, alice_phone: Phone, bob: Membership, bob_phone: Phone
) -> None:
    laptop = phone(bob, name="Laptop")
    broadcast = start(alice_phone)
    part(alice_phone, broadcast, talk.message([bob_phone]))

    finish(alice_phone, broadcast)

    with inside(acme):
        notice = Notice.objects.get()
    assert (notice.device_id, notice.kind, notice.room_id) == (laptop.id, NoticeKind.MISSED, None)


def test_a_broadcast_without_any_part_was_missed_by_nobody(
    acme: Organisation, alice_phone: Phone, bob_phone: Phone
) -> None:
    assert finish(alice_phone, start(alice_phone)) == {bob_phone.id}
    with inside(acme):
        assert not Notice.objects.exists()


def test_each_part_is_an_event_that_commits_to_it(
    acme: Organisation, alice_phone: Phone, bob_phone: Phone
) -> None:
    broadcast = start(alice_phone)
    body = talk.message([bob_phone])
    part(alice_phone, broadcast, body)
    finish(alice_phone, broadcast)

    begun, accepted, finished = (
        one["data"]
        for one in events(acme, "broadcast.started", "broadcast.accepted", "broadcast.finished")
    )
    assert begun == {"broadcast_id": str(broadcast)}
    assert accepted["broadcast_id"] == str(broadcast)
    assert accepted["message_id"] == body["message_id"]
    assert (accepted["envelopes"], accepted["total_bytes"]) == (1, 60)
    assert accepted["content_root"]
    assert (finished["reached"], finished["not_reached"]) == (1, 0)


def test_a_retried_part_gets_the_first_receipt_even_after_the_end(
    acme: Organisation, alice_phone: Phone, bob_phone: Phone
) -> None:
    broadcast, message_id = start(alice_phone), uuid4()
    first = part(alice_phone, broadcast, talk.message([bob_phone], message_id))
    finish(alice_phone, broadcast)

    again = part(alice_phone, broadcast, talk.message([bob_phone], message_id))

    assert again == first
    assert len(events(acme, "broadcast.accepted")) == 1


@pytest.mark.parametrize("acknowledged", [False, True])
def test_a_device_that_an_earlier_part_reached_is_extra(
    acme: Organisation, alice_phone: Phone, bob: Membership, bob_phone: Phone, acknowledged: bool
) -> None:
    laptop = phone(bob, name="Laptop")
    broadcast = start(alice_phone)
    part(alice_phone, broadcast, talk.message([bob_phone]))
    if acknowledged:
        with inside(acme):
            ids = list(Envelope.objects.values_list("envelope_id", flat=True))
            device = Actor(kind=ActorKind.DEVICE, id=bob_phone.id)
            assert acknowledge(device=device, envelope_ids=ids) == 1

    problem = refused(
        alice_phone, f"broadcasts/{broadcast}/envelopes", talk.message([bob_phone, laptop])
    )

    assert (problem.status, problem.code) == (409, "device_set_mismatch")
    named = {name: problem.body[name] for name in ("missing", "extra", "stale")}
    assert named == {"missing": [], "extra": [str(bob_phone.id)], "stale": []}
    assert finish(alice_phone, broadcast) == {laptop.id}


def test_who_is_no_active_member_is_extra_and_not_missed(
    acme: Organisation, alice: Membership, alice_phone: Phone, bob: Membership, charlie_phone: Phone
) -> None:
    bob_phone = phone(bob)
    guest = cast.member(acme, "Grace")
    with inside(acme):
        Membership.objects.filter(id=guest.id).update(
            kind=MembershipKind.GUEST,
            sponsor=alice,
            ends_at=clock.now() + timedelta(days=1),
        )
        eve = cast.member(acme, "Eve")
        eves = phone(eve)
        suspend_membership(membership_id=eve.id, reason="leave")
    strangers = [phone(guest), eves, phone(bob, approved=False), charlie_phone, alice_phone]
    lost = phone(bob, name="Lost")
    with inside(acme):
        revoke_device(device_id=lost.id, reason=RevocationReason.LOST)
    strangers.append(lost)
    broadcast = start(alice_phone)

    problem = refused(
        alice_phone, f"broadcasts/{broadcast}/envelopes", talk.message([*strangers, bob_phone])
    )

    assert problem.body["extra"] == sorted(str(one.id) for one in strangers)
    assert finish(alice_phone, broadcast) == {bob_phone.id}


def test_a_device_that_was_enrolled_anew_is_stale(alice_phone: Phone, bob_phone: Phone) -> None:
    body = talk.message([])
    other = bob_phone.device.registration_id % 16380 + 1
    body["envelopes"] = [talk.envelope(bob_phone, registration_id=other)]

    problem = refused(alice_phone, f"broadcasts/{start(alice_phone)}/envelopes", body)

    assert problem.body["stale"] == [str(bob_phone.id)]


def test_a_finished_broadcast_takes_nothing_more(alice_phone: Phone, bob_phone: Phone) -> None:
    broadcast = start(alice_phone)
    missed = finish(alice_phone, broadcast, key="end")

    for path, body in (("envelopes", talk.message([bob_phone])), ("finish", None)):
        problem = refused(alice_phone, f"broadcasts/{broadcast}/{path}", body)
        assert (problem.status, problem.code) == (409, "broadcast_finished")
    assert finish(alice_phone, broadcast, key="end") == missed


def test_a_retried_beginning_is_the_same_broadcast(acme: Organisation, alice_phone: Phone) -> None:
    assert start(alice_phone, key="k") == start(alice_phone, key="k") != start(alice_phone)
    assert len(events(acme, "broadcast.started")) == 2


def test_it_is_its_senders_alone(
    acme: Organisation, alice: Membership, alice_phone: Phone, bob_phone: Phone
) -> None:
    other_admin = phone(cast.member(acme, "Dora", Role.ADMIN))
    outsider = phone(cast.member(cast.organisation("Globex"), "Charlie", Role.OWNER))
    broadcast = start(alice_phone)

    for asker in (other_admin, outsider):
        for path, body in (("envelopes", talk.message([bob_phone])), ("finish", None)):
            seen = refused(asker, f"broadcasts/{broadcast}/{path}", body)
            nowhere = refused(asker, f"broadcasts/{uuid4()}/{path}", body)
            assert seen.status == 404
            assert {**seen.body, "request_id": ""} == {**nowhere.body, "request_id": ""}
    part(phone(alice, name="Tablet"), broadcast, talk.message([bob_phone]))


@pytest.mark.parametrize("role", [Role.MEMBER, Role.HELPDESK, Role.AUDITOR])
def test_only_owners_and_admins_broadcast(acme: Organisation, role: Role) -> None:
    problem = refused(phone(cast.member(acme, "Dan", role)), "broadcasts")

    assert (problem.status, problem.code) == (403, "not_permitted")


def test_an_empty_part_is_none(alice_phone: Phone) -> None:
    problem = refused(alice_phone, f"broadcasts/{start(alice_phone)}/envelopes", talk.message([]))

    assert (problem.status, problem.body["errors"][0]["field"]) == (422, "envelopes")


def test_an_expired_device_may_be_reached_or_left_out(
    alice_phone: Phone, bob: Membership, bob_phone: Phone
) -> None:
    laptop = phone(bob, name="Laptop")
    alice_phone.api.token()
    with clock.moved_by(timedelta(days=8)):
        broadcast = start(alice_phone)
        part(alice_phone, broadcast, talk.message([bob_phone]))
        assert finish(alice_phone, broadcast) == {laptop.id}


def test_of_two_parts_at_once_one_reaches_a_device(committed: None) -> None:
    acme = cast.organisation("Acme")
    sender = phone(cast.member(acme, "Alice", Role.OWNER))
    to = phone(cast.member(acme, "Bob"))
    credential = credential_of(sender.reload())
    with organisation_scope(acme.id), acting_as(credential.actor(SYSTEM)):
        broadcast = broadcasts.start(credential=credential)
    together = threading.Barrier(4)

    def send(number: int) -> str:
        upload = EnvelopeUpload(
            to.id, to.device.registration_id, "x3dh-25519", "message", bytes([number])
        )
        try:
            with organisation_scope(acme.id), acting_as(credential.actor(SYSTEM)):
                together.wait(timeout=30)
                broadcasts.send_part(
                    credential=credential,
                    broadcast_id=broadcast.id,
                    upload=Upload(uuid4(), [upload]),
                )
        except Problem as problem:
            return problem.code
        finally:
            connection.close()
        return "sent"

    with ThreadPoolExecutor(max_workers=4) as threads:
        outcomes = sorted(threads.map(send, range(4)))

    assert outcomes == ["device_set_mismatch"] * 3 + ["sent"]
    assert waiting(acme) == {to.id}
