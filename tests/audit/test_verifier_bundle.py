"""Evidence bundles: what a whole one shows, and what is said of each thing that is wrong."""

import io
import json
import zipfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from audit import verifier
from audit.commitments import canonical
from audit.exports.archive import FILE_MODE, NO_TIME
from audit.notes import Signer
from audit.registry import EventClass
from tests.audit.evidence_log import (
    NEXT_SIGNER,
    ORIGIN,
    RECEIPTS,
    SIGNER,
    WITNESS,
    Check,
    Log,
    b64,
    packed,
    rebuilt,
    unpacked,
)


def test_a_good_bundle(log: Log, check: Check) -> None:
    report = check(log.bundle(), ("kept", log.checkpoint(7)), keys=[SIGNER.vkey])

    assert report.failed == []
    assert report.checked == [
        "All 8 files are those that the manifest lists.",
        f"The 12 entries make the tree of the checkpoint of {ORIGIN}.",
        f"The checkpoint of size 12 is signed by {SIGNER.vkey}.",
        "The key that signed the checkpoint is one that you gave.",
        (
            "Events in the bundle: 12 of 12 entries. What they open is what their entries commit"
            " to: who of 11, what of 12."
        ),
        (
            "Earlier checkpoints that are signed and whose trees are the beginning of this one:"
            " 2 of 2."
        ),
        "kept: its 7 entries are the first of this log; nothing was changed or taken out since.",
        f"Entry 0 announces the key for checkpoints {SIGNER.vkey}.",
        f"Entry 1 announces the key for receipts {RECEIPTS.vkey}.",
    ]
    assert report.not_checked == [
        (
            "What the manifest says of itself (when and for whom it was made, and why), and"
            " statement.html: words of whoever made the bundle."
        ),
        "Parts withheld by whoever made the bundle: who of 1, what of 0.",
        verifier.TRUTH,
    ]


def test_a_rebuilt_bundle_is_the_same(log: Log) -> None:
    bundle = log.bundle()

    assert rebuilt(bundle, {}) == bundle
    assert packed(unpacked(bundle)) == bundle


@pytest.mark.parametrize("size", [2, 3, 255, 256, 257, 300])
def test_bundles_of_all_sizes(size: int, check: Check) -> None:
    log = Log()
    log.members(size - 2)

    assert check(log.bundle()).failed == []


def test_the_bundles_own_key_is_named_for_comparison(log: Log, check: Check) -> None:
    report = check(log.bundle())

    assert report.failed == []
    assert (
        f"Whose key it is: this bundle itself carries {SIGNER.vkey}; compare it with one that you"
        " know, or give yours."
    ) in report.not_checked


def test_a_bundle_signed_by_another_than_the_given_key(log: Log, check: Check) -> None:
    mallory = Signer(ORIGIN, NEXT_SIGNER.key)
    log.signer, log.keys = mallory, [mallory.vkey]
    log.earlier = []
    report = check(log.bundle(), keys=[SIGNER.vkey])

    assert "checkpoint: none of the keys that you gave signed it." in report.failed


def test_a_partial_bundle(log: Log, check: Check) -> None:
    log.lineless = {4, 5, 8}
    log.events[9].gone = {"who"}
    report = check(log.bundle(complete=False))

    assert report.failed == []
    assert (
        "Parts that are neither opened nor withheld: 7. This is not a full export, so it does not"
        " show whether retention deleted them."
    ) in report.not_checked


def test_a_gap_without_a_record_is_a_failure(log: Log, check: Check) -> None:
    log.lineless = {4, 5, 8}
    log.events[9].gone = {"who"}

    assert check(log.bundle()).failed == [
        (
            "Entries 4 to 5, 8 (class 1): what is missing and no retention record covers it: a gap"
            " that nothing in the log explains."
        ),
        (
            "Entries 4 to 5, 8 to 9 (class 1): who is missing and no retention record covers it: a"
            " gap that nothing in the log explains."
        ),
    ]


def swept(log: Log, *records: tuple[int, str, int, int, int]) -> None:
    """Record what retention deleted: class, part, first, last, count."""
    log.add(
        EventClass.RETENTION,
        "retention.swept",
        version=1,
        swept=[
            {
                "class": event_class,
                "part": part,
                "first": first,
                "last": last,
                "count": count,
                "digest": bytes(32),
            }
            for event_class, part, first, last, count in records
        ],
        rows={"delivery": 3},
    )


def test_a_gap_that_retention_recorded(log: Log, check: Check) -> None:
    log.lineless = {4, 5, 8}
    log.events[9].gone = {"who"}
    swept(log, (1, "who", 2, 5, 2), (1, "what", 4, 8, 3))
    swept(log, (1, "who", 4, 9, 2))

    report = check(log.bundle())

    assert report.failed == []
    assert "Parts that are missing: 7. Retention records in the log cover each." in report.checked


