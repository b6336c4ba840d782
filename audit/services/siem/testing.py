"""A test: one event, now, and what came back."""

from dataclasses import dataclass
from uuid import UUID

from cryptography.fernet import InvalidToken
from django.db import transaction

from audit import errors
from audit.events import siem as events
from audit.selectors.outgoing import outgoing
from audit.selectors.reading import Reader
from audit.selectors.siem import destination, event_for_test
from audit.services.recording import record
from audit.services.siem import destination_ref, lock_destination
from audit.services.siem.delivery import receiver_of
from audit.siem.answers import Answer, Verdict
from audit.siem.formats import Format, encoded
from audit.siem.outgoing import Outgoing
from audit.siem.sending import sender_to

TEST_SECONDS = 8.0
"""Somebody waits for the page."""


@dataclass(frozen=True, slots=True)
class Tested:
    """What was sent, and how it ended."""

    event: Outgoing
    answer: Answer

    @property
    def taken(self) -> bool:
        """Whether the receiver has it."""
        return self.answer.verdict is Verdict.TAKEN


def send_test(*, destination_id: UUID, reader: Reader) -> Tested:
    """Send the newest event that it takes, a canary if there is one, apart from the others.

    One that the reader may read, since they are shown it. The receiver gets it in its turn too, or
    had it: the same id. Its place doesn't move, and no transaction is open while it is waited for.
    Raises NotFound, SiemNothingToSend.
    """
    row = destination(destination_id)
    found = outgoing(event_for_test(row, reader))
    if not found:
        raise errors.SiemNothingToSend
    event = found[0]
    try:
        sender = sender_to(receiver_of(row), seconds=TEST_SECONDS)
    except InvalidToken:
        answer = Answer(Verdict.MISCONFIGURED, "Its secret must be given again")
    else:
        try:
            answer = sender.send([encoded(event, Format(row.format))])
        finally:
            sender.close()
    with transaction.atomic():
        tested = events.SiemTested(event_id=event.event_id, outcome=answer.words)
        record(tested, target=destination_ref(lock_destination(destination_id)))
    return Tested(event, answer)
