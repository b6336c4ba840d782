"""Who looked back: searches that are kept, a case that is closed, a report, an export."""

from datetime import timedelta

from django.core.management import call_command

from audit.models import Export, ExportFormat, Hold
from audit.selectors.events import EventFilter
from audit.selectors.reading import Reader
from audit.services.exports.requests import request_export
from audit.services.recording import Ref
from audit.services.retention.holds import place_hold, request_lift
from audit.services.retention.requests import approve_request
from audit.services.searches import save_search
from orgs.models import Membership, Organisation, Role
from orgs.roles import ROLE_PERMISSIONS
from reports.questions import DEFAULT_DAYS, Kind, Question
from reports.services.asking import request_report
from semafore.kernel import clock
from semafore.kernel.actor import acting_as
from semafore.kernel.tenancy import organisation_scope
from semafore.local.demo.characters import CaseStory, OrganisationStory, ReportStory
from semafore.local.demo.town import Town, member_actor


def look_back(town: Town, day: int) -> None:
    """Whatever was searched, held or asked for that day."""
    for search in town.story.searches:
        if search.day == day:
            with acting_as(town.actor(search.person)):
                save_search(
                    name=search.name,
                    filters=search.filters,
                    shared=True,
                    reader=_reader(town.members[search.person]),
                )
    for case in town.story.cases:
        if case.day == day:
            _hold(town, case)
        if case.lifted == day:
            _lift(town, case)
    for report in town.story.reports:
        if report.day == day:
            _report(town, report)


def export_once(story: OrganisationStory) -> None:
    """Have the owner ask for the first export, which a worker writes once there is one.

    An export reaches up to a checkpoint, so the log is brought up to date before.
    """
    organisation = Organisation.objects.get(slug=story.slug)
    with organisation_scope(organisation.id):
        if Export.objects.exists():
            return
    call_command("audit_log", "run", "--once")
    with organisation_scope(organisation.id):
        owner = Membership.objects.get(name=story.people[0].name)
        with acting_as(member_actor(owner)):
            request_export(
                format=ExportFormat.CSV,
                chosen=EventFilter(action="device.approved"),
                reader=_reader(owner),
                reason="Quarterly review of who was let in.",
                case_reference="",
            )


def _reader(person: Membership) -> Reader:
    return Reader(ROLE_PERMISSIONS[Role(person.role)], person.id)


def _hold(town: Town, case: CaseStory) -> None:
    with acting_as(town.actor(case.auditor)):
        place_hold(
            person=None,
            room=Ref("room", town.rooms[case.room], case.room),
            from_at=None,
            until_at=None,
            reason=case.reason,
            case_reference=case.reference,
        )


def _lift(town: Town, case: CaseStory) -> None:
    """Who placed it asks, and the owner agrees."""
    hold = Hold.objects.get(case_reference=case.reference)
    with acting_as(town.actor(case.auditor)):
        request = request_lift(hold_id=hold.id, reason=case.outcome)
    with acting_as(town.owner):
        approve_request(request_id=request.id)


def _report(town: Town, story: ReportStory) -> None:
    question = Question(
        kind=Kind.GRAPH,
        room=town.rooms[story.room],
        from_at=clock.now() - timedelta(days=DEFAULT_DAYS),
        to_at=clock.now(),
    )
    owner = town.members[town.story.people[0].name]
    with acting_as(town.owner):
        request_report(
            question=question, reason=story.reason, case_reference="", reader=_reader(owner)
        )