@pytest.mark.parametrize(
    "records",
    [
        [(1, "who", 4, 5, 1)],
        [(1, "who", 4, 4, 2)],
        [(1, "who", 5, 6, 2)],
        [(2, "who", 4, 5, 2)],
        [(1, "what", 4, 5, 2)],
        [(1, "who", 4, 4, 1), (1, "who", 4, 4, 1)],
    ],
)
def test_a_record_covers_what_it_says_and_no_more(
    log: Log, check: Check, records: list[tuple[int, str, int, int, int]]
) -> None:
    log.events[4].gone = log.events[5].gone = {"who"}
    swept(log, *records)

    (failure,) = check(log.bundle()).failed

    assert failure.endswith(
        "who is missing and no retention record covers it: a gap that nothing in the log explains."
    )


def test_records_that_overlap_are_filled_where_they_end_first(log: Log, check: Check) -> None:
    for seq in (3, 4, 5, 7):
        log.events[seq].gone, log.events[seq].withheld = {"who"}, set()
    # Whoever took the wide record first would have none left for 7.
    swept(log, (1, "who", 2, 9, 1), (1, "who", 3, 5, 3))

    assert check(log.bundle()).failed == []


def test_a_record_of_what_was_not_there_yet(log: Log, check: Check) -> None:
    swept(log, (1, "who", 2, 12, 1))

    assert check(log.bundle()).failed == [
        "events.jsonl, line 13 (seq 12): records what was not there yet."
    ]


def test_a_rewritten_log(log: Log, check: Check) -> None:
    kept = log.checkpoint(7)
    log.events[3], log.events[4] = log.events[4], log.events[3]

    assert check(log.bundle(), ("kept", kept)).failed == [
        (
            "checkpoints.jsonl, line 1: the log had another root at size 6: it was rewritten, or it"
            " forked."
        ),
        (
            "checkpoints.jsonl, line 2: the log had another root at size 10: it was rewritten, or"
            " it forked."
        ),
        "kept: the log had another root at size 7: it was rewritten, or it forked.",
    ]


def test_a_later_checkpoint_than_the_bundle(log: Log, check: Check) -> None:
    bundle = log.bundle()
    log.members(3)

    report = check(bundle, ("new", log.checkpoint()))

    assert report.failed == []
    assert (
        "new: of size 15, and the bundle ends at 12; a later bundle or a consistency proof connects"
        " them."
    ) in report.not_checked


def test_earlier_checkpoints_grow_and_may_bear_witnesses(log: Log, check: Check) -> None:
    log.earlier.insert(1, log.checkpoint(7, WITNESS))
    assert check(log.bundle()).failed == []

    log.earlier.reverse()
    assert check(log.bundle()).failed == [
        "checkpoints.jsonl, line 2: is not larger than the one before.",
        "checkpoints.jsonl, line 3: is not larger than the one before.",
    ]


def test_further_documents_are_listed_and_not_judged(log: Log, check: Check) -> None:
    bundle = log.bundle()
    files = unpacked(bundle)
    del files["manifest.json"]
    report = check(rebuilt(bundle, {"policies.jsonl": b"{}\n"}))

    assert report.failed == []
    assert "What these files say: policies.jsonl." in report.not_checked


def test_an_event_that_says_something_else(log: Log, check: Check) -> None:
    bundle = log.bundle()
    lines = unpacked(bundle)["events.jsonl"].replace(b"Alice", b"Carol", 1)

    report = check(rebuilt(bundle, {"events.jsonl": lines}))

    assert report.failed == [
        (
            "events.jsonl, line 1 (seq 0): does not match its entry in the log: its parts are not"
            " those that were recorded."
        )
    ]


def test_an_entry_that_was_changed(log: Log, check: Check) -> None:
    bundle = log.bundle()
    entries = bytearray(unpacked(bundle)["entries.bin"])
    entries[34 * 7 + 5] ^= 1

    assert check(rebuilt(bundle, {"entries.bin": bytes(entries)})).failed == [
        "checkpoint: its root is not that of the entries in entries.bin."
    ]


def test_many_failures_are_counted(check: Check) -> None:
    log = Log()
    log.members(98)
    bundle = log.bundle()
    lines = unpacked(bundle)["events.jsonl"].replace(b"Alice", b"Carol")

    failed = check(rebuilt(bundle, {"events.jsonl": lines})).failed

    assert len(failed) == 51
    assert failed[-1].startswith("And ")


def listed_twice(bundle: bytes) -> bytes:
    files = unpacked(bundle)
    about = json.loads(files["manifest.json"])
    about["files"].append(about["files"][0])
    return packed({**files, "manifest.json": canonical(about)})


