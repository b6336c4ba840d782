"""A log that names its own keys, as its process has it do before the first checkpoint."""

from django.db import transaction

from audit.events.log import CHECKPOINTS, KeyAnnounced
from audit.logs import log_of
from audit.models import AnnouncedKey
from audit.services.checkpoints import checkpoint_signers
from audit.services.recording import record
from orgs.models import Organisation
from semafore.kernel import clock
from tests.cast import inside


def announce(of: Organisation) -> None:
    """Announce the checkpoint keys of the organisation's log."""
    with inside(of), transaction.atomic():
        for signer in checkpoint_signers(log_of(of.id).origin()):
            announced = record(KeyAnnounced(purpose=CHECKPOINTS, vkey=signer.vkey))
            AnnouncedKey.objects.create(
                organisation_id=of.id,
                name=signer.name,
                vkey=signer.vkey,
                purpose=CHECKPOINTS,
                event_id=announced.event_id,
                announced_at=clock.now(),
            )
