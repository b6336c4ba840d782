"""Proofs, receipts, checkpoints and consistency, as whoever holds them checks them."""

import base64
import json
from hashlib import sha256
from typing import Any

import pytest

from audit import verifier
from audit.commitments import canonical, leaf_hash
from audit.notes import Signer
from audit.registry import EventClass
from audit.verifier import TRUTH, VerificationError, check_consistency, check_proof, verify_proof
from tests.audit.evidence_log import (
    CIPHERTEXTS,
    NEXT_SIGNER,
    RECEIPTS,
    SIGNER,
    WITNESS,
    Log,
    a_log,
    b64,
    consistency,
    joined,
)
from tests.audit.test_verifier_trees import consistency_proof

KEYS = [SIGNER.vkey, RECEIPTS.vkey]
MESSAGE = 6


@pytest.fixture
def log() -> Log:
    return a_log()


def failure(text: str, keys: list[str] = KEYS) -> str:
    """Why the proof fails."""
    with pytest.raises(VerificationError) as caught:
        verify_proof(text, keys)
    return str(caught.value)


def test_a_proof_opens_its_event(log: Log) -> None:
    proved = verify_proof(log.proof(MESSAGE), KEYS)

    assert proved.index == MESSAGE
    assert proved.checkpoint == ("log.example.org/log/acme", 12, proved.checkpoint.root)
    assert proved.event_class == 2
    assert proved.leaf == leaf_hash(log.entries[MESSAGE])
    assert proved.what
    assert proved.who
    assert proved.what["type"] == "message.accepted"
    assert proved.who["actor"]["label"] == "Alice Ä \U0001f600"
    assert proved.content is None
    assert proved.findings.failed == []
    assert proved.findings.not_checked == [TRUTH]


def test_of_an_event_that_is_gone_the_entry_is_proved_alone(log: Log) -> None:
    log.events[MESSAGE].is_entry_alone = True
    proved = verify_proof(log.proof(MESSAGE), KEYS)

    assert proved.leaf == leaf_hash(log.entries[MESSAGE])
    assert (proved.index, proved.event_class) == (MESSAGE, 2)
    assert (proved.who, proved.what, proved.content) == (None, None, None)
    assert proved.findings.not_checked == [
        (
            "The event itself: only its entry is left, which proves that an event of class 2 was"
            " recorded in this place, and not what happened or who was involved. That retention"
            " deleted it is in the log's retention records, not in this proof."
        ),
        TRUTH,
    ]
    assert not [one for one in proved.findings.checked if "What happened" in one]


def extra_of(log: Log, **changes: Any) -> str:
    """A proof of the message whose `extra` holds these fields."""
    lines = log.proof(MESSAGE).split("\n")
    lines[1] = f"extra {b64(canonical(changes))}"
    return "\n".join(lines)


def test_an_entry_alone_is_what_stands_in_the_log(log: Log) -> None:
    entry = log.entries[MESSAGE]
    fields = {"v": 1, "class": 2, "entry": entry}
    verify_proof(extra_of(log, **fields), KEYS)
    for changes, why in (
        ({"entry": log.entries[3], "class": 1}, "does not lead to the root"),
        ({"class": 3}, "its class is not the entry's"),
        ({"class": "2"}, "the field class is not what it should be"),
        ({"v": 2}, "its version is not 1"),
        ({"entry": b"\2" + entry[1:]}, "is of another version"),
        ({"entry": entry[:-1]}, "is not the base64 of 34 bytes"),
        ({"c_who": bytes(32)}, "the field c_who is unknown"),
    ):
        assert why in failure(extra_of(log, **{**fields, **changes})), changes


def test_a_bundle_has_no_line_of_an_entry_alone(log: Log) -> None:
    with pytest.raises(VerificationError, match="the field entry is unknown"):
        verifier.open_parts({"v": 1, "class": 2, "entry": b64(log.entries[MESSAGE])})


@pytest.mark.parametrize("size", range(3, 40))
def test_every_event_of_logs_of_all_sizes(size: int) -> None:
    log = Log()
    log.members(size - 2)
    for seq in range(size):
        assert verify_proof(log.proof(seq), KEYS).index == seq


def test_a_ciphertext_of_the_message(log: Log) -> None:
    for ciphertext in CIPHERTEXTS:
        proof = log.proof(MESSAGE, content=ciphertext)
        digest = sha256(ciphertext).digest()
        report = check_proof(proof, KEYS, content=("received.bin", digest))

        assert verify_proof(proof, KEYS).content == digest
        assert report.failed == []
        assert report.checked[-2:] == [
            f"The ciphertext with the SHA-256 {digest.hex()} is one of the message's.",
            "received.bin is that ciphertext.",
        ]


