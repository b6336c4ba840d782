"""Proofs that are handed out."""

from uuid import UUID

from django.db import transaction

from audit.events.reading import AuditViewed
from audit.logs import current_log
from audit.selectors.proofs import EventProof, event_proof
from audit.services.recording import Ref, record


@transaction.atomic
def hand_out_proof(*, event_id: UUID) -> EventProof | None:
    """The proof of an event, both parts opened; that it was read is an event. Raises NotFound.

    None while the event isn't yet under a checkpoint: nothing was read.
    """
    proof = event_proof(current_log(), event_id=event_id, open_parts={"who", "what"})
    if proof is not None:
        record(AuditViewed(event_id=event_id), target=Ref("event", event_id))
    return proof
