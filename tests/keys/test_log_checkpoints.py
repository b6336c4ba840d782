"""`GET log/checkpoint`, `GET log/consistency`: a device sees that the log only grows."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit.models import AnnouncedKey
from audit.verifier import open_checkpoint, verify_consistency
from keys.models import RevocationReason
from keys.services.revocation import revoke_device
from orgs.models import Membership, Organisation
from tests import cast
from tests.cast import Phone, inside
from tests.keys.logs import published
from tests.keys.test_bundles import refused
from tests.messaging import talk
from tests.messaging.calls import get, guest

pytestmark = pytest.mark.django_db


def test_before_the_first_checkpoint_there_is_none(acme: Organisation, bob_phone: Phone) -> None:
    with refused(404, "no_checkpoint"):
        bob_phone.api.log()
    with refused(404, "no_checkpoint"):
        get(bob_phone, "log/consistency?from=1")
    published(acme)
    bob_phone.api.log()


def test_the_newest_checkpoint_comes_with_the_keys_that_verify_it(
    acme: Organisation, alice: Membership, bob: Membership, alice_phone: Phone, bob_phone: Phone
) -> None:
    published(acme)
    room = talk.group(acme, alice, bob)
    alice_phone.api.send_message(room.id, talk.message([bob_phone]))
    newest = published(acme)

    shown = bob_phone.api.log()

    assert shown["checkpoint"] == newest.note
    checkpoint = open_checkpoint(shown["checkpoint"], shown["vkeys"])
    assert (checkpoint.size, checkpoint.root) == (newest.size, newest.root)
    with inside(acme):
        receipts = AnnouncedKey.objects.get(purpose="receipts")
    assert shown["receipt_vkeys"] == [receipts.vkey]


def test_two_published_checkpoints_are_proved_consistent(
    acme: Organisation, alice_phone: Phone, bob_phone: Phone
) -> None:
    first = published(acme)
    for _ in range(5):
        alice_phone.api.claim(bob_phone.id)
    middle = published(acme)
    alice_phone.api.claim(bob_phone.id)
    last = published(acme)

    for old, new in ((first, middle), (middle, last), (first, last), (last, last)):
        hashes = bob_phone.api.log_consistency(old.size, new.size)
        verify_consistency(old.size, new.size, hashes, old.root, new.root)
    newest = get(bob_phone, f"log/consistency?from={first.size}")
    assert (newest["from"], newest["to"]) == (first.size, last.size)


def test_sizes_at_which_nothing_was_published_are_named(
    acme: Organisation, alice_phone: Phone, bob_phone: Phone
) -> None:
    old = published(acme).size
    alice_phone.api.claim(bob_phone.id)
    new = published(acme).size

    for query, field in (
        (f"from={old - 1}", "from"),
        (f"from={new}&to={old}", "from"),
        (f"from={old}&to={new + 1}", "to"),
        ("from=0", "from"),
        ("from=x", "from"),
        (f"to={new}", "from"),
        (f"from={old}&to={'9' * 30}", "to"),
        (f"from={old}&upto={new}", "upto"),
    ):
        with refused(422, "invalid") as problems:
            get(bob_phone, f"log/consistency?{query}")
        assert [error["field"] for error in problems[0].body["errors"]] == [field], query


def test_each_organisation_sees_its_own_log(
    acme: Organisation, globex: Organisation, bob_phone: Phone, charlie_phone: Phone
) -> None:
    sizes = [published(acme).size]
    cast.member(acme, "Dora")
    sizes.append(published(acme).size)
    published(globex)

    assert charlie_phone.api.log()["checkpoint"].partition("\n")[0].endswith(globex.log_id)
    with refused(422, "invalid"):
        charlie_phone.api.log_consistency(*sizes)


def test_guests_see_it_and_revoked_devices_do_not(acme: Organisation, alice: Membership) -> None:
    gus_phone = cast.phone(guest(acme, alice))
    published(acme)
    gus_phone.api.log()
    with inside(acme):
        revoke_device(device_id=gus_phone.id, reason=RevocationReason.LOST)
    with refused(403, "access_revoked"):
        gus_phone.api.log()


def test_they_cost_few_statements_however_long_the_log(
    acme: Organisation, alice_phone: Phone, bob_phone: Phone
) -> None:
    first = published(acme).size
    counts = []
    for rounds in (1, 4):
        for _ in range(rounds):
            alice_phone.api.claim(bob_phone.id)
        last = published(acme).size
        bob_phone.api.token()
        with CaptureQueriesContext(connection) as queries:
            bob_phone.api.log()
        with CaptureQueriesContext(connection) as more:
            bob_phone.api.log_consistency(first, last)
        counts.append((len(queries), len(more)))
    # Each begins with the token and the organisation.
    assert counts == [(5, 5), (5, 5)]
