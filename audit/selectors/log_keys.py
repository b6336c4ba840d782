"""Which keys verify a log."""

from audit.events.log import CHECKPOINTS
from audit.logs import Log
from semafore.kernel.database import prepared_cursor

ANNOUNCED = """
SELECT vkey FROM {t}announcedkey WHERE {own}purpose = %(purpose)s ORDER BY announced_at, id
"""


def checkpoint_vkeys(log: Log) -> list[str]:
    """The keys that sign or have signed checkpoints, as the log announced them, oldest first."""
    with prepared_cursor() as cursor:
        cursor.execute(log.sql(ANNOUNCED), log.parameters(purpose=CHECKPOINTS))
        return [vkey for (vkey,) in cursor.fetchall()]
