"""Serves SemaFore with the demo on this machine, until Ctrl-C."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from semafore.local.lifecycle import LocalServerError
from semafore.local.processes import end, end_children, marked, parent, words
from semafore.local.servers import (
    LOCAL,
    ROOT,
    environment,
    log_settings,
    secret_key,
    servers,
)
from semafore.local.sign_ins import sign_in_lines
from semafore.local.signals import Ended
from semafore.local.supervisor import RunLock, Supervisor
from semafore.local.valkey import HOST, port_answers, port_is_free

DEFAULT_PORT = 8000
LAST_PORT = 65_535
# In the environment of every process of a run, so that a killed run's can be found and ended.
MARK = "SEMAFORE_RUN"
# On the command line of a run and of its forks.
RUN = {"-m", "semafore.local", "run"}


def run(*, quiet_demo: bool) -> int:
    """Starts servers and processes and stays; 0 only when it was asked to end."""
    directory = LOCAL / "run"
    with RunLock(directory) as lock:
        _end_remains(directory)
        with servers(directory, durable=True) as urls:
            settings = _settings(directory, _port()) | urls
            lock.note(settings["BASE_URL"])
            env = environment(**settings)
            try:
                _manage(["migrate"], env)
                env |= _log_settings(directory, env)
                _manage(["load_demo"], env)
                return _serve(env, quiet_demo=quiet_demo)
            finally:
                end_children(patience=5)


def _end_remains(directory: Path) -> None:
    """Ends what a killed run left; only under the lock, when no other run lives.

    honcho starts each process through a fork of the run, which bears no mark and waits on.
    """
    me = os.getpid()
    # More than one round: what is ended may have started something since it was looked at.
    for _ in range(5):
        remains = marked(MARK, str(directory))
        if not remains:
            return
        above = [p for p in map(parent, remains) if p is not None and p.pid != me]
        end(remains, patience=5, polite=signal.SIGTERM)
        end([p for p in above if RUN.issubset(words(p))], patience=0, polite=signal.SIGKILL)


def _settings(directory: Path, port: int) -> dict[str, str]:
    return {
        "DEBUG": "true",
        "SECRET_KEY": os.environ.get("SECRET_KEY") or secret_key(directory),
        "BASE_URL": f"http://{HOST}:{port}",
        "EVENTS_URL": f"ws://{HOST}:{port}/ws/mobile",
        "PORT": str(port),
        "SEMAFORE_LOCAL_DIR": str(LOCAL),
        # The demo's devices claim each other's bundles all day.
        "CLAIMS_PER_TARGET_PER_DAY": os.environ.get("CLAIMS_PER_TARGET_PER_DAY", "10000"),
        MARK: str(directory),
    }


def _log_settings(directory: Path, env: dict[str, str]) -> dict[str, str]:
    """The logs' name, which stays when the port moves, and the signer's folder.

    It belongs to one database: whoever drops that, or names another, begins a log anew. A folder
    that somebody has removed is made good from the database, which is right for a demo alone.
    """
    settings = log_settings(directory, env["DATABASE_URL"])
    if not Path(settings["LOG_STATE_DIR"]).exists():
        reason = "the demo's signer had lost its file"
        _manage(["audit_log", "adopt", "--all", "--reason", reason], env | settings)
    return settings


def _port() -> int:
    """PORT if it is set, else the first free one from 8000 on."""
    wanted = os.environ.get("PORT", "").strip()
    if not wanted:
        for port in range(DEFAULT_PORT, DEFAULT_PORT + 100):
            if port_is_free(port):
                return port
        raise LocalServerError(f"no port from {DEFAULT_PORT} on is free. Set PORT to one that is.")
    if not wanted.isdecimal() or not 0 < int(wanted) <= LAST_PORT:
        raise LocalServerError(f"PORT is {wanted!r}. Set it to a number from 1 to {LAST_PORT}.")
    if not port_is_free(int(wanted)):
        raise LocalServerError(
            f"port {wanted} is taken (or not yours to use). Set PORT to another, or leave it out."
        )
    return int(wanted)


def _manage(words: Sequence[str], env: dict[str, str]) -> None:
    """Runs one management command to its end."""
    code = subprocess.run([sys.executable, "manage.py", *words], env=env, cwd=ROOT, check=False)
    if code.returncode:
        raise LocalServerError(f"`manage.py {words[0]}` failed (see above).")


def _serve(env: dict[str, str], *, quiet_demo: bool) -> int:
    """Runs the processes of the Procfile until one of them or we are ended."""
    supervisor = Supervisor(env, leave_out={"devices"} if quiet_demo else set())
    threading.Thread(target=_announce, args=[env], daemon=True).start()
    supervisor.loop()
    if supervisor.asked:
        raise Ended(supervisor.asked)
    print(
        f"\n{supervisor.first_ended} ended by itself, so everything was ended. "
        f"Its last words are above.",
        file=sys.stderr,
    )
    return 1


def _announce(env: dict[str, str]) -> None:
    """Says where it is, once it answers there."""
    if not port_answers(int(env["PORT"]), seconds=90):
        return
    demo = LOCAL / "demo.json"
    lines = [
        "",
        f"  SemaFore is at  {env['BASE_URL']}/console/",
        *(f"    {line}" for line in sign_in_lines(demo)),
        f"  device socket   {env['EVENTS_URL']}",
        f"  demo            {demo.relative_to(ROOT)}  (the same for programs)",
        "  try next        bin/device list  (a device in your hands; --trace shows each request)",
        "  stop            Ctrl-C",
        "",
        "",
    ]
    sys.stdout.write("\n".join(lines))
    sys.stdout.flush()
