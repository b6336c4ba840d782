"""`bin/run` in a checkout of its own with stand-in processes: how it starts, and how all ends."""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from semafore.local.processes import alive, marked
from semafore.local.run import MARK

PATIENCE = 200
PACKAGE = Path(__file__).resolve().parents[2] / "semafore" / "local"
# What honcho runs: one that ends when told, one that has a child, one that ignores being told.
PROCFILE = """\
web: exec python -m http.server --bind 127.0.0.1 $PORT
worker: python -c 'import time; time.sleep(600)' & wait
devices: trap '' TERM; while true; do sleep 1; done
"""
# What of the demo a start prints.
DEMO = {
    "console_users": [
        {
            "organisation": "northgate",
            "role": "owner",
            "email": "amara@northgate.example",
            "password": "quite-some-words",
            "totp_secret": "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ",
        }
    ],
    "operator": {
        "email": "operator@semafore.example",
        "password": "quite-some-words",
        "totp_secret": "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ",
    },
}
MANAGE = """\
import pathlib, sys
print("managed", sys.argv[1])
if sys.argv[1] == "load_demo":
    pathlib.Path(".local", "demo.json").write_text({demo!r}, "utf-8")
"""


class Checkout:
    """A folder that looks enough like this one for `semafore.local` to run in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "semafore" / "local").mkdir(parents=True)
        (root / "semafore" / "__init__.py").touch()
        for module in PACKAGE.glob("*.py"):
            shutil.copy(module, root / "semafore" / "local")
        manage = MANAGE.format(demo=json.dumps(DEMO))
        (root / "manage.py").write_text(manage, "utf-8")
        (root / "Procfile").write_text(PROCFILE, "utf-8")
        self.output = root / "output.txt"
        self.started: list[subprocess.Popen[bytes]] = []

    def run(self, *arguments: str, **settings: str) -> subprocess.Popen[bytes]:
        unset = {"DATABASE_URL", "REDIS_URL", "PORT", MARK, "SECRET_KEY", "PYTHONPATH"}
        env = {name: value for name, value in os.environ.items() if name not in unset}
        with self.output.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "semafore.local", "run", *arguments],
                cwd=self.root,
                env=env | settings,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.started.append(process)
        return process

    def said(self) -> str:
        return self.output.read_text(encoding="utf-8", errors="replace")

    def wait_for(self, words: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while words not in self.said():
            assert time.monotonic() < deadline, self.said()
            time.sleep(0.05)

    def processes(self) -> list[psutil.Process]:
        """Whatever lives and has to do with this folder, servers included."""
        found = marked(MARK, str(self.root / ".local" / "run"))
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                home = process.cwd()
                if Path(home).is_relative_to(self.root) and alive(process):
                    found.append(process)
        return found


@pytest.fixture
def checkout() -> Iterator[Checkout]:
    with tempfile.TemporaryDirectory(prefix="semafore-run-") as name:
        checkout = Checkout(Path(name).resolve())
        yield checkout
        for process in checkout.started:
            process.kill()
            process.wait()
        for left in checkout.processes():
            with contextlib.suppress(psutil.Error):
                left.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_every_process(checkout: Checkout, number: signal.Signals) -> None:
    run = checkout.run()
    checkout.wait_for("SemaFore is at")
    assert "managed migrate" in checkout.said()
    assert "managed load_demo" in checkout.said()
    run.send_signal(number)
    time.sleep(0.2)
    run.send_signal(number)  # the second does no harm
    assert run.wait(PATIENCE) == 128 + number
    assert checkout.processes() == []


def test_a_start_prints_who_may_sign_in_and_with_what(checkout: Checkout) -> None:
    checkout.run()
    checkout.wait_for("Ctrl-C")
    said = checkout.said()
    assert re.search(r"SemaFore is at  http://127\.0\.0\.1:\d+/console/\n", said)
    assert re.search(r"amara@northgate\.example +code \d{6}  owner of northgate\n", said)
    assert re.search(r"operator@semafore\.example +code \d{6}  .*/operator/\n", said)
    assert "everybody's password: quite-some-words" in said
    assert "bin/device codes" in said


def test_a_signal_during_start_up_leaves_nothing(checkout: Checkout) -> None:
    (checkout.root / "manage.py").write_text("print('hm', flush=True); import time; time.sleep(60)")
    run = checkout.run()
    checkout.wait_for("hm")
    run.terminate()
    assert run.wait(PATIENCE) == 128 + signal.SIGTERM
    assert checkout.processes() == []


def test_one_that_dies_ends_all_and_is_named(checkout: Checkout) -> None:
    procfile = checkout.root / "Procfile"
    procfile.write_text(PROCFILE + "broken: sleep 1; exit 0\n", "utf-8")
    run = checkout.run()
    assert run.wait(PATIENCE) == 1
    assert "broken ended by itself" in checkout.said()
    assert checkout.processes() == []


def test_a_killed_run_is_cleared_away_by_the_next(checkout: Checkout) -> None:
    first = checkout.run()
    checkout.wait_for("SemaFore is at")
    before = checkout.processes()
    first.kill()
    first.wait()
    second = checkout.run("--quiet-demo")
    checkout.wait_for("SemaFore is at")
    assert "devices" not in checkout.said()
    left = [p.cmdline() for p in before if alive(p) and p.name() in {"python", "sh"}]
    assert left == []
    second.terminate()
    second.wait(PATIENCE)
    assert checkout.processes() == []


def test_a_second_run_in_the_same_folder_is_told_of_the_first(checkout: Checkout) -> None:
    first = checkout.run()
    checkout.wait_for("SemaFore is at")
    output = checkout.output
    checkout.output = checkout.root / "second.txt"
    assert checkout.run().wait(PATIENCE) == 1
    assert f"already runs from this folder (process {first.pid}, http://" in checkout.said()
    checkout.output = output
    assert first.poll() is None


@pytest.mark.parametrize("port", ["taken", "http", "70000"])
def test_a_port_that_cannot_be_had_is_a_clear_error(checkout: Checkout, port: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        wanted = str(taken.getsockname()[1]) if port == "taken" else port
        assert checkout.run(PORT=wanted).wait(PATIENCE) == 1
    assert "Set" in checkout.said()
    assert wanted in checkout.said()
    assert "Traceback" not in checkout.said()


def test_one_server_address_without_the_other_is_an_error(checkout: Checkout) -> None:
    assert checkout.run(REDIS_URL="redis://127.0.0.1:1/0").wait(PATIENCE) == 1
    assert "DATABASE_URL is not" in checkout.said()
