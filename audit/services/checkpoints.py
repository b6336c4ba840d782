"""Checkpoints: the head of a log, signed (C2SP tlog-checkpoint) and published."""

import base64

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from nacl.signing import SigningKey

from audit.logs import Log
from audit.notes import Signer, sign_note
from audit.selectors.checkpoints import SignedHead
from audit.selectors.tree import TreeHead
from semafore.kernel import clock
from semafore.kernel.database import prepared_cursor
from semafore.kernel.sealing import derived_key

PUBLISH = """
INSERT INTO {t}checkpoint ({columns}size, origin, root, note, signed_at)
VALUES ({values}%(size)s, %(origin)s, %(root)s, %(note)s, %(signed_at)s)
ON CONFLICT DO NOTHING
"""


def checkpoint_signers(origin: str) -> list[Signer]:
    """The checkpoint keys under the origin's name: CHECKPOINT_KEYS, the current one first.

    Raises ImproperlyConfigured where there is none; in development one is derived.
    """
    keys = settings.CHECKPOINT_KEYS or ([derived_key("checkpoint")] if settings.DEBUG else [])
    if not keys:
        raise ImproperlyConfigured(
            "CHECKPOINT_KEYS is not set. Remedy: set it, in the log process's environment alone, "
            "to 32 random bytes in base64: openssl rand -base64 32"
        )
    return [Signer(origin, SigningKey(key)) for key in keys]


def sign_head(log: Log, head: TreeHead) -> SignedHead:
    """The head as a checkpoint; not published, and not held against what was signed before."""
    origin = log.origin(head.origin_number)
    root = base64.b64encode(head.root).decode()
    note = sign_note(checkpoint_signers(origin), origin, str(head.size), root)
    return SignedHead(head.size, origin, head.root, note, clock.now())


def publish_checkpoint(log: Log, signed: SignedHead) -> None:
    """Let everybody see it; once, however often it is tried."""
    with prepared_cursor() as cursor:
        cursor.execute(
            log.sql(PUBLISH),
            log.parameters(
                size=signed.size,
                origin=signed.origin,
                root=signed.root,
                note=signed.note,
                signed_at=signed.signed_at,
            ),
        )
