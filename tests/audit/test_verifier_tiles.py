"""A folder of tiles: one altered byte anywhere is caught, and where it stands is named."""

import json
import random
import shutil
from pathlib import Path

import pytest

from audit import merkle, verifier
from audit.commitments import leaf_hash
from audit.logs import log_of
from audit.selectors.checkpoints import latest_checkpoint
from audit.selectors.log_keys import checkpoint_vkeys
from audit.tile_paths import place
from audit.verifier import Report
from orgs.models import Organisation
from tests.audit.evidence_log import CIPHERTEXTS, ORIGIN, SIGNER, Log
from tests.audit.programs import fetched, issue
from tests.audit.published import announce, grow

SIZE = 600
WIDTH = 256
GROWN = 300


def write(folder: Path, log: Log, size: int) -> None:
    """Mirror the log as it was at this size."""
    entries = log.entries[:size]
    rows = {"entries": [len(one).to_bytes(2, "big") + one for one in entries]}
    level, hashes = 0, [leaf_hash(one) for one in entries]
    while hashes:
        rows[str(level)] = hashes
        full = range(0, len(hashes) - WIDTH + 1, WIDTH)
        hashes = [merkle.fold(hashes[first : first + WIDTH]) for first in full]
        level += 1
    for kind, pieces in rows.items():
        for first in range(0, len(pieces), WIDTH):
            some = pieces[first : first + WIDTH]
            path = folder / "tile" / kind / place(first // WIDTH, len(some))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"".join(some))
    (folder / "checkpoint").write_text(log.checkpoint(size), "utf-8")


@pytest.fixture(scope="module")
def long_log() -> Log:
    log = Log()
    log.members(SIZE - 2)
    return log


@pytest.fixture
def mirror(tmp_path: Path, long_log: Log) -> Path:
    """Of two moments: the partial tiles of the first are still there."""
    folder = tmp_path / "mirror"
    write(folder, long_log, GROWN)
    write(folder, long_log, SIZE)
    return folder


def judged(folder: Path, *anchors: tuple[str, str]) -> Report:
    return verifier.verify_tiles(folder, anchors, [SIGNER.vkey])


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_a_whole_mirror(mirror: Path, long_log: Log) -> None:
    anchors = [(f"of {size}", long_log.checkpoint(size)) for size in (1, 255, 256, 257, 512, SIZE)]

    report = judged(mirror, *anchors)

    assert report.failed == []
    assert [path.relative_to(mirror).as_posix() for path in files(mirror)] == [
        "checkpoint",
        "tile/0/000",
        "tile/0/001",
        "tile/0/001.p/44",
        "tile/0/002.p/88",
        "tile/1/000.p/1",
        "tile/1/000.p/2",
        "tile/entries/000",
        "tile/entries/001",
        "tile/entries/001.p/44",
        "tile/entries/002.p/88",
    ]
    assert (
        f"Each of the 10 tiles and entry bundles holds what the {SIZE} entries make, and these have"
        f" the root of the checkpoint of {ORIGIN}."
    ) in report.checked
    assert len([one for one in report.checked if "are the first of this log" in one]) == 6


@pytest.mark.parametrize("seed", range(8))
def test_an_altered_byte_is_caught_and_named(mirror: Path, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - positions of a test
    for path in files(mirror):
        whole = path.read_bytes()
        name = path.relative_to(mirror).as_posix()
        for at in (0, len(whole) - 1, *(chance.randrange(len(whole)) for _ in range(3))):
            changed = whole[at] ^ chance.randrange(1, 256)
            path.write_bytes(whole[:at] + bytes([changed]) + whole[at + 1 :])
            failed = judged(mirror).failed
            path.write_bytes(whole)
            assert len(failed) == 1, (name, at)
            where = failed[0].partition(":")[0]
            if name == "checkpoint":
                assert "checkpoint" in where
                continue
            assert where == name, failed
            index = int(name.split("/")[-1 if ".p" not in name else -2][:3])
            if "entries" in name:
                place_in, within = divmod(at, 36)
                number = place_in if within < 2 else index * WIDTH + place_in
                assert f"entry {number} is" in failed[0]
            else:
                assert f"its hash {at // 32} is not" in failed[0]
    assert judged(mirror).failed == []


def test_a_tile_that_is_missing(mirror: Path) -> None:
    for path in files(mirror / "tile"):
        name = path.relative_to(mirror).as_posix()
        whole = path.read_bytes()
        path.unlink()
        failed = judged(mirror).failed
        path.write_bytes(whole)
        # Of the earlier moment, and not needed any more.
        spare = name in {"tile/0/001.p/44", "tile/entries/001.p/44", "tile/1/000.p/1"}
        assert failed == ([] if spare else [f"{name}: is missing."])


def test_a_shorter_file_and_another_name(mirror: Path) -> None:
    path = mirror / "tile/0/002.p/88"
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    assert judged(mirror).failed == ["tile/0/002.p/88: has not the length of 88 of them."]
    path.write_bytes(whole)
    for name in ("tile/0/2", "tile/0/002.p/088", "tile/64/000", "tile/0/x000/001", "tile/notes"):
        (mirror / name).parent.mkdir(exist_ok=True)
        shutil.copy(path, mirror / name)
        assert judged(mirror).failed == [f"{name}: is not how a tile is named."]
        (mirror / name).unlink()


def test_a_rewritten_log(mirror: Path, long_log: Log) -> None:
    """All of a mirror may agree with itself, and not with what somebody kept."""
    other = Log(seed=1)
    other.members(SIZE - 2)

    report = judged(mirror, ("kept", other.checkpoint(GROWN)), ("own", long_log.checkpoint(7)))

    assert report.failed == [
        f"kept: the log had another root at size {GROWN}: it was rewritten, or it forked."
    ]
    assert report.checked[-1].startswith("own: its 7 entries are the first of this log")


def test_of_neither_entries_nor_tiles(mirror: Path, long_log: Log) -> None:
    other = Log(seed=1)
    other.members(SIZE - 2)
    (mirror / "checkpoint").write_text(other.checkpoint(), "utf-8")

    assert judged(mirror).failed == [
        (
            "checkpoint: nothing in the folder has its root (tile/entries has another root; tile/0"
            " has another root)."
        )
    ]


def test_a_mirror_that_went_on(mirror: Path, long_log: Log) -> None:
    """What was fetched for a later checkpoint is held against the earlier one so far as it goes."""
    (mirror / "checkpoint").write_text(long_log.checkpoint(GROWN), "utf-8")
    report = judged(mirror, ("later", long_log.checkpoint()))
    assert report.failed == []
    assert [one for one in report.not_checked if "beyond" in one] == [
        (
            f"Tiles that reach beyond the checkpoint of {ORIGIN}: tile/0/001, tile/0/002.p/88,"
            " tile/1/000.p/2, tile/entries/001, tile/entries/002.p/88."
        )
    ]
    assert f"later: of size {SIZE}, and the tiles end at {GROWN}." in report.not_checked

    path = mirror / "tile/1/000.p/2"
    path.write_bytes(bytes(64))
    assert judged(mirror).failed == ["tile/1/000.p/2: its hash 0 is not that of the entries."]


def test_whose_key_it_is_must_be_given(mirror: Path) -> None:
    (why,) = verifier.verify_tiles(mirror).failed
    assert why.startswith("checkpoint: none of the known keys signed it")


def test_other_entries_than_ours_are_none(tmp_path: Path) -> None:
    log = Log()
    log.message(CIPHERTEXTS)
    write(tmp_path, log, 3)
    path = tmp_path / "tile/entries/000.p/3"
    path.write_bytes(b"\0\x21" + path.read_bytes()[2:])
    assert judged(tmp_path).failed == ["tile/entries/000.p/3: the length of its entry 0 is not 34."]


def test_what_the_api_serves_is_such_a_folder(
    acme: Organisation, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    announce(acme)
    earlier, newest = grow(acme, 40), grow(acme, 250)
    token = issue(acme).token
    paths = ["checkpoint"]
    for kind in ("entries", "0"):
        paths += [f"tile/{kind}/{place(0)}", f"tile/{kind}/{place(1, newest.size - WIDTH)}"]
    paths += [f"tile/1/{place(0, 1)}", f"tile/0/{place(0, earlier.size)}"]
    for path in paths:
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(fetched(token, f"log/{path}"))
    kept = tmp_path / "kept"
    kept.write_text(earlier.note, "utf-8")

    log = log_of(acme.id)
    (vkey,) = checkpoint_vkeys(log)
    found = verifier.main(
        ["--tiles", str(tmp_path), "--key", vkey, "--anchor", str(kept), "--json"]
    )

    report = json.loads(capsys.readouterr().out)
    assert (found, report["failed"]) == (0, [])
    assert latest_checkpoint(log) == newest
    assert f"{kept}: its {earlier.size} entries are the first of this log" in report["checked"][-1]
