"""What follows from a restore, a step after the other; each can be interrupted and taken up again.

What was lost is written down first. Then, an organisation a transaction, what may have been used
or taken back since the backup is void, and lost events are carried out again. Then the logs go on
under other origins, and only then devices are let in.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from uuid import UUID

from django.db import transaction

from audit.logs import PLATFORM_LOG, PLATFORM_LOG_ID, Log
from audit.models import Event
from audit.selectors.health import newest_entry_at
from audit.selectors.incarnations import standing
from audit.selectors.tree import tree_head
from audit.selectors.waiting import logs_called
from audit.services.incarnations import reopen
from audit.services.recording import record, record_platform
from audit.services.recovery import NothingToDoError, lost_entries, start_origin
from audit.services.signer import check
from audit.state import SignerState
from invitations.services.voiding import void_onboardings
from keys.services.voiding import void_device_tokens, void_one_time_pre_keys
from orgs.models import Organisation
from orgs.services.voiding import (
    skip_managed_app_versions,
    void_mailed_links,
    void_service_tokens,
    void_sessions,
)
from restoration import events
from restoration.lost_events import LostEvent
from restoration.models import Restoration
from restoration.services.reapplying import Outcome, Reapplied, reapply
from semafore.kernel import clock
from semafore.kernel.actor import SYSTEM, acting_as
from semafore.kernel.http.idempotency import forget_answers
from semafore.kernel.tenancy import organisation_scope


class NotRestoredError(Exception):
    """The log process found nothing missing in this database."""


@dataclass(frozen=True, slots=True)
class Copies:
    """Copies of lost events."""

    of: Mapping[UUID, Sequence[LostEvent]] = field(default_factory=dict)
    """By organisation."""
    digests: Mapping[UUID, Sequence[bytes]] = field(default_factory=dict)
    """SHA-256 of the files they come from, by organisation too."""


@dataclass(frozen=True, slots=True)
class Settled:
    """What was done in an organisation; `voided` is None where an earlier run did that."""

    organisation: Organisation
    voided: events.DatabaseRestored | None
    results: Sequence[Reapplied]


def begin(*, state: SignerState, reason: str, anyway: bool) -> Restoration:
    """Write down what was lost, or find what an earlier run wrote down of the same loss.

    Raises NotRestoredError unless the database is marked as restored, or `anyway`.
    """
    found = standing()
    begun = Restoration.objects.filter(database=found.name).first()
    if begun and begun.finished_at is None:
        return begun
    lost = _all_lost(state)
    # A copy of the disk goes back under its own name, and may do so again (ADR 0019).
    if begun and not lost:
        return begun
    if not found.restored and not anyway:
        raise NotRestoredError
    signed = [last.head.signed_at for log_id in lost if (last := state.last(log_id))]
    times = [at for log in all_logs() if (at := newest_entry_at(log))]
    restoration, _ = Restoration.objects.update_or_create(
        database=found.name,
        defaults={
            "reason": reason,
            "began_at": clock.now(),
            "since": max(times, default=None),
            "until": max(signed, default=None),
            "lost": {log_id: [missing.start, missing.stop] for log_id, missing in lost.items()},
            "settled": [],
            "finished_at": None,
        },
    )
    return restoration


def _all_lost(state: SignerState) -> dict[str, range]:
    """What each log lacks of what was signed; of one that is gone with its organisation, all."""
    lost = {log.log_id: missing for log in all_logs() if (missing := lost_entries(log, state))}
    known = {log.log_id for log in logs_called(state.log_ids())}
    for log_id in set(state.log_ids()) - known:
        last = state.last(log_id)
        lost[log_id] = range(last.head.size if last else 0)
    return lost


def all_logs() -> list[Log]:
    """The organisations' logs and the platform's own."""
    rows = Organisation.objects.order_by("slug").values_list("id", "log_id")
    return [*(Log(id_, log_id) for id_, log_id in rows), PLATFORM_LOG]


@transaction.atomic
def settle(*, restoration: Restoration, organisation: Organisation, copies: Copies) -> Settled:
    """Void what may have been used, once; carry out again what was lost and is known."""
    locked = Restoration.objects.select_for_update().get(database=restoration.database)
    with organisation_scope(organisation.id), acting_as(SYSTEM):
        voided = None
        if organisation.log_id not in locked.settled:
            voided = _void(locked, organisation)
            _note_settled(locked, organisation.log_id)
        results = reapply(_lost(locked, organisation, copies.of.get(organisation.id, ())))
        if any(one.outcome is Outcome.REAPPLIED for one in results) or (voided and results):
            record(_summary(results, copies.digests.get(organisation.id, ())))
    return Settled(organisation, voided, results)


def _void(restoration: Restoration, organisation: Organisation) -> events.DatabaseRestored:
    size = tree_head(Log(organisation.id, organisation.log_id)).size
    lost_from, lost_to = restoration.lost.get(organisation.log_id, (size, size))
    onboardings = void_onboardings()
    forget_answers()
    skip_managed_app_versions()
    what = events.DatabaseRestored(
        reason=restoration.reason,
        since=restoration.since,
        until=restoration.until,
        lost_from=lost_from,
        lost_to=lost_to,
        one_time_pre_keys=void_one_time_pre_keys(),
        device_tokens=void_device_tokens(),
        service_tokens=void_service_tokens(reason=restoration.reason),
        link_tokens=onboardings.link_tokens,
        onboardings=onboardings.onboardings,
    )
    record(what)
    return what


def _note_settled(restoration: Restoration, log_id: str) -> None:
    restoration.settled.append(log_id)
    restoration.save(update_fields=["settled"])


def _lost(
    restoration: Restoration, organisation: Organisation, copies: Sequence[LostEvent]
) -> list[LostEvent]:
    """Those of the lost interval, in their order; each once, in however many files it is."""
    if organisation.log_id not in restoration.lost:
        return []
    lost_from, lost_to = restoration.lost[organisation.log_id]
    found = {one.id: one for one in copies if lost_from <= one.seq < lost_to}
    kept = set(Event.objects.filter(id__in=found).values_list("id", flat=True))
    return sorted(
        (one for one in found.values() if one.id not in kept), key=lambda event: event.seq
    )


def _summary(results: Sequence[Reapplied], digests: Sequence[bytes]) -> events.LostEventsReapplied:
    outcomes = [one.outcome for one in results]
    return events.LostEventsReapplied(
        files=list(digests),
        lost=len(outcomes),
        reapplied=outcomes.count(Outcome.REAPPLIED),
        standing=outcomes.count(Outcome.STANDING),
        noted=outcomes.count(Outcome.NOTED),
        again=outcomes.count(Outcome.AGAIN),
    )


@transaction.atomic
def settle_platform(*, restoration: Restoration) -> events.SessionsVoided | None:
    """End everybody's sessions at the console, once; None where an earlier run did."""
    locked = Restoration.objects.select_for_update().get(database=restoration.database)
    if PLATFORM_LOG_ID in locked.settled:
        return None
    with acting_as(SYSTEM):
        what = events.SessionsVoided(
            reason=locked.reason, sessions=void_sessions(), mailed_links=void_mailed_links()
        )
        record_platform(what)
    _note_settled(locked, PLATFORM_LOG_ID)
    return what