def test_another_file_is_not_that_ciphertext(log: Log) -> None:
    digest = sha256(b"something else").digest()
    with_content = log.proof(MESSAGE, content=CIPHERTEXTS[0])

    found = [
        check_proof(proof, KEYS, content=("f", digest)).failed
        for proof in (with_content, log.proof(MESSAGE))
    ]

    assert found == [
        [f"f: is another ciphertext: its SHA-256 is {digest.hex()}."],
        ["f: the proof is of a message, not of one ciphertext."],
    ]


def test_a_ciphertext_that_was_not_of_the_message(log: Log) -> None:
    fields = log.events[MESSAGE].fields()
    fields["content"] = {**log.content(CIPHERTEXTS[0]), "sha256": b64(sha256(b"other").digest())}

    with pytest.raises(VerificationError, match="not one of the message's"):
        verifier.open_parts(fields)


@pytest.mark.parametrize("count", [1, 4, 6, 7, 8])
def test_the_count_of_ciphertexts_is_the_events(log: Log, count: int) -> None:
    """For most places the path would be as long in a somewhat larger tree."""
    for ciphertext in CIPHERTEXTS:
        content = {**log.content(ciphertext), "count": count}
        with pytest.raises(VerificationError, match="counts other than the event"):
            verifier.open_parts({**log.events[MESSAGE].fields(), "content": content})


def test_content_of_an_event_without_content(log: Log) -> None:
    fields = {**log.events[3].fields(), "content": log.content(CIPHERTEXTS[0])}
    with pytest.raises(VerificationError, match="content_root"):
        verifier.open_parts(fields)

    log.events[MESSAGE].withheld = {"what"}
    fields = {**log.events[MESSAGE].fields(), "content": log.content(CIPHERTEXTS[0])}
    with pytest.raises(VerificationError, match="while the event's what is not open"):
        verifier.open_parts(fields)


def test_what_is_withheld_and_what_is_gone_is_said(log: Log) -> None:
    log.events[MESSAGE].withheld, log.events[MESSAGE].gone = {"who"}, {"what"}
    proved = verify_proof(log.proof(MESSAGE), KEYS)

    assert (proved.who, proved.what) == (None, None)
    assert proved.findings.not_checked[0] == (
        "Who was involved: withheld; only the commitment is here."
    )
    assert proved.findings.not_checked[1].startswith("What happened: no longer kept;")


def test_another_part_than_the_recorded_one_is_refused(log: Log) -> None:
    fields = log.events[MESSAGE].fields()
    fields["who"] = fields["who"].replace("Alice", "Mallory")

    assert "root of the checkpoint" in failure(replaced(log, fields))
    with pytest.raises(VerificationError, match="not those that were recorded"):
        verifier.verify_parts(fields, log.entries[MESSAGE])


def replaced(log: Log, fields: object) -> str:
    """The message's proof with another `extra`."""
    lines = log.proof(MESSAGE).split("\n")
    text = fields if isinstance(fields, bytes) else canonical(fields)
    lines[1] = f"extra {b64(text)}"
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"class": 1}, "root of the checkpoint"),
        ({"class": 0}, "class is not a byte"),
        ({"class": 256}, "class is not a byte"),
        ({"class": True}, "the field class is not what it should be"),
        ({"v": 2}, "version is not 1"),
        ({"v": True}, "the field v is not what it should be"),
        ({"seq": 6}, "the field seq is unknown"),
        ({"note": "x"}, "the field note is unknown"),
        ({"c_who": b64(bytes(32))}, "holds both who and c_who"),
        ({"withheld": ["who"]}, "withholds no such part"),
        ({"withheld": "who"}, "the field withheld"),
        ({"who": None}, "the field who is not what it should be"),
        ({"who": "{}"}, "root of the checkpoint"),
        ({"what": "{}"}, "the field data is missing"),
        ({"who_opening": "AA=="}, "is not the base64 of 32 bytes"),
        ({"content": []}, "is not a JSON object"),
    ],
)
def test_fields_that_are_not_what_they_should_be(
    log: Log, changes: dict[str, object], why: str
) -> None:
    assert why in failure(replaced(log, {**log.events[MESSAGE].fields(), **changes}))


def test_an_opening_without_its_part(log: Log) -> None:
    log.events[MESSAGE].gone = {"who"}
    fields = {**log.events[MESSAGE].fields(), "who_opening": b64(bytes(32))}

    assert "opens who, which is not there" in failure(replaced(log, fields))


