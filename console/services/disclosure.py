"""Making a disclosure report: it is read, and that it was is recorded, at once."""

from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from audit.services.recording import record_platform
from console.disclosure.report import Disclosure, disclosure_of
from console.events.disclosure import DisclosureReported
from orgs.services.accounts import normalise_phone


@dataclass(frozen=True, slots=True)
class Disclosed:
    """The report, and the event in the platform's own log that records it."""

    disclosure: Disclosure
    event_id: UUID


@transaction.atomic
def disclose(*, phone: str, reference: str) -> Disclosed:
    """Everything that is held on whoever has the number. Raises PhoneInvalid.

    By the current actor. No organisation's log says a word of it: none may learn that a person of
    theirs is asked about.
    """
    number = normalise_phone(phone)
    disclosure = disclosure_of(number)
    recorded = record_platform(
        DisclosureReported(
            account_ids=disclosure.account_ids,
            organisations=len(disclosure.organisation_ids),
            reference=reference,
            content_sha256=disclosure.digest(),
        )
    )
    return Disclosed(disclosure, recorded.event_id)
