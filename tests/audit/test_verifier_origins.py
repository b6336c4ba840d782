"""A log that goes on under another name after a restore, and keys that change."""

from collections.abc import Callable

import pytest

from audit import merkle
from audit.notes import Signer
from audit.registry import EventClass
from tests.audit.evidence_log import NEXT_SIGNER, ORIGIN, SIGNER, Check, Log, a_log


def restored(log: Log, lost_from: int, size: int, reason: str = "Disk failure") -> Log:
    """The log after a restore: its first entries, and on under another name."""
    old_root = merkle.root(log.entries[:size])
    after = Log()
    after.events = log.events[:lost_from]
    after.origin = f"{ORIGIN}/2"
    after.signer = Signer(after.origin, SIGNER.key)
    after.keys = [SIGNER.vkey, after.signer.vkey]
    after.add(
        EventClass.LOG,
        "log.origin_started",
        origin=after.origin,
        previous_origin=ORIGIN,
        previous_size=size,
        previous_root=old_root,
        lost_from=lost_from,
        lost_to=size,
        reason=reason,
    )
    after.members(5)
    return after


def test_checkpoints_from_before_a_restore(log: Log, check: Check) -> None:
    after = restored(log, 8, 12)
    after.earlier = [log.checkpoint(5), log.checkpoint(8), log.checkpoint(10), log.checkpoint()]

    report = check(after.bundle(), ("mine", log.checkpoint(9)), ("early", log.checkpoint(7)))

    assert report.failed == []
    lost = (
        f" under the former name {ORIGIN}. Its entries 8 to 11 are lost, as entry 8 says (reason:"
        " Disk failure), so it can't be shown that this checkpoint agrees with the log."
    )
    assert [one for one in report.not_checked if "former name" in one] == [
        f"checkpoints.jsonl, line 3: of size 10{lost}",
        f"checkpoints.jsonl, line 4: of size 12{lost}",
        f"mine: of size 9{lost}",
    ]
    assert (
        "Earlier checkpoints that are signed and whose trees are the beginning of this one: 2 of 4."
    ) in report.checked


def test_a_restore_excuses_no_fork_before_or_after_what_was_lost(log: Log, check: Check) -> None:
    after, forked = restored(log, 8, 12), a_log()
    forked.events.insert(2, forked.events.pop(4))
    longer = a_log()
    longer.members(3)

    report = check(
        after.bundle(),
        ("before", forked.checkpoint(7)),
        ("at the end", forked.checkpoint()),
        ("beyond", longer.checkpoint()),
    )

    assert report.failed == [
        "before: the log had another root at size 7: it was rewritten, or it forked.",
        "at the end: is not the one that entry 8 names.",
        "beyond: is larger than its log was at its end (12).",
    ]


def test_a_name_that_the_log_does_not_explain(log: Log, check: Check) -> None:
    after = restored(log, 8, 12)
    after.lineless = {8}

    report = check(after.bundle(complete=False), ("kept", log.checkpoint(7)))

    assert report.failed == [f"kept: is of another log: {ORIGIN}."]


def restored_twice(log: Log) -> Log:
    """After two restores, both declared: the second lost more than the first."""
    first = restored(log, 8, 12)
    after = Log()
    after.events = first.events[:]
    return started(after, number=3, previous=2, lost_from=6, lost_to=14, root=first.entries)


def restored_over_a_restore(log: Log) -> Log:
    """After a restore to before the declaration of the first one, which is lost with it."""
    first = restored(log, 8, 12)
    after = Log()
    after.events = log.events[:6]
    return started(after, number=3, previous=2, lost_from=6, lost_to=14, root=first.entries)


def started(
    after: Log, *, number: int, previous: int, lost_from: int, lost_to: int, root: list[bytes]
) -> Log:
    """The log goes on under another name and says so."""
    names = [ORIGIN if one == 1 else f"{ORIGIN}/{one}" for one in range(number + 1)]
    after.origin = names[number]
    after.signer = Signer(after.origin, SIGNER.key)
    after.keys = [Signer(name, SIGNER.key).vkey for name in names[1:]]
    after.add(
        EventClass.LOG,
        "log.origin_started",
        origin=after.origin,
        previous_origin=names[previous],
        previous_size=lost_to,
        previous_root=merkle.root(root[:lost_to]),
        lost_from=lost_from,
        lost_to=lost_to,
        reason="Disk failure",
    )
    after.members(5)
    return after


