"""The public keys that verify a log (signed-note's vkeys), as its own events announced them."""

from audit.events.log import CHECKPOINTS, RECEIPTS
from audit.logs import Log
from semafore.kernel.database import prepared_cursor

VKEYS = """
SELECT vkey FROM {t}announcedkey
WHERE {own}purpose = %(purpose)s::text AND (%(retired)s::bool OR retired_at IS NULL)
ORDER BY announced_at, id
"""


def checkpoint_vkeys(log: Log) -> list[str]:
    """What verifies the log's checkpoints, old ones too; the newest last."""
    return _vkeys(log, CHECKPOINTS, retired=True)


def receipt_vkeys(log: Log) -> list[str]:
    """What verifies the log's receipts, old ones too; the newest last."""
    return _vkeys(log, RECEIPTS, retired=True)


def current_checkpoint_vkeys(log: Log) -> list[str]:
    """Those that weren't retired."""
    return _vkeys(log, CHECKPOINTS, retired=False)


def _vkeys(log: Log, purpose: str, *, retired: bool) -> list[str]:
    with prepared_cursor() as cursor:
        cursor.execute(log.sql(VKEYS), log.parameters(purpose=purpose, retired=retired))
        return [vkey for (vkey,) in cursor.fetchall()]