def go_on(*, restoration: Restoration, state: SignerState) -> list[str]:
    """Start the new origins, and let devices in; the origins that logs go on under.

    Raises RefusedError where a log can't go on: then devices still wait.
    """
    _give_up_lost_logs(restoration, state)
    origins = []
    for log in all_logs():
        if log.log_id not in restoration.lost:
            continue
        try:
            signed = start_origin(log=log, state=state, reason=restoration.reason)
        except NothingToDoError:
            # An earlier run did it; what else stands in the way, the check below says.
            continue
        origins.append(signed.origin)
    with state.exclusive():
        for log in all_logs():
            check(log, tree_head(log), state)
        with transaction.atomic():
            Restoration.objects.filter(database=restoration.database, finished_at=None).update(
                finished_at=clock.now()
            )
            reopen(restoration.database)
    return origins


def _give_up_lost_logs(restoration: Restoration, state: SignerState) -> None:
    """Logs of organisations that were founded since the backup: the platform's log keeps them."""
    for log_id in set(restoration.lost) - {log.log_id for log in all_logs()}:
        last = state.last(log_id)
        if last is None:
            continue
        with transaction.atomic(), acting_as(SYSTEM):
            record_platform(
                events.LogLost(
                    origin=last.head.origin,
                    size=last.head.size,
                    root=last.head.root,
                    signed_at=last.head.signed_at.astimezone(UTC),
                )
            )
        state.forget(log_id)
