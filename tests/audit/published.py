"""A log whose events have their places, and stand under a checkpoint by keys that it announced."""

from django.db import transaction

from audit.events.log import CHECKPOINTS, KeyAnnounced
from audit.logs import PLATFORM_LOG, Log, log_of
from audit.models import AnnouncedKey
from audit.selectors.checkpoints import SignedHead
from audit.selectors.tree import tree_head
from audit.services.checkpoints import checkpoint_signers, publish_checkpoint, sign_head
from audit.services.recording import Fact, record, record_many
from audit.services.sequencer import sequence
from orgs.events.people import OrganisationCreated
from orgs.models import Organisation
from semafore.kernel import clock
from tests.cast import inside


def publish(of: Organisation | None) -> SignedHead:
    """Sequence all that waits in the organisation's log, or the platform's, and sign its head."""
    log: Log = log_of(of.id) if of else PLATFORM_LOG
    while sequence(log):
        pass
    signed = sign_head(log, tree_head(log))
    publish_checkpoint(log, signed)
    return signed


def announce(of: Organisation) -> None:
    """Announce the checkpoint keys of the log's newest origin, as its process does first of all."""
    log = log_of(of.id)
    for signer in checkpoint_signers(log.origin(tree_head(log).origin_number)):
        with inside(of), transaction.atomic():
            if AnnouncedKey.objects.filter(vkey=signer.vkey).exists():
                continue
            announced = record(KeyAnnounced(purpose=CHECKPOINTS, vkey=signer.vkey))
            AnnouncedKey.objects.create(
                organisation_id=of.id,
                name=signer.name,
                vkey=signer.vkey,
                purpose=CHECKPOINTS,
                event_id=announced.event_id,
                announced_at=clock.now(),
            )


def record_events(of: Organisation, number: int) -> None:
    """So many more events, which wait."""
    with inside(of), transaction.atomic():
        record_many([Fact(OrganisationCreated(name="x", slug="x")) for _ in range(number)])


def grow(of: Organisation, number: int) -> SignedHead:
    """So many more events, and a checkpoint."""
    record_events(of, number)
    return publish(of)
