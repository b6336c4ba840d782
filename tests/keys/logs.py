"""An organisation's log, published and its keys announced; and checkpoints that aren't its own."""

import base64

from django.db import connection, transaction

from audit.events.log import OriginStarted
from audit.logs import Log, log_of
from audit.notes import sign_note
from audit.selectors.checkpoints import SignedHead
from audit.services.checkpoints import checkpoint_signers
from audit.services.recording import record
from orgs.models import Organisation
from tests import cast
from tests.audit.published import announce, publish
from tests.cast import inside


def published(of: Organisation) -> SignedHead:
    """All that waits, under a checkpoint by a key that the log has announced."""
    announce(of)
    return publish(of)


def signed(of: Organisation, size: int, root: bytes, *, number: int = 1) -> str:
    """A checkpoint by the log's own key, whatever it says."""
    log: Log = log_of(of.id)
    origin = log.origin(number)
    encoded = base64.b64encode(root).decode()
    return sign_note(checkpoint_signers(origin), origin, str(size), encoded)


def restored(of: Organisation, *, lost: int, root: bytes) -> SignedHead:
    """The log goes on under its second origin; so many entries of the first are declared lost."""
    log = log_of(of.id)
    size = published(of).size
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE audit_head SET origin_number = 2 WHERE organisation_id = %s", [of.id]
        )
    with inside(of), transaction.atomic():
        record(
            OriginStarted(
                origin=log.origin(2),
                previous_origin=log.origin(1),
                previous_size=size + lost,
                previous_root=root,
                lost_from=size,
                lost_to=size + lost,
                reason="The disk of the database failed.",
            )
        )
    published(of)
    cast.member(of, "Dora")
    cast.member(of, "Emil")
    return published(of)