@pytest.mark.parametrize(
    "text",
    [
        b'{"class":2,"class":2,"v":1}',
        b'{"v":1,"class":2}',
        b'{"class": 2,"v":1}',
        b'{"class":2.0,"v":1}',
        b'{"class":2e0,"v":1}',
        b'{"class":2,"v":9007199254740992}',
        b'{"class":-0,"v":1}',
        b'{"class":NaN,"v":1}',
        b'{"class":2,"v":1,"withheld":["\\ud800"]}',
        b'{"class":2,"v":1,"withheld":["\\u0041"]}',
        b'{"class":2,"v":1} ',
        b"\xef\xbb\xbf{}",
        b"[" * 100_000,
        b"",
    ],
)
def test_json_that_could_be_written_otherwise(log: Log, text: bytes) -> None:
    assert "is not canonical JSON" in failure(replaced(log, text))


def test_json_that_is_no_object_or_no_utf8(log: Log) -> None:
    assert "is not a JSON object" in failure(replaced(log, b"[]"))
    assert "is not UTF-8" in failure(replaced(log, b"\xff"))


def test_names_beyond_the_first_plane_are_in_the_order_of_rfc_8785() -> None:
    text = canonical({"\ufb33": 1, "\U0001f600": {"b": [{"z": 1, "a": 2}], "a": 1}}).decode()

    assert verifier.read_json(text, "it")["\ufb33"] == 1
    by_code_points = json.dumps(json.loads(text), sort_keys=True, ensure_ascii=False)
    with pytest.raises(VerificationError):
        verifier.read_json(by_code_points.replace(" ", ""), "it")


def test_a_proof_without_a_known_key_proves_nothing(log: Log) -> None:
    proof = log.proof(MESSAGE)

    assert "none of the known keys signed it: no key was given" in failure(proof, [])
    assert failure(proof, [WITNESS.vkey]).endswith("none of the known keys signed it.")


def test_the_key_of_another_log_does_not_do(log: Log) -> None:
    globex = Signer("log.example.org/log/globex", SIGNER.key)
    log.signer = globex

    assert "no key of log.example.org/log/acme signed it" in failure(
        log.proof(MESSAGE), [globex.vkey]
    )


def test_the_receipt_key_signs_no_checkpoints(log: Log) -> None:
    log.signer = RECEIPTS

    assert "no key of log.example.org/log/acme signed it" in failure(log.proof(MESSAGE))


def test_a_witness_is_named_as_not_checked(log: Log) -> None:
    findings = verify_proof(log.proof(MESSAGE, WITNESS), KEYS).findings

    assert "The signature of witness.example.net: its key is not known here." in (
        findings.not_checked
    )
    known = verify_proof(log.proof(MESSAGE, WITNESS), [*KEYS, WITNESS.vkey]).findings
    assert f"The checkpoint of size 12 is signed by {WITNESS.vkey}." in known.checked


def test_while_keys_change_both_must_be_known_and_right(log: Log) -> None:
    proof = log.proof(MESSAGE, NEXT_SIGNER)
    both = [SIGNER.vkey, NEXT_SIGNER.vkey]

    assert len(verify_proof(proof, both).findings.checked) == 5
    assert f"by a key ({NEXT_SIGNER.key_id.hex()}) that is not known" in failure(proof)


def test_a_wrong_signature_beside_a_right_one_fails(log: Log) -> None:
    proof = log.proof(MESSAGE, NEXT_SIGNER)
    good = proof.split("\n")[-2].split(" ")[2]
    blob = bytearray(base64.b64decode(good))
    blob[10] ^= 1

    wrong = failure(proof.replace(good, b64(bytes(blob))), [SIGNER.vkey, NEXT_SIGNER.vkey])

    assert wrong == (
        "the checkpoint: the signature of log.example.org/log/acme"
        f" (key {NEXT_SIGNER.key_id.hex()}) is wrong."
    )


def test_a_line_twice_and_our_key_under_another_name(log: Log) -> None:
    proof = log.proof(MESSAGE)
    line = proof.split("\n")[-2]

    assert "signed it twice" in failure(f"{proof}{line}\n")
    other = line.replace("log/acme", "log/acmf")
    assert "that is not known" in failure(f"{proof}{other}\n")


@pytest.mark.parametrize(
    ("vkey", "why"),
    [
        (SIGNER.vkey[:-1], "is not the base64"),
        (SIGNER.vkey.replace("acme", "acmf"), "key id is not that"),
        (SIGNER.vkey.replace("+56eb", "+56EB"), "key id is not that"),
        ("acme", "is not a vkey"),
        ("a b+00000000+AQ==", "is not a vkey"),
        ("x+00000000+" + b64(bytes([4] + [0] * 32)), "is not an Ed25519 key"),
    ],
)
def test_keys_that_are_none(vkey: str, why: str) -> None:
    with pytest.raises(VerificationError, match=why):
        verifier.parse_vkey(vkey)


