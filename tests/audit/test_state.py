"""The signer's own record, outside the database: on the disk before anybody sees a checkpoint."""

import contextlib
import sqlite3
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from audit.selectors.checkpoints import SignedHead
from audit.state import FILE, SignerState


def signed(size: int) -> SignedHead:
    at = datetime(2026, 11, 22, 6, 30, 0, size, tzinfo=UTC)
    return SignedHead(size, "log.example.org/log/acme", bytes([size]) * 32, f"note {size}\n", at)


def test_what_was_signed_last_outlives_the_process(tmp_path: Path) -> None:
    with SignerState(tmp_path / "log") as state, state.exclusive():
        state.remember("acme", signed(1))
        state.remember("acme", signed(2))
        state.remember("globex", signed(9))

    with SignerState(tmp_path / "log") as again:
        last = again.last("acme")
        assert last is not None
        assert (last.head, last.published) == (signed(2), False)
        assert again.last("initech") is None
        assert again.log_ids() == ["acme", "globex"]


def test_only_what_was_published_counts_as_such(tmp_path: Path) -> None:
    with SignerState(tmp_path) as state:
        state.remember("acme", signed(2))
        state.note_published("acme", signed(1))
        last = state.last("acme")
        assert last is not None
        assert not last.published

        state.note_published("acme", signed(2))
        last = state.last("acme")
        assert last is not None
        assert last.published


def test_nothing_is_kept_of_what_failed(tmp_path: Path) -> None:
    with SignerState(tmp_path) as state:
        with contextlib.suppress(ZeroDivisionError), state.exclusive():
            state.remember("acme", signed(1))
            raise ZeroDivisionError
        assert state.last("acme") is None
        with state.exclusive():
            state.remember("acme", signed(1))


def test_one_signs_at_a_time(tmp_path: Path) -> None:
    with SignerState(tmp_path) as one, SignerState(tmp_path) as two:
        two._file.execute("PRAGMA busy_timeout = 50")
        with (
            one.exclusive(),
            pytest.raises(sqlite3.OperationalError, match="locked"),
            two.exclusive(),
        ):
            pass
        with two.exclusive():
            two.remember("acme", signed(1))
        assert one.last("acme") is not None


def test_the_file_is_the_log_processs_own_and_on_the_disk(tmp_path: Path) -> None:
    folder = tmp_path / "some" / "log"
    with SignerState(folder) as state:
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert stat.S_IMODE((folder / FILE).stat().st_mode) == 0o600
        # EXTRA: FULL, and the folder is synced when the journal goes.
        assert state._file.execute("PRAGMA synchronous").fetchone() == (3,)


def test_a_folder_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(ImproperlyConfigured, match=r"LOG_STATE_DIR: .*can't be written .*Remedy:"):
        SignerState(tmp_path / "file")
