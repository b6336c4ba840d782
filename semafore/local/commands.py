"""`test` and `exec`: one command with servers around it."""

import base64
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from semafore.local.processes import end_children
from semafore.local.servers import (
    LOCAL,
    ROOT,
    environment,
    log_settings,
    secret_key,
    servers,
)

TEST_SECRET_KEY = "only-for-tests-" + "0123456789" * 5
TEST_CHECKPOINT_KEY = base64.b64encode(b"only-for-tests".ljust(32, b".")).decode()


def test(arguments: Sequence[str]) -> int:
    """Runs pytest on servers below .local/test; the name of a part stands for its folder."""
    directory = LOCAL / "test"
    with servers(directory, durable=False) as urls, _folder_of_tests() as files:
        settings = {"DEBUG": "false", "SECRET_KEY": TEST_SECRET_KEY, **urls}
        settings["STATIC_COLLECTED"] = "false"
        settings["SEMAFORE_LOCAL_DIR"] = str(LOCAL)
        settings["CHECKPOINT_KEYS"] = TEST_CHECKPOINT_KEY
        # Tests of the limits set their own. All of the suite comes from one address, in minutes.
        settings["CLAIMS_PER_TARGET_PER_DAY"] = "1000"
        settings["UNAUTHENTICATED_PER_MINUTE"] = "1000000"
        command = [sys.executable, "-m", "pytest", f"--basetemp={files}/pytest"]
        command += [_part(word) for word in arguments]
        if not arguments:
            # The whole suite, on every core; a part is sooner done by one. Each works through whole
            # files, so that what a file's tests share is set up once.
            command += ["--numprocesses", "logical", "--dist", "loadfile", "--no-loadscope-reorder"]
        return _run(command, environment(**settings))


def execute(command: Sequence[str]) -> int:
    """Runs a command on the servers of `bin/run`, starting them if they aren't up."""
    directory = LOCAL / "run"
    with servers(directory, durable=True) as urls:
        settings = {"DEBUG": "true", "SECRET_KEY": secret_key(directory)}
        settings["SEMAFORE_LOCAL_DIR"] = str(LOCAL)
        settings |= log_settings(directory, urls["DATABASE_URL"])
        # What the caller sets by hand wins: bin/check wants production's settings.
        return _run(command, settings | environment(**urls))


def _folder_of_tests() -> TemporaryDirectory[str]:
    """Where the tests' files go, for as long as they run.

    Pytest's own folder is one for all sessions of an account, and each that begins closes it to
    other accounts: PostgreSQL, which root runs as one, lost its files to the next session.
    """
    return TemporaryDirectory(prefix="semafore-", ignore_cleanup_errors=True)


def _part(word: str) -> str:
    """`keys` for `tests/keys`, `keys/test_claim.py` likewise; all else is pytest's."""
    path = Path("tests") / word.partition("::")[0]
    return f"tests/{word}" if not word.startswith("-") and (ROOT / path).exists() else word


def _run(command: Sequence[str], env: dict[str, str]) -> int:
    """The command's exit code; nothing that it started outlives it or a signal to us."""
    process = subprocess.Popen(command, env=env, cwd=ROOT)
    try:
        code = process.wait()
    finally:
        end_children(patience=10)
        process.wait()
    return code if code >= 0 else 128 - code
