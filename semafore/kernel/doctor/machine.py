"""Looks at this machine and at what others see of the server: clock, disks, address, settings."""

import ctypes
import os
import shutil
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import httpx
from django.conf import settings
from django.core import checks
from django.db import connection

from semafore.kernel.doctor import Finding, doubtful, fine, wrong

APART_SECONDS: Final = 1.0
"""Between this machine's clock and the database's."""
UNSYNCHRONISED: Final = 5
"""What `ntp_gettime` answers where nobody keeps the clock (TIME_ERROR)."""
FREE_BYTES: Final = 1024**3
FREE_SHARE: Final = 0.05
ANSWER_SECONDS: Final = 5.0
CERTIFICATE_DAYS: Final = 14


class _NtpTime(ctypes.Structure):
    _fields_ = (
        ("time", ctypes.c_long * 2),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("more", ctypes.c_long * 5),
    )


def clock() -> Iterator[Finding]:
    """This machine and the database agree on the time, and somebody keeps it."""
    before = time.time()
    with connection.cursor() as cursor:
        cursor.execute("SELECT extract(epoch FROM clock_timestamp())::float8")
        (theirs,) = cursor.fetchone()
    apart = theirs - (before + time.time()) / 2
    if abs(apart) > APART_SECONDS:
        yield wrong(
            f"the database's clock is {apart:+.1f} s from this machine's",
            "Keep both by NTP (chrony): ages of keys and ends of rooms go by them.",
        )
    kept = _kept_within()
    if kept is None and sys.platform == "linux":
        yield doubtful(
            "nobody keeps this machine's clock", "Install chrony, or have the host keep it."
        )
    elif abs(apart) <= APART_SECONDS:
        said = f"{apart * 1000:+.0f} ms from the database's"
        yield fine(said if kept is None else f"{said}, kept by NTP within {kept * 1000:.0f} ms")


def _kept_within() -> float | None:
    """Seconds, as the kernel estimates; None where the clock isn't kept or nobody can say."""
    if sys.platform != "linux":
        return None
    found = _NtpTime()
    if ctypes.CDLL(None).ntp_gettime(ctypes.byref(found)) == UNSYNCHRONISED:
        return None
    return float(found.esterror) / 1_000_000


def folder(path: str, setting: str) -> Iterator[Finding]:
    """A directory that this process must write to, or make, and how much room there is."""
    nearest = Path(path)
    while not nearest.exists():
        nearest = nearest.parent
    if not nearest.is_dir() or not os.access(nearest, os.R_OK | os.W_OK | os.X_OK):
        yield wrong(
            f"{setting} is no directory that this user can write to",
            f"Make it, owned by the server's user with mode 0700, or set {setting} to another.",
        )
        return
    disk = shutil.disk_usage(nearest)
    said = f"{disk.free / 1024**3:.1f} GiB free for {setting}"
    if disk.free < max(FREE_BYTES, disk.total * FREE_SHARE):
        yield wrong(said, "Make room on that disk, or move the directory to another.")
    else:
        yield fine(said)


def web() -> Iterator[Finding]:
    """The server answers where others reach it, under a certificate that holds for a while."""
    try:
        # Not /readyz, which a proxy keeps from outside; what that says the other looks say.
        with httpx.stream("GET", f"{settings.BASE_URL}/healthz", timeout=ANSWER_SECONDS) as answer:
            certificate = _certificate(answer)
            status = answer.status_code
    except httpx.HTTPError as error:
        yield wrong(
            f"BASE_URL can't be reached from here ({type(error).__name__})",
            "See that the web process and the proxy run, that the name leads to the proxy, and "
            "that its certificate is whole.",
        )
        return
    if status != HTTPStatus.OK:
        yield wrong(
            f"BASE_URL answers {status}",
            "502 or 503: no web process answers the proxy. Anything else: it doesn't lead here.",
        )
    elif certificate is None:
        yield fine("BASE_URL answers, without TLS")
    elif certificate < CERTIFICATE_DAYS:
        yield wrong(f"the certificate ends in {certificate} days", "Renew it at the proxy.")
    else:
        yield fine(f"BASE_URL answers, its certificate holds for {certificate} days")


def _certificate(answer: httpx.Response) -> int | None:
    """For how many days it holds; None without TLS."""
    tls: Any = answer.extensions["network_stream"].get_extra_info("ssl_object")
    if tls is None:
        return None
    ends = datetime.strptime(tls.getpeercert()["notAfter"], "%b %d %H:%M:%S %Y %Z")  # noqa: DTZ007 - it is GMT
    return (ends.replace(tzinfo=UTC) - datetime.now(UTC)).days


def deployment_checks() -> Iterator[Finding]:
    """What `check --deploy` says."""
    found = checks.run_checks(include_deployment_checks=True)
    for one in found:
        says, remedy = f"{one.id}: {one.msg}", one.hint or "See Django's documentation of this id."
        if one.level >= checks.ERROR:
            yield wrong(says, remedy)
        elif one.level >= checks.WARNING:
            yield doubtful(says, remedy)
    if not found:
        yield fine("check --deploy has nothing to say")


def static_files() -> Iterator[Finding]:
    """Pages find their style and scripts."""
    if not settings.STATIC_COLLECTED:
        yield doubtful("files are served from where they are written", "Set STATIC_COLLECTED=true.")
    elif not (Path(settings.STATIC_ROOT) / "staticfiles.json").is_file():
        yield wrong("they were not collected: no page can be shown", "Run manage.py collectstatic.")
    else:
        yield fine("collected")
