"""What a sender holds of a message, before and without the log."""

import base64
from datetime import datetime, timedelta

from audit.commitments import leaf_hash
from audit.models import AnnouncedKey, Pending
from orgs.models import Membership, Organisation
from semafore.kernel.tenancy import organisation_scope
from tests.audit.test_notes import open_note
from tests.cast import Phone, events, inside
from tests.messaging import talk


def test_a_receipt_names_the_log_the_leaf_and_the_promise(
    acme: Organisation, alice: Membership, bob: Membership, alice_phone: Phone, bob_phone: Phone
) -> None:
    room = talk.group(acme, alice, bob)
    answer = alice_phone.api.send_message(room.id, talk.message([bob_phone]))
    (event,) = events(acme, "message.accepted")
    with organisation_scope(acme.id):
        vkey = AnnouncedKey.objects.get().vkey
        entry = bytes(Pending.objects.get(event_id=event["id"]).entry)

    header, origin, leaf, accepted_at, include_by = open_note(answer["receipt"], vkey)

    assert header == "semafore/receipt/v1"
    assert origin.endswith(f"/log/{acme.log_id}")
    assert base64.b64decode(leaf) == leaf_hash(entry)
    assert accepted_at == answer["accepted_at"]
    promised = datetime.fromisoformat(include_by) - datetime.fromisoformat(accepted_at)
    assert promised == timedelta(seconds=60)


def test_the_log_says_once_which_key_signs(
    acme: Organisation, alice: Membership, bob: Membership, alice_phone: Phone, bob_phone: Phone
) -> None:
    room = talk.group(acme, alice, bob)
    for _ in range(3):
        alice_phone.api.send_message(room.id, talk.message([bob_phone]))

    (announced,) = events(acme, "log.key_announced")

    with inside(acme):
        key = AnnouncedKey.objects.get()
    assert announced["data"] == {"purpose": "receipts", "vkey": key.vkey}
    assert str(key.event_id) == announced["id"]
