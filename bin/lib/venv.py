"""Makes `.venv` and installs `requirements/<level>.txt`, once per change of either.

Runs on a bare Python: the standard library is all there is at this point.
"""

import fcntl
import hashlib
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
# The lock lies beside the environment, since making one anew empties its folder.
LOCK = ROOT / ".venv.lock"
STAMP = VENV / "installed.txt"
# A larger set holds the smaller one at the same versions (bin/lock sees to that).
HOLDS = {"local": ["local"], "dev": ["dev", "local"]}


def fingerprint(level: str) -> str:
    """What must be unchanged for an installation to count as present."""
    requirements = (ROOT / "requirements" / f"{level}.txt").read_bytes()
    # The path counts too: scripts of an environment name it, so a moved checkout starts again.
    return f"{level} {hashlib.sha256(requirements).hexdigest()} {VENV}"


def installed(level: str) -> bool:
    """Whether a finished installation of this level is there and its interpreter runs."""
    try:
        stamped = STAMP.read_text(encoding="utf-8").splitlines()
    except OSError:
        return False
    return fingerprint(level) in stamped and runs("-c", "import sys")


def runs(*arguments: str) -> bool:
    """Whether the environment's interpreter exits with 0 on these arguments."""
    try:
        done = subprocess.run([PYTHON, *arguments], capture_output=True, check=False)
    except OSError:
        return False
    return done.returncode == 0


def same_place() -> bool:
    """Whether the environment was made here: a copied one still points at its first home."""
    try:
        return f" {VENV}" in STAMP.read_text(encoding="utf-8")
    except OSError:
        return False


def make(level: str) -> None:
    """Installs the level; whatever an interrupted attempt left is made whole or made anew."""
    if VENV.is_symlink():
        # It is somebody else's: clearing it would empty theirs.
        sys.exit(f"{VENV} is a link. Remove it, and this checkout makes its own environment.")
    if not (same_place() and runs("-m", "pip", "--version")):
        print("Making .venv ...", file=sys.stderr, flush=True)
        made = subprocess.run(
            [sys.executable, "-m", "venv", "--clear", VENV], check=False
        ).returncode
        if made:
            sys.exit(
                "This Python could not make a virtual environment (see above). On Debian and "
                "Ubuntu the module is a package of its own: apt-get install python3-venv"
            )
    print(f"Installing requirements/{level}.txt ...", file=sys.stderr, flush=True)
    # No stamp while packages change, so that an interrupted installation is not taken for one.
    STAMP.write_text(f"unfinished {VENV}\n", encoding="utf-8")
    install = [str(PYTHON), "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
    install += ["--require-hashes", "-r", f"requirements/{level}.txt"]
    if subprocess.run(install, cwd=ROOT, check=False).returncode:
        sys.exit(f"Installing requirements/{level}.txt failed (see above). Start again to go on.")
    stamp = "".join(f"{fingerprint(held)}\n" for held in HOLDS[level])
    fresh = STAMP.with_suffix(".new")
    fresh.write_text(stamp, encoding="utf-8")
    fresh.replace(STAMP)


def main() -> None:
    """Readies one level; a second start at the same time waits for the first."""
    level = sys.argv[1]
    os.chdir(ROOT)
    if installed(level):
        return
    with LOCK.open("w", encoding="utf-8") as lock:
        # The kernel drops the lock with its holder, so it is never stale.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not installed(level):
            make(level)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
