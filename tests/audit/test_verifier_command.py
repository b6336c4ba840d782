"""`python verifier.py`: alone in an empty folder, without a package, and what it answers."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from audit import verifier
from tests.audit.evidence_log import (
    CIPHERTEXTS,
    RECEIPTS,
    SIGNER,
    Log,
    consistency,
    unpacked,
)
from tests.audit.test_verifier_trees import consistency_proof

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def folder(tmp_path: Path, log: Log) -> Path:
    """What somebody holds: evidence, and the verifier from the bundle."""
    bundle = log.bundle()
    files: dict[str, bytes] = {
        "bundle.zip": bundle,
        "verifier.py": unpacked(bundle)["verifier.py"],
        "message.tlog-proof": log.proof(6, content=CIPHERTEXTS[0]).encode(),
        "receipt": log.receipt(6).encode(),
        "received.bin": CIPHERTEXTS[0],
        "kept": log.checkpoint(7).encode(),
        "pair.json": consistency(
            log.checkpoint(7), log.checkpoint(), consistency_proof(log.entries, 7)
        ).encode(),
        "letter.txt": b"Dear Sir",
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    return tmp_path


@pytest.fixture
def command(folder: Path) -> Command:
    """Runs it there with Python's standard library alone: no site packages, no environment."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-I", "-S", "verifier.py", *arguments],
            cwd=folder,
            env={"PATH": os.environ["PATH"], "PYTHONUTF8": "1"},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_the_bundles_verifier_is_this_one(folder: Path) -> None:
    assert (folder / "verifier.py").read_bytes() == Path(verifier.__file__).read_bytes()


def test_it_has_no_pynacl_there(folder: Path) -> None:
    (folder / "probe.py").write_text("import verifier; print(verifier.ed25519.__name__)")

    found = subprocess.run(
        [sys.executable, "-S", "probe.py"], cwd=folder, capture_output=True, text=True, check=True
    )

    assert found.stdout == "ed25519_by_hand\n"


def test_a_bundle(command: Command) -> None:
    found = command("bundle.zip", "--key", SIGNER.vkey, "--anchor", "kept")

    assert found.returncode == 0, found.stderr
    assert found.stderr == ""
    assert found.stdout.startswith("Checked:\n  - All 8 files are those that the manifest lists.")
    assert "  - kept: its 7 entries are the first of this log" in found.stdout
    assert "Not checked:\n  - What the manifest says of itself" in found.stdout
    assert found.stdout.endswith("Nothing failed. What was not checked is named above.\n")


def test_an_altered_bundle(command: Command, folder: Path) -> None:
    whole = bytearray((folder / "bundle.zip").read_bytes())
    whole[whole.index(b"Alice")] = ord("B")
    (folder / "bundle.zip").write_bytes(whole)

    found = command("bundle.zip")

    assert found.returncode == 1
    assert found.stdout == (
        "Failed:\n  - the ZIP file, events.jsonl: was changed (CRC-32).\n\n"
        "FAILED: do not rely on this file.\n"
    )


def test_a_proof_as_json(command: Command) -> None:
    keys = ("--key", SIGNER.vkey, "--key", RECEIPTS.vkey)
    held = ("--content", "received.bin", "--receipt", "receipt", "--anchor", "kept")
    found = command("message.tlog-proof", *keys, *held, "--json")
    report = json.loads(found.stdout)

    assert found.returncode == 0
    assert set(report) == {"checked", "not_checked", "failed"}
    assert report["failed"] == []
    assert "received.bin is that ciphertext." in report["checked"]


def test_another_ciphertext(command: Command) -> None:
    found = command("message.tlog-proof", "--key", SIGNER.vkey, "--content", "letter.txt")

    assert found.returncode == 1
    assert "letter.txt: is another ciphertext" in found.stdout


def test_a_consistency_proof(command: Command) -> None:
    assert command("pair.json", "--key", SIGNER.vkey).returncode == 0
    without_a_key = command("pair.json")
    assert without_a_key.returncode == 1
    assert "none of the known keys signed it" in without_a_key.stdout


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["letter.txt"], "neither a bundle nor a proof nor a consistency proof"),
        (["nothing.zip"], "No such file"),
        (["bundle.zip", "--key", "x"], "is not a vkey"),
        (["bundle.zip", "--anchor", "nothing"], "No such file"),
        (["bundle.zip", "--content", "received.bin"], "go with a proof"),
        (["pair.json", "--receipt", "receipt"], "go with a proof"),
        (["pair.json", "--anchor", "kept"], "goes with a bundle, a proof or tiles"),
        (["bundle.zip", "--tiles", "."], "not allowed with"),
        (["--tiles", "nothing"], "No such file"),
        (["--tiles", ".", "--content", "received.bin"], "go with a proof"),
        ([], "required"),
    ],
)
def test_what_it_cannot_begin_with(command: Command, arguments: list[str], why: str) -> None:
    found = command(*arguments)

    assert found.returncode == 2
    assert why in found.stderr
    assert found.stdout == ""


def test_it_is_python_of_long_ago() -> None:
    """No syntax and no module that Python 3.9 hasn't."""
    ruff = shutil.which("ruff", path=str(Path(sys.executable).parent))
    assert ruff
    found = subprocess.run(
        [
            ruff,
            "check",
            "--isolated",
            "--target-version",
            "py39",
            "--select",
            "F",
            "-q",
            verifier.__file__,
        ],
        capture_output=True,
        text=True,
        check=False,
    )

    assert found.returncode == 0, found.stdout
