"""Which reads a replica serves, without one: its head of the log is what the test says."""

from types import SimpleNamespace

import pytest

from audit.selectors import replica
from audit.selectors.tree import TreeHead
from semafore.kernel.replica import REPLICA, reading_alias

HEAD = TreeHead(100, b"root of 100", 1)


@pytest.mark.parametrize(
    ("theirs", "serves"),
    [
        (HEAD, True),
        (TreeHead(99, b"root of 99", 1), False),
        # It follows the primary of before a restore: what it has more, or instead, was lost.
        (TreeHead(150, b"root of 150", 1), False),
        (TreeHead(100, b"another root of 100", 1), False),
    ],
)
def test_a_replica_serves_with_the_very_entries_of_the_primary(
    monkeypatch: pytest.MonkeyPatch, theirs: TreeHead, *, serves: bool
) -> None:
    heads = {"default": HEAD, REPLICA: theirs}
    monkeypatch.setattr(replica, "connections", SimpleNamespace(databases=heads))
    monkeypatch.setattr(replica, "current_log", lambda: None)
    monkeypatch.setattr(replica, "tree_head", lambda _: heads[reading_alias()])
    assert (replica.from_replica(reading_alias) == REPLICA) is serves
