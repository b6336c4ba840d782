"""Which operating-system account PostgreSQL runs as, and what it must be able to reach."""

import os
import pwd
import shutil
import stat
import subprocess
from pathlib import Path
from typing import TypedDict

from semafore.local.lifecycle import LocalServerError

ACCOUNT = "pgserver"


class RunAs(TypedDict, total=False):
    """The arguments of `subprocess` that drop privileges; empty when there are none to drop."""

    user: int
    group: int
    extra_groups: list[int]


def server_account(data: Path) -> pwd.struct_passwd:
    """The account for a cluster: the caller's, unless that is root, which PostgreSQL refuses.

    For root it is the owner of an existing cluster, so that an ordinary person's stays theirs;
    else an account of its own, since one that other services share could reach its files.
    """
    if os.geteuid() != 0:
        return pwd.getpwuid(os.geteuid())
    if data.exists() and data.stat().st_uid != 0:
        try:
            return pwd.getpwuid(data.stat().st_uid)
        except KeyError:
            pass  # A cluster from another machine or a removed account: it gets a new owner.
    return _own_account()


def _own_account() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(ACCOUNT)
    except KeyError:
        pass
    useradd = shutil.which("useradd", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if useradd:
        # A second start at the same time may win the race: what counts is that it exists after.
        subprocess.run(
            [useradd, "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", ACCOUNT],
            check=False,
            capture_output=True,
        )
    try:
        return pwd.getpwnam(ACCOUNT)
    except KeyError:
        raise LocalServerError(
            f"PostgreSQL does not run as root, and no account {ACCOUNT!r} could be made for it. "
            f"Create an unprivileged account of that name, or start as an ordinary user."
        ) from None


def run_as(account: pwd.struct_passwd) -> RunAs:
    """Arguments for `subprocess.run` to become the account."""
    if account.pw_uid == os.geteuid():
        return {}
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def give(path: Path, account: pwd.struct_passwd) -> None:
    """Makes the account the owner of the tree, where it isn't yet."""
    if os.geteuid() != 0 or path.stat().st_uid == account.pw_uid:
        return
    for each in [*path.rglob("*"), path]:
        os.chown(each, account.pw_uid, account.pw_gid, follow_symlinks=False)


def make_reachable(path: Path, account: pwd.struct_passwd) -> None:
    """Lets the account pass through the folders above `path`: the right to enter, none to list."""
    if account.pw_uid == os.geteuid():
        return
    for parent in path.resolve().parents:
        mode = parent.stat()
        if mode.st_uid != account.pw_uid and not mode.st_mode & stat.S_IXOTH:
            parent.chmod(stat.S_IMODE(mode.st_mode) | stat.S_IXOTH)


def make_readable(tree: Path, account: pwd.struct_passwd) -> None:
    """Lets the account read programs that were installed under a tight umask."""
    if account.pw_uid == os.geteuid() or tree.stat().st_mode & stat.S_IROTH:
        return
    for path in [*tree.rglob("*"), tree]:
        if not path.is_symlink():
            mode = stat.S_IMODE(path.stat().st_mode)
            enter = stat.S_IXOTH if mode & stat.S_IXUSR else 0
            path.chmod(mode | stat.S_IROTH | enter)
