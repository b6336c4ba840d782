"""Destinations: set up, changed, deleted. Secrets go in and never come out again."""

import re
import ssl
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from django.db import transaction

from audit import errors
from audit.events import siem as events
from audit.models import SiemDestination
from audit.services.recording import record
from audit.services.siem import begin_anew, destination_ref, lock_destination
from audit.siem.addresses import InvalidAddressError, Target, refuse_inside
from audit.siem.formats import Format
from audit.siem.http import trusting
from audit.siem.sending import HTTPS, target_of
from semafore.kernel.actor import current_actor
from semafore.kernel.sealing import seal
from semafore.kernel.tenancy import current_organisation_id

MOST = 20
"""Destinations of an organisation."""
HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
OURS = {
    *("host", "content-length", "content-type", "transfer-encoding", "connection", "user-agent"),
    *("upgrade", "te", "trailer", "expect", "keep-alive"),
}
"""Headers that no secret goes into."""
SECRET = re.compile(r"[!-~]([ -~]*[!-~])?")
TOKEN = re.compile(r"[!-~]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What an owner says of a destination, but for its secret."""

    name: str
    format: Format
    address: str
    header: str = ""
    """Of OCSF over HTTPS, where it has a secret."""
    ca: str = ""
    """Certificates in PEM."""
    classes: frozenset[int]
    least_severity: int


@transaction.atomic
def create_destination(*, setup: Setup, secret: str, cursor: int) -> SiemDestination:
    """Send what is from the place `cursor` on. Raises SiemInvalid, SiemNameTaken."""
    target = _check(setup, secret)
    _refuse_name(setup.name)
    if SiemDestination.objects.count() >= MOST:
        raise errors.SiemInvalid(detail=f"There are {MOST} destinations already.")
    row = SiemDestination(
        organisation_id=current_organisation_id(),
        cursor=cursor,
        set_up_by_id=current_actor().membership_id,
        sealed_secret=seal(secret.encode()) if secret else None,
    )
    _fill(row, setup)
    row.save(force_insert=True)
    record(
        events.SiemCreated(
            host=f"{target.host}:{target.port}",
            format=row.format,
            classes=row.classes,
            least_severity=row.least_severity,
            cursor=cursor,
        ),
        target=destination_ref(row),
    )
    return row


@transaction.atomic
def change_destination(
    *, destination_id: UUID, setup: Setup, secret: str | None
) -> SiemDestination:
    """Change what is sent, or where; `secret` None keeps the one it has.

    A secret goes nowhere else than where it was given for: a new address asks for it again.
    Raises NotFound, SiemInvalid, SiemNameTaken.
    """
    row = lock_destination(destination_id)
    before, place_before = _shown(row), _place(row)
    had_secret, ca_before = row.sealed_secret is not None, row.ca
    _check(setup, secret or "")
    if setup.name != row.name:
        _refuse_name(setup.name)
    _fill(row, setup)
    moved = _place(row) != place_before
    if moved and had_secret and secret is None:
        raise errors.SiemInvalid(
            detail="Give the secret again: it goes nowhere else than where it was given for."
        )
    if secret is not None:
        row.sealed_secret = seal(secret.encode()) if secret else None
    if moved or secret is not None:
        row.set_up_by_id = current_actor().membership_id
    begin_anew(row)
    row.save()
    record(
        events.SiemChanged(
            before=before,
            after=_shown(row),
            secret_changed=secret is not None,
            ca_changed=row.ca != ca_before,
        ),
        target=destination_ref(row),
    )
    return row


@transaction.atomic
def delete_destination(*, destination_id: UUID, reason: str) -> None:
    """Send nothing there any more, and forget its secret. Raises NotFound."""
    row = lock_destination(destination_id)
    deleted = events.SiemDeleted(host=host_of(row), cursor=row.cursor, reason=reason)
    record(deleted, target=destination_ref(row))
    row.delete()


def host_of(row: SiemDestination) -> str:
    """Host and port alone: the rest of an address may be somebody's secret."""
    target = target_of(Format(row.format), row.address)
    return f"{target.host}:{target.port}"


def _fill(row: SiemDestination, setup: Setup) -> None:
    row.name, row.format, row.address = setup.name, setup.format, setup.address
    row.header = setup.header if setup.format is Format.OCSF else ""
    row.ca = _certificates(setup.ca)
    row.classes, row.least_severity = sorted(setup.classes), setup.least_severity


def _place(row: SiemDestination) -> tuple[str, ...]:
    """What says who gets the secret."""
    return row.format, row.address, row.header, row.ca


def _shown(row: SiemDestination) -> dict[str, Any]:
    """As events have it."""
    return {
        "name": row.name,
        "format": row.format,
        "host": host_of(row),
        "header": row.header,
        "classes": row.classes,
        "least_severity": row.least_severity,
    }


def _refuse_name(name: str) -> None:
    if SiemDestination.objects.filter(name=name).exists():
        raise errors.SiemNameTaken


def _check(setup: Setup, secret: str) -> Target:
    try:
        target = target_of(setup.format, setup.address)
        refuse_inside(target)
    except InvalidAddressError as error:
        raise errors.SiemInvalid(detail=str(error)) from None
    if secret and setup.format not in HTTPS:
        raise errors.SiemInvalid(detail="Syslog over TLS has no secret: leave it empty.")
    if setup.format is Format.SPLUNK_HEC and secret and TOKEN.fullmatch(secret) is None:
        raise errors.SiemInvalid(detail="A HEC token has neither spaces nor special characters.")
    if setup.format is Format.OCSF and secret:
        if SECRET.fullmatch(secret) is None:
            raise errors.SiemInvalid(detail="The secret must be one line of ASCII characters.")
        if HEADER.fullmatch(setup.header) is None or setup.header.lower() in OURS:
            raise errors.SiemInvalid(detail="The secret can't go into a header of this name.")
    return target


def _certificates(pem: str) -> str:
    """The certificates in it and nothing else. Raises SiemInvalid without any."""
    if not pem.strip():
        return ""
    try:
        found = x509.load_pem_x509_certificates(pem.encode())
    except ValueError:
        raise errors.SiemInvalid(detail="There is no certificate in PEM in it.") from None
    certificates = "".join(one.public_bytes(Encoding.PEM).decode() for one in found)
    try:
        trusting(certificates)
    except ssl.SSLError:
        raise errors.SiemInvalid(detail="These certificates can't be used.") from None
    return certificates
