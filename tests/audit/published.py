"""A log whose events have their places and stand under a checkpoint."""

from audit.logs import PLATFORM_LOG, Log, log_of
from audit.selectors.checkpoints import SignedHead
from audit.selectors.tree import tree_head
from audit.services.checkpoints import publish_checkpoint, sign_head
from audit.services.sequencer import sequence
from orgs.models import Organisation


def publish(of: Organisation | None) -> SignedHead:
    """Sequence all that waits in the organisation's log, or the platform's, and sign its head."""
    log: Log = log_of(of.id) if of else PLATFORM_LOG
    while sequence(log):
        pass
    signed = sign_head(log, tree_head(log))
    publish_checkpoint(log, signed)
    return signed