def manifest_first(bundle: bytes) -> bytes:
    files = unpacked(bundle)
    return packed({"manifest.json": files.pop("manifest.json"), **files})


def not_listed(bundle: bytes) -> bytes:
    files = unpacked(bundle)
    manifest = files.pop("manifest.json")
    return packed({**files, "more.txt": b"", "manifest.json": manifest})


def missing(bundle: bytes) -> bytes:
    files = unpacked(bundle)
    del files["statement.html"]
    return packed(files)


def differing(bundle: bytes) -> bytes:
    return packed({**unpacked(bundle), "verify.html": b"<p>"})


def keys_twice(bundle: bytes) -> bytes:
    return rebuilt(bundle, {"keys.json": b'{"checkpoints":[],"checkpoints":[],"receipts":[]}'})


def out_of_order(bundle: bytes) -> bytes:
    lines = unpacked(bundle)["events.jsonl"].splitlines(keepends=True)
    return rebuilt(bundle, {"events.jsonl": b"".join([*lines[:3], lines[4], lines[3], *lines[5:]])})


NO_END = "does not end as one: it is cut off, or something was added"


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        (listed_twice, "checkpoint: the manifest lists it twice."),
        (manifest_first, "manifest.json: is not the last file of the bundle."),
        (not_listed, "more.txt: the manifest does not list it."),
        (missing, "statement.html: the manifest lists it and it is missing."),
        (differing, "verify.html: has not the length that the manifest says."),
        (keys_twice, "keys.json: is not canonical JSON (RFC 8785) without fractions."),
        (out_of_order, "events.jsonl, line 5 (seq 3): is not in the order of the log."),
        (lambda bundle: bundle + b"\0", f"the ZIP file: {NO_END}."),
        (lambda bundle: b"\0" + bundle, f"the ZIP file: {verifier.NO_DIRECTORY}."),
        (lambda bundle: bundle[:-1], f"the ZIP file: {NO_END}."),
        (lambda bundle: bundle[:20], f"the ZIP file: {NO_END}."),
        (lambda _: b"", "the ZIP file: is empty."),
    ],
)
def test_bundles_that_are_not_whole(
    log: Log, check: Check, broken: Callable[[bytes], bytes], why: str
) -> None:
    assert why in check(broken(log.bundle())).failed


@pytest.mark.parametrize(
    ("manifest", "why"),
    [
        ({"size": 11}, "checkpoint: is not the one that the manifest names."),
        ({"origin": "other"}, "checkpoint: is not the one that the manifest names."),
        ({"events": 11}, "events.jsonl: holds 12 lines, and the manifest counts 11 events."),
        ({"complete": 1}, "manifest.json: the field complete is not what it should be."),
        ({"more": 1}, "manifest.json: the field more is unknown."),
        ({"format": "x"}, "manifest.json: the format is not semafore/evidence/v1."),
        ({"organisation": {}}, "manifest.json: the field log_id is missing."),
        ({"reason": None}, "manifest.json: the field reason is not what it should be."),
    ],
)
def test_manifests_that_do_not_fit(
    log: Log, check: Check, manifest: dict[str, object], why: str
) -> None:
    assert why in check(rebuilt(log.bundle(), {}, **manifest)).failed


def test_a_zip_of_another_maker_is_refused(log: Log, check: Check) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in unpacked(log.bundle()).items():
            archive.writestr(name, content)

    assert check(file.getvalue()).failed == [
        "the ZIP file, checkpoint: its header is not the exporter's."
    ]


def test_an_empty_log_has_nothing_to_show_and_nothing_wrong(check: Check) -> None:
    log = Log()
    log.events.clear()
    report = check(log.bundle())

    assert report.failed == []
    assert b64(sha256().digest()) in log.checkpoint()


def test_the_directory_of_a_large_archive_is_the_one_that_zipfile_writes(tmp_path: Path) -> None:
    files = [("checkpoint", 100, 0), ("entries.bin", 3 << 30, 178), ("events.jsonl", 1, 4 << 30)]
    path, start = tmp_path / "large.zip", 5 << 30
    with path.open("wb") as file, zipfile.ZipFile(file, "w") as archive:
        for name, size, offset in files:
            info = zipfile.ZipInfo(name, NO_TIME)
            info.create_system, info.external_attr = 3, FILE_MODE << 16
            info.extract_version = info.create_version = 45
            info.file_size = info.compress_size = size
            info.CRC, info.header_offset = 7, offset
            archive.filelist.append(info)
        archive.start_dir, archive._didModify = start, True  # type: ignore[attr-defined]
    with path.open("rb") as large:
        large.seek(start)
        written = large.read()
    path.unlink()

    directory = b"".join(
        verifier._central_header(name.encode(), 7, size, offset) for name, size, offset in files
    )
    assert written == directory + verifier._end(len(files), len(directory), start)
