"""Sending: batch after batch in the order of the log; the place moves when a batch is taken.

What was sent and not noted, since the sender died or lost its lease, is sent again: duplicates by
id are all that a receiver ever sees of trouble.
"""

import logging
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from uuid import UUID

from cryptography.fernet import InvalidToken
from django.db import transaction

from audit.events.siem import CANARY
from audit.models import SiemDestination
from audit.selectors.outgoing import Stretch, Swept, next_stretch, swept_between
from audit.services.siem import troubles
from audit.services.siem.leases import LeaseLostError, give_back, prolong, take_lease, under
from audit.siem.answers import Answer, Verdict
from audit.siem.formats import Format, encoded
from audit.siem.outgoing import Outgoing
from audit.siem.sending import (
    AROUND,
    BATCH_BYTES,
    BATCH_EVENTS,
    Receiver,
    Sender,
    sender_to,
    target_of,
)
from semafore.kernel import clock
from semafore.kernel.sealing import unseal

logger = logging.getLogger(__name__)

RUN_SECONDS = 10.0
"""After so long a sender makes way for others, however much there is to send."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Events in their order, written in the destination's format; and where the place goes then."""

    first: int
    end: int
    events: Sequence[Outgoing]
    messages: Sequence[bytes]


def deliver(*, destination_id: UUID, seconds: float = RUN_SECONDS) -> bool:
    """Send what there is, for so long at most; whether there may be more to send at once.

    Does nothing where the destination stands, waits, or is being sent to by somebody else.
    """
    lease = take_lease(destination_id=destination_id)
    if lease is None:
        return False
    try:
        return _Run(lease, seconds).go()
    except LeaseLostError:
        return True
    finally:
        give_back(lease)


def receiver_of(row: SiemDestination) -> Receiver:
    """Where to send, its secret opened. Raises cryptography.fernet.InvalidToken."""
    format_ = Format(row.format)
    return Receiver(
        format=format_,
        target=target_of(format_, row.address),
        header=row.header,
        secret=unseal(row.sealed_secret).decode() if row.sealed_secret else "",
        ca=row.ca,
    )


class _Run:
    """One sender at work, with its lease."""

    def __init__(self, lease: SiemDestination, seconds: float) -> None:
        self._lease, self._seconds = lease, seconds
        self._began, self._from = time.monotonic(), lease.cursor
        self._most = BATCH_EVENTS
        self._suspect_until = -1
        """Up to this place a batch was refused for its content: halves of it go out."""

    def go(self) -> bool:
        try:
            receiver = receiver_of(self._lease)
        except InvalidToken:
            self._misconfigured(Answer(Verdict.MISCONFIGURED, "Its secret must be given again"))
            return False
        with closing(sender_to(receiver)) as sender:
            while time.monotonic() - self._began < self._seconds:
                if not self._step(sender):
                    return False
        return True

    def _step(self, sender: Sender) -> bool:
        """Send one batch, or find out why not; whether to go on."""
        row = prolong(self._lease)
        if row.cursor > self._suspect_until:
            self._most = BATCH_EVENTS
        stretch = next_stretch(row, most=self._most)
        if stretch is None:
            return False
        batch = _written(stretch, Format(row.format))
        if not batch.messages:
            if batch.events:
                return self._parked(batch, Answer(Verdict.REFUSED, "It can't be written"))
            return self._moved(batch, None)
        answer = sender.send(batch.messages)
        match answer.verdict:
            case Verdict.TAKEN:
                return self._moved(batch, answer)
            case Verdict.REFUSED if len(batch.messages) > 1:
                return self._halved(batch, answer)
            case Verdict.REFUSED:
                return self._parked(batch, answer)
            case Verdict.MISCONFIGURED:
                return self._misconfigured(answer)
            case Verdict.LATER:
                return self._later(answer)

    def _moved(self, batch: Batch, answer: Answer | None) -> bool:
        swept = swept_between(self._lease, batch.first, batch.end)
        with transaction.atomic():
            row = under(self._lease)
            row.cursor = batch.end
            row.pace = (batch.end - self._from) / max(time.monotonic() - self._began, 0.001)
            _note_swept(row, swept)
            if answer is not None:
                row.last_success_at = clock.now()
                row.sent_events += len(batch.messages)
                if any(one.type == CANARY for one in batch.events):
                    row.canary_at = row.last_success_at
                troubles.taken(row, answer, len(batch.messages))
            row.save()
        return True

    def _halved(self, batch: Batch, answer: Answer) -> bool:
        """The bad event is in one half: the first goes out next."""
        self._most = len(batch.messages) // 2
        self._suspect_until = max(self._suspect_until, batch.end - 1)
        with transaction.atomic():
            row = under(self._lease)
            troubles.note_answer(row, answer, len(batch.messages))
            row.failed_attempts += 1
            row.save()
        return True

    def _parked(self, batch: Batch, answer: Answer) -> bool:
        with transaction.atomic():
            row = under(self._lease)
            troubles.parked(row, batch.events[0], answer)
            row.save()
        return False

    def _misconfigured(self, answer: Answer) -> bool:
        with transaction.atomic():
            row = under(self._lease)
            troubles.misconfigured(row, answer)
            row.save()
        return False

    def _later(self, answer: Answer) -> bool:
        with transaction.atomic():
            row = under(self._lease)
            troubles.later(row, answer)
            row.save()
        return False


def _written(stretch: Stretch, format_: Format) -> Batch:
    """As many of the events as a batch may hold; at least one, however long.

    An event that can't be written ends the batch before it; alone, it is the whole batch, without
    a message.
    """
    messages: list[bytes] = []
    size = 0
    for at, event in enumerate(stretch.events):
        try:
            message = encoded(event, format_)
        except Exception:
            logger.exception("event %s can't be written as %s", event.event_id, format_)
            if not messages:
                return Batch(stretch.first, event.seq + 1, [event], [])
            return Batch(stretch.first, event.seq, stretch.events[:at], messages)
        size += len(message) + AROUND
        if messages and size > BATCH_BYTES:
            return Batch(stretch.first, event.seq, stretch.events[:at], messages)
        messages.append(message)
    return Batch(stretch.first, stretch.end, stretch.events, messages)


def _note_swept(row: SiemDestination, swept: Swept | None) -> None:
    if swept is None:
        return
    first = swept.first if row.swept_first is None else min(row.swept_first, swept.first)
    last = swept.last if row.swept_last is None else max(row.swept_last, swept.last)
    row.swept_first, row.swept_last = first, last
    row.swept_count += swept.count
