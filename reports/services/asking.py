"""Asking for a report and looking at it: each is an event, in the transaction of the act.

Nobody reports on themselves: whoever examines others is examined by others. It is refused as a
person who isn't there.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar
from uuid import UUID

from django.db import transaction

from audit.selectors.events import one_event
from audit.selectors.reading import Reader
from audit.selectors.retention import periods
from audit.services.recording import Ref, record
from invitations.services.parties import party_ref
from messaging.selectors.parties import party
from messaging.selectors.room_list import room, titles_of
from orgs.models import Membership
from orgs.selectors.members import member
from orgs.services.memberships import membership_ref
from reports.errors import ReportClosed
from reports.events.reports import ReportOpened, ReportRequested
from reports.questions import Question, check_question, question_of
from semafore.kernel import clock
from semafore.kernel.problems import NotFound, NotPermitted

A = TypeVar("A")

OPEN_FOR = timedelta(hours=1)
"""How long an answer can be looked at after it was asked for."""


@dataclass(frozen=True, slots=True)
class About:
    """Whom or what a report is about, as events name them; nothing: the organisation."""

    person: Ref | None = None
    room: Ref | None = None
    party: Ref | None = None

    @property
    def words(self) -> str:
        """For a heading."""
        found = self.person or self.room or self.party
        return found.label if found else "the organisation"


@dataclass(frozen=True, slots=True)
class Opened(Generic[A]):
    """A report with its answer."""

    id: UUID
    question: Question
    about: About
    reason: str
    case_reference: str
    asked_at: datetime
    answer: A

    @property
    def closes_at(self) -> datetime:
        """From when on it has to be asked for again."""
        return self.asked_at + OPEN_FOR


@transaction.atomic
def request_report(*, question: Question, reason: str, case_reference: str, reader: Reader) -> UUID:
    """Ask for a report; the id under which it can be looked at.

    Raises NotFound for whom there isn't here, and for the reader; ReportTerms.
    """
    about = _about(question, reader)
    asked = ReportRequested(
        kind=question.kind.words,
        parameters={"report": question.kind, **question.parameters()},
        reason=reason,
        case_reference=case_reference,
    )
    return record(asked, target=about.party, subject=about.person, room=about.room).event_id


@transaction.atomic
def open_report(
    *, report_id: UUID, reader: Reader, form: str, read: Callable[[Question], A]
) -> Opened[A]:
    """Look at a report that the reader asked for: `read` answers its question.

    Raises NotFound, NotPermitted for somebody else's, ReportClosed when its hour is over, and what
    `read` raises.
    """
    found = one_event(report_id, reader)
    if not found.what or not found.who or found.what["type"] != ReportRequested.type.name:
        raise NotFound
    if not is_by(found.who, reader):
        raise NotPermitted("Somebody else asked for this report. Ask for one of your own.")
    asked_at = datetime.fromisoformat(found.what["time"])
    if clock.now() - asked_at > OPEN_FOR:
        raise ReportClosed
    data = found.what["data"]
    parameters = dict(data["parameters"])
    about = About(*(_ref(found.who[part]) for part in ("subject", "room", "target")))
    question = question_of(
        parameters.pop("report"),
        parameters,
        {
            "person": about.person.id if about.person else None,
            "room": about.room.id if about.room else None,
            "party": about.party.id if about.party else None,
        },
    )
    reason, case_reference = data["reason"], data["case_reference"]
    _record_opening(
        question,
        about,
        reason=reason,
        case_reference=case_reference,
        form=form,
        event_id=report_id,
    )
    return Opened(report_id, question, about, reason, case_reference, asked_at, read(question))


@transaction.atomic
def answer_report(
    *,
    question: Question,
    reason: str,
    case_reference: str,
    reader: Reader,
    form: str,
    read: Callable[[Question], A],
) -> A:
    """Ask and look at once, as programs do. Raises as the two others."""
    about = _about(question, reader)
    _record_opening(
        question, about, reason=reason, case_reference=case_reference, form=form, event_id=None
    )
    return read(question)


def _record_opening(
    question: Question,
    about: About,
    *,
    reason: str,
    case_reference: str,
    form: str,
    event_id: UUID | None,
) -> None:
    opened = ReportOpened(
        event_id=event_id,
        kind=question.kind.words,
        parameters=question.parameters(),
        reason=reason,
        case_reference=case_reference,
        form=form,
    )
    record(opened, target=about.party, subject=about.person, room=about.room)


def _about(question: Question, reader: Reader) -> About:
    """The parts that are named. Raises NotFound, ReportTerms."""
    check_question(question, metadata_days=periods().metadata_days)
    person = member(question.person) if question.person else None
    if person and is_reader(person, reader):
        raise NotFound
    return About(
        membership_ref(person) if person else None,
        _room_ref(question.room) if question.room else None,
        party_ref(party(question.party)) if question.party else None,
    )


def is_reader(person: Membership, reader: Reader) -> bool:
    """Whether this is the reader, now or in an earlier time here."""
    return person.id in reader.own


def is_by(who: Mapping[str, Any], reader: Reader) -> bool:
    """Whether this is what the reader did, now or in an earlier time here."""
    return who["actor"]["member"] in {str(one) for one in reader.own}


def _room_ref(room_id: UUID) -> Ref:
    found = room(room_id)
    return Ref("room", found.id, titles_of([found])[found.id])


def _ref(named: dict[str, Any] | None) -> Ref | None:
    return Ref(named["kind"], UUID(named["id"]), named["label"]) if named else None
