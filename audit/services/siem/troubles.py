"""What becomes of a destination that is in trouble or gets out of it, and who is told.

A receiver that can't be reached is never given up: it is tried again, ever more seldom, at least
every 15 minutes. What a receiver said stands in `answers` alone, which its page shows.
"""

import secrets
from datetime import timedelta

from audit.events import siem as events
from audit.models import DestinationState, SiemDestination
from audit.models.siem import REASON_LENGTH
from audit.services.recording import record
from audit.services.siem import destination_ref
from audit.siem.answers import Answer
from audit.siem.outgoing import Outgoing
from semafore.kernel import clock, hooks
from semafore.kernel.clock import rfc3339
from semafore.kernel.permissions import Permission

FIRST_WAIT = timedelta(seconds=5)
PROBE = timedelta(minutes=15)
"""The longest wait, unless the receiver asks for a longer one."""
ONCE_MORE = 3
"""So many attempts in a row fail before anybody is told."""
SELDOM = timedelta(hours=1)
"""Who fails and recovers by turns is not told of more often."""
ANSWERS = 10

TROUBLE = "siem_trouble"
RECOVERED = "siem_recovered"


def taken(row: SiemDestination, answer: Answer, number: int) -> None:
    """A batch was taken: whatever the trouble was, it is over."""
    note_answer(row, answer, number)
    if row.told_at is not None:
        record(events.SiemRecovered(cursor=row.cursor), target=destination_ref(row))
        tell(row, RECOVERED, "")
    row.failures, row.failing_since, row.reason = 0, None, ""
    row.told_at = row.told_again_at = None


def later(row: SiemDestination, answer: Answer) -> None:
    """Try the same again, after a wait that doubles each time and isn't the same for everybody."""
    _failed(row, answer)
    row.next_attempt_at = clock.now() + _wait(row.failures, answer)
    lately = row.mailed_at is not None and clock.now() - row.mailed_at < SELDOM
    if row.told_at is None and row.failures >= ONCE_MORE and not lately:
        failing = events.SiemFailing(reason=row.reason, cursor=row.cursor)
        record(failing, target=destination_ref(row))
        _tell_of_trouble(row, "can't be reached. It is tried again until it can")


def misconfigured(row: SiemDestination, answer: Answer) -> None:
    """Stop until a person has changed something."""
    _failed(row, answer)
    row.state = DestinationState.MISCONFIGURED
    stopped = events.SiemMisconfigured(reason=row.reason, cursor=row.cursor)
    record(stopped, target=destination_ref(row))
    _tell_of_trouble(row, "refuses what it is sent. Nothing is sent until you change its settings")


def parked(row: SiemDestination, event: Outgoing, answer: Answer) -> None:
    """Stop before the one event that the receiver doesn't take."""
    _failed(row, answer)
    row.state, row.cursor = DestinationState.PARKED, event.seq
    stopped = events.SiemParked(seq=event.seq, event_id=event.event_id, reason=row.reason)
    record(stopped, target=destination_ref(row))
    _tell_of_trouble(
        row, f"refuses the event at place {event.seq} ({event.event_id}). Nothing after it is sent"
    )


def note_answer(row: SiemDestination, answer: Answer, number: int) -> None:
    """Keep the answer to so many events for the destination's page."""
    noted = {
        "at": rfc3339(clock.now()),
        "words": answer.words,
        "said": answer.said,
        "events": number,
    }
    row.answers = [noted, *row.answers][:ANSWERS]


def tell(row: SiemDestination, template: str, trouble: str) -> None:
    """Mail those who may do something about it."""
    hooks.people_to_tell(
        hooks.PeopleToTell(
            permission=Permission.SIEM_MANAGE,
            template=template,
            context={
                "destination": row.name,
                "trouble": trouble,
                "reason": row.reason,
                "page": f"siem/{row.id}",
            },
        )
    )


def _failed(row: SiemDestination, answer: Answer) -> None:
    note_answer(row, answer, 0)
    row.failures += 1
    row.failed_attempts += 1
    row.failing_since = row.failing_since or clock.now()
    row.reason = answer.words[:REASON_LENGTH]


def _tell_of_trouble(row: SiemDestination, trouble: str) -> None:
    now = clock.now()
    row.told_at, row.told_again_at, row.mailed_at = row.told_at or now, None, now
    tell(row, TROUBLE, trouble)


def _wait(failures: int, answer: Answer) -> timedelta:
    """Between half and all of a wait that doubles; as long as the receiver asks for at least."""
    longest = min(FIRST_WAIT * (1 << min(failures - 1, 10)), PROBE)
    jittered = longest * (0.5 + secrets.randbelow(501) / 1000)
    asked = answer.retry_after or timedelta()
    return max(jittered, asked)