@pytest.mark.parametrize("twice", [restored_twice, restored_over_a_restore])
def test_after_two_restores_older_checkpoints_are_still_this_logs(
    log: Log, check: Check, twice: Callable[[Log], Log]
) -> None:
    after, between = twice(log), restored(log, 8, 12)
    anchors = [("kept 5", log.checkpoint(5)), ("kept 7", log.checkpoint(7))]
    anchors += [("lost 12", log.checkpoint(12)), ("between 14", between.checkpoint())]

    report = check(after.bundle(), *anchors)

    assert report.failed == []
    assert "kept 5: its 5 entries are the first of this log" in " ".join(report.checked)
    unshown = [one for one in report.not_checked if "under the former name" in one]
    assert [one.partition(":")[0] for one in unshown] == ["kept 7", "lost 12", "between 14"]
    seq = next(n for n, one in enumerate(after.events) if f"{ORIGIN}/3" in one.fields()["what"])
    assert unshown[0] == (
        f"kept 7: of size 7 under the former name {ORIGIN}. Of what followed it, under the name"
        f" {ORIGIN}/2, the entries from 6 on are lost, as entry {seq} says (reason: Disk failure),"
        " so it can't be shown that this checkpoint agrees with the log."
    )


@pytest.mark.parametrize("twice", [restored_twice, restored_over_a_restore])
def test_two_restores_excuse_no_fork(log: Log, check: Check, twice: Callable[[Log], Log]) -> None:
    forked, between = a_log(), restored(log, 8, 12)
    forked.events.insert(2, forked.events.pop(4))
    between.members(3)

    failed = check(
        twice(log).bundle(), ("before", forked.checkpoint(5)), ("beyond", between.checkpoint())
    ).failed

    assert failed == [
        "before: the log had another root at size 5: it was rewritten, or it forked.",
        "beyond: is larger than its log was at its end (14).",
    ]


@pytest.mark.parametrize(("number", "previous"), [(3, 3), (3, 1), (2, 2)])
def test_names_of_a_log_follow_each_other(
    log: Log, check: Check, number: int, previous: int
) -> None:
    after = Log()
    after.events = restored(log, 8, 12).events[:]
    started(after, number=number, previous=previous, lost_from=6, lost_to=12, root=log.entries)

    assert "does not follow from what the log said before." in check(after.bundle()).failed[0]


def test_a_checkpoint_under_the_name_before_the_restore(log: Log, check: Check) -> None:
    after = restored(log, 8, 12)
    after.origin, after.signer = ORIGIN, SIGNER

    assert f"checkpoint: its log goes by {ORIGIN}/2 since." in check(after.bundle()).failed


def test_a_change_of_keys(log: Log, check: Check) -> None:
    log.keys = [SIGNER.vkey, NEXT_SIGNER.vkey]
    log.add(EventClass.LOG, "log.key_announced", purpose="checkpoints", vkey=NEXT_SIGNER.vkey)
    log.earlier.append(log.checkpoint(None, NEXT_SIGNER))
    log.members(1)
    log.add(EventClass.LOG, "log.key_retired", purpose="checkpoints", vkey=SIGNER.vkey)
    assert check(log.bundle()).failed == [
        "checkpoint: only keys that the log had retired by then signed it."
    ]

    log.signer = NEXT_SIGNER
    report = check(log.bundle())

    assert report.failed == []
    assert f"Entry 12 announces the key for checkpoints {NEXT_SIGNER.vkey}." in report.checked


def test_a_key_that_nothing_announces(log: Log, check: Check) -> None:
    log.keys.append(NEXT_SIGNER.vkey)

    assert (
        f"The key for checkpoints {NEXT_SIGNER.vkey}: no event in this bundle announces it."
    ) in check(log.bundle()).not_checked
