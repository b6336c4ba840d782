"""Receipts: what a sender holds of a message before it stands in the log (audit-log.md)."""

import base64
from datetime import datetime, timedelta
from functools import cache
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from nacl.signing import SigningKey

from audit.events import log as events
from audit.models import AnnouncedKey
from audit.notes import Signer
from audit.services.recording import Recorded, record
from semafore.kernel import clock
from semafore.kernel.actor import SYSTEM, acting_as
from semafore.kernel.sealing import derived_key
from semafore.kernel.tenancy import current_organisation_id

HEADER = "semafore/receipt/v1"
INCLUDED_WITHIN = timedelta(seconds=60)
"""The log's promise: every committed event is under a published checkpoint by then."""

_announced: set[UUID] = set()


@cache
def receipt_signer() -> Signer:
    """The receipt key: RECEIPT_KEY, or in development one derived from SECRET_KEY."""
    seed = settings.RECEIPT_KEY or derived_key("receipt")
    return Signer(f"{settings.LOG_HOST}/receipt", SigningKey(seed))


def sign_receipt(recorded: Recorded, *, origin: str, accepted_at: datetime) -> str:
    """A signed note: header, origin, base64 leaf hash, accepted at, include by, a line each."""
    return receipt_signer().sign(
        HEADER,
        origin,
        base64.b64encode(recorded.leaf).decode(),
        clock.rfc3339(accepted_at),
        clock.rfc3339(accepted_at + INCLUDED_WITHIN),
    )


def announce_receipt_key() -> None:
    """Have the organisation's log say which key signs receipts, once; a look without a statement.

    In a transaction of its own, before the first receipt's: of two at once, one announces.
    """
    organisation_id = current_organisation_id()
    if organisation_id in _announced:
        return
    vkey = receipt_signer().vkey
    if not AnnouncedKey.objects.filter(vkey=vkey).exists():
        try:
            _announce(vkey)
        except IntegrityError as error:
            if "announced_key_once" not in str(error):
                raise
    _announced.add(organisation_id)


@transaction.atomic
def _announce(vkey: str) -> None:
    with acting_as(SYSTEM):
        recorded = record(events.KeyAnnounced(purpose=events.RECEIPTS, vkey=vkey))
    AnnouncedKey.objects.create(
        organisation_id=current_organisation_id(),
        name=receipt_signer().name,
        vkey=vkey,
        purpose=events.RECEIPTS,
        event_id=recorded.event_id,
        announced_at=clock.now(),
    )
