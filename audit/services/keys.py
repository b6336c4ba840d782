"""The log says itself which keys sign its checkpoints: before they do, and when they cease to."""

from django.db import transaction

from audit.events.log import CHECKPOINTS, KeyAnnounced, KeyRetired
from audit.logs import Log
from audit.selectors.log_keys import current_checkpoint_vkeys
from audit.selectors.tree import TreeHead
from audit.services.checkpoints import checkpoint_signers
from audit.services.sequencer import Check, locked_head, record_next
from semafore.kernel import clock
from semafore.kernel.database import prepared_cursor

ANNOUNCED = """
INSERT INTO {t}announcedkey ({columns}name, vkey, purpose, event_id, announced_at)
VALUES ({values}%(name)s, %(vkey)s, %(purpose)s, %(event)s, %(now)s)
ON CONFLICT ({columns}vkey) DO UPDATE
SET event_id = excluded.event_id, announced_at = excluded.announced_at, retired_at = NULL
"""

RETIRED = """
UPDATE {t}announcedkey SET retired_at = %(now)s WHERE {own}vkey = %(vkey)s
"""


@transaction.atomic
def bring_keys_up_to_date(log: Log, *, check: Check) -> None:
    """Announce the keys of CHECKPOINT_KEYS that the log doesn't know, retire those that are gone.

    Each event is the log's next entry, so that the key is in the tree before it signs. Raises what
    `check` raises.
    """
    head = locked_head(log)
    check(head)
    announce_keys(log, head)


def announce_keys(log: Log, head: TreeHead) -> TreeHead:
    """The same in the transaction that has locked the head; the head after it."""
    signers = {one.vkey: one for one in checkpoint_signers(log.origin(head.origin_number))}
    current = current_checkpoint_vkeys(log)
    for vkey in (one for one in signers if one not in current):
        event = KeyAnnounced(purpose=CHECKPOINTS, vkey=vkey)
        recorded, head = record_next(log, head, event)
        with prepared_cursor() as cursor:
            cursor.execute(
                log.sql(ANNOUNCED),
                log.parameters(
                    name=signers[vkey].name,
                    vkey=vkey,
                    purpose=CHECKPOINTS,
                    event=recorded.event_id,
                    now=clock.now(),
                ),
            )
    for vkey in (one for one in current if one not in signers):
        _, head = record_next(log, head, KeyRetired(purpose=CHECKPOINTS, vkey=vkey))
        with prepared_cursor() as cursor:
            cursor.execute(log.sql(RETIRED), log.parameters(vkey=vkey, now=clock.now()))
    return head
