"""What the audit API serves, checked by the Go reference of C2SP's formats (golang.org/x/mod)."""

import os
import re
import secrets
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from audit.notes import sign_note
from audit.services.checkpoints import checkpoint_signers
from audit.tile_paths import place
from orgs.models import Organisation
from tests.audit.programs import fetched, issue
from tests.audit.published import announce, grow

PROGRAM = Path(__file__).parent / "go" / "verify.go"
GOPATH = Path("/usr/share/gocode")
"""Where Debian's golang-golang-x-mod-dev puts it."""

Verify = Callable[[Path, int], tuple[bool, str]]


@pytest.fixture(scope="module")
def verify(tmp_path_factory: pytest.TempPathFactory) -> Verify:
    """Whether the program accepts a folder, looking for records of this seed; what it says."""
    go = shutil.which("go")
    if go is None or not (GOPATH / "src/golang.org/x/mod/sumdb/tlog").is_dir():
        message = "no Go: install golang-go and golang-golang-x-mod-dev"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    built = tmp_path_factory.mktemp("go")
    settings = {
        "GOPATH": str(GOPATH),
        "GO111MODULE": "off",
        "GOFLAGS": "",
        "GOCACHE": str(built / "cache"),
    }
    binary = built / "verify"
    subprocess.run([go, "build", "-o", binary, PROGRAM], check=True, env={**os.environ, **settings})

    def run(folder: Path, seed: int) -> tuple[bool, str]:
        done = subprocess.run(
            [binary, folder, str(seed)], capture_output=True, text=True, check=False
        )
        assert done.stderr == ""
        return done.returncode == 0, done.stdout

    return run


def write(folder: Path, name: str, content: bytes) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def mirror(of: Organisation, folder: Path, size: int) -> None:
    """All that the audit API serves of a log of this size."""
    token = issue(of).token
    for name in ("checkpoint", "keys"):
        write(folder, name, fetched(token, f"log/{name}"))
    write(folder, "vkey", (folder / "keys").read_bytes().splitlines()[0])
    level, hashes = 0, size
    while hashes:
        for index in range((hashes + 255) // 256):
            where = place(index, min(256, hashes - 256 * index))
            kinds = [f"tile/{level}/{where}", *([] if level else [f"tile/entries/{where}"])]
            for path in kinds:
                write(folder, path, fetched(token, f"log/{path}"))
        level, hashes = level + 1, hashes // 256


@pytest.fixture
def folder(acme: Organisation, tmp_path: Path) -> Path:
    """A log of some thousand entries with an older checkpoint of it, as an outsider has them."""
    announce(acme)
    older = grow(acme, 700)
    signed = grow(acme, 2000 + secrets.randbelow(600))
    mirror(acme, tmp_path, signed.size)
    write(tmp_path, "older", older.note.encode())
    return tmp_path


def flip(path: Path, at: int) -> None:
    """One bit of a file is another."""
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


def test_the_reference_accepts_our_log(folder: Path, verify: Verify) -> None:
    seed = secrets.randbelow(2**31)

    accepted, said = verify(folder, seed)

    assert accepted, (seed, said)
    assert said.startswith("accepted: 200 records of ")


CHANGES = {
    # It holds a tile against the one above, but not the first that it reads: those fail the proof.
    "tile/0/003": ([32 * 200 + 5], "inconsistent tile|invalid transparency proof"),
    "tile/1/000.p/*": ([0], "inconsistent tile"),
    # In each entry, since not each is drawn.
    "tile/entries/002": (range(20, 36 * 256, 36), "invalid transparency proof"),
    "checkpoint": ([60], "invalid signature|malformed note"),
    # Not each changed letter is still one of base64.
    "checkpoin?": ([-20], "invalid signature|malformed note"),
    "older": ([60], "invalid signature|malformed note"),
    "vkey": ([-20], "invalid verifier hash|malformed verifier id"),
}
"""Files by pattern, the bytes to change there, and what the reference says to that."""


def test_the_reference_refuses_what_was_changed(
    folder: Path, verify: Verify, tmp_path_factory: pytest.TempPathFactory
) -> None:
    for pattern, (places, why) in CHANGES.items():
        changed = tmp_path_factory.mktemp("changed") / "log"
        shutil.copytree(folder, changed)
        (path,) = changed.glob(pattern)
        for at in places:
            flip(path, at)

        accepted, said = verify(changed, 1)

        assert not accepted, pattern
        assert re.search(why, said), (pattern, said)


def test_the_reference_refuses_another_log_as_older(
    folder: Path, verify: Verify, globex: Organisation
) -> None:
    """Signed by the same key under the same name, and yet no beginning of this log."""

    origin, size, _ = (folder / "older").read_text(encoding="utf-8").split("\n")[:3]
    another = grow(globex, 700)
    root = another.note.split("\n")[2]
    note = sign_note(checkpoint_signers(origin), origin, size, root)
    write(folder, "older", note.encode())

    accepted, said = verify(folder, 1)

    assert not accepted
    assert "invalid transparency proof" in said