def test_a_receipt_and_the_proof_that_keeps_its_promise(log: Log) -> None:
    report = check_proof(log.proof(MESSAGE), KEYS, receipt=log.receipt(MESSAGE))

    assert report.failed == []
    assert report.checked[-1].startswith("The receipt is signed and is for this event: accepted")


def test_a_receipt_of_another_event_log_or_signer(log: Log) -> None:
    proof = log.proof(MESSAGE)
    text = log.receipt(MESSAGE).partition("\n\n")[0].split("\n")
    elsewhere = RECEIPTS.sign(*[line.replace("log/acme", "log/globex") for line in text])
    by_the_log = SIGNER.sign(*text)

    found = [
        check_proof(proof, KEYS, receipt=receipt).failed
        for receipt in (log.receipt(3), elsewhere, by_the_log, joined(log.receipt(6), WITNESS))
    ]

    assert found == [
        ["the receipt: is for another event."],
        ["the receipt: is for another log: log.example.org/log/globex."],
        ["the receipt: no key of log.example.org/receipt signed it."],
        [],
    ]


def test_an_anchor_beside_a_proof(log: Log) -> None:
    forked = a_log()
    forked.events.reverse()
    anchors = [
        ("same", log.checkpoint()),
        ("fork", forked.checkpoint()),
        ("old", log.checkpoint(4)),
    ]

    report = check_proof(log.proof(MESSAGE), KEYS, anchors)

    assert report.checked[-1] == "same is the same tree."
    assert report.failed == ["fork: has another root at size 12: the log forked."]
    assert report.not_checked[-1].startswith("old: of size 4, the proof's checkpoint of size 12;")


@pytest.mark.parametrize("old", range(13))
def test_consistency_of_two_checkpoints(log: Log, old: int) -> None:
    path = consistency_proof(log.entries, old)
    report = check_consistency(consistency(log.checkpoint(old), log.checkpoint(), path), KEYS)

    assert report.failed == []
    assert report.checked[-1].startswith(
        f"In the log log.example.org/log/acme the first {old} entries are the same at size 12"
    )


def test_consistency_of_what_is_not(log: Log) -> None:
    forked = a_log()
    forked.events.insert(2, forked.events.pop())
    path = consistency_proof(log.entries, 7)
    elsewhere = Log()
    elsewhere.origin = "log.example.org/log/globex"
    elsewhere.signer = Signer(elsewhere.origin, SIGNER.key)

    found = [
        check_consistency(consistency(old, new, path), [*KEYS, elsewhere.signer.vkey]).failed
        for old, new in (
            (forked.checkpoint(7), log.checkpoint()),
            (log.checkpoint(7), forked.checkpoint()),
            (log.checkpoint(), log.checkpoint(7)),
            (elsewhere.checkpoint(), log.checkpoint()),
        )
    ]

    assert found == [
        ["the consistency proof: does not lead to the root of the older checkpoint."],
        ["the consistency proof: does not lead to the root of the newer checkpoint."],
        ["the consistency proof: the older checkpoint is the larger one."],
        ["the consistency proof: the checkpoints are of two logs."],
    ]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("origin\n7\n", "three lines"),
        (f"origin\n7\n{b64(bytes(32))}\nmore\n", "three lines"),
        (f"\n7\n{b64(bytes(32))}\n", "three lines"),
        (f"origin\n07\n{b64(bytes(32))}\n", "not a decimal number"),
        (f"origin\n-7\n{b64(bytes(32))}\n", "not a decimal number"),
        (f"origin\n\u0667\n{b64(bytes(32))}\n", "not a decimal number"),
        (f"origin\n{'9' * 16}\n{b64(bytes(32))}\n", "not a decimal number"),
        (f"origin\n7\n{b64(bytes(31))}\n", "base64 of 32 bytes"),
        (f"origin\n7\n{b64(bytes(32))[:-1]}\n", "base64 of 32 bytes"),
    ],
)
def test_checkpoints_that_are_none(text: str, why: str) -> None:
    with pytest.raises(VerificationError, match=why):
        verifier.parse_checkpoint(text)


@pytest.mark.parametrize("event_class", EventClass)
def test_the_class_is_the_entrys(event_class: EventClass) -> None:
    log = Log()
    seq = log.add(event_class, "some.thing")

    assert verify_proof(log.proof(seq), KEYS).event_class == event_class
