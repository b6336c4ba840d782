"""Everything that the organisation holds on one person, as an export."""

from typing import Any
from uuid import UUID

from django import forms

from audit.forms.fields import CaseReferenceField, ReasonField
from audit.models import ExportFormat
from audit.selectors.events import EventFilter
from audit.selectors.reading import reader_of
from audit.services.exports.requests import request_export
from orgs.models import Membership
from orgs.selectors.members import member, memberships_of
from orgs.services.memberships import membership_ref
from semafore.kernel.http.decisions import DecisionView
from semafore.kernel.permissions import Permission

HOLDS = (
    "It holds what this organisation has on the person: memberships, devices, invitations, rooms, "
    "when messages passed, and the events of the audit log. No message, no key, nothing of other "
    "organisations."
)
SET_ASIDE = (
    "What tells that somebody examines the person (holds, reports, searches, exports) lies in a "
    "folder of its own, set-aside. Review it, and take it out before you hand out the rest."
)
MINE = "It is about you: what others look at you for isn't in it."


class SubjectAccessForm(forms.Form):
    """Why, and for which request."""

    reason = ReasonField(
        help_text="Stands in the audit log and in the export, which the person may be handed.",
    )
    case_reference = CaseReferenceField(
        help_text="Of the person's request.",
    )


class SubjectAccessView(DecisionView):
    """Ask for the export; whoever asked downloads it from its own page."""

    requires = Permission.AUDIT_EXPORT
    title = "Subject access export for {0.name}"
    form_class = SubjectAccessForm
    submit = "Write the export"

    def subject(self, **ids: UUID) -> Membership:
        """The person. Raises NotFound."""
        return member(ids["membership_id"])

    def consequences(self, subject: Membership) -> list[str]:
        """What will be in it, and what has to be looked at before it is handed out."""
        times = len(memberships_of(subject))
        several = [f"All {times} of their memberships here are in it."] if times > 1 else []
        return [
            "A worker writes one ZIP: a page to be printed, and each table as CSV and JSON.",
            HOLDS,
            *several,
            "Other people are masked: “another person 3” is the same one throughout.",
            MINE if subject.id in reader_of(self.seat).own else SET_ASIDE,
            "You alone can download it. Asking for it and each download are events.",
        ]

    def act(self, subject: Membership, data: dict[str, Any]) -> str:
        """Raises ExportInvalid."""
        self.made = request_export(
            format=ExportFormat.SUBJECT_ACCESS,
            chosen=EventFilter(),
            reader=reader_of(self.seat),
            person=[membership_ref(one) for one in memberships_of(subject)],
            **data,
        )
        return "The export is asked for."

    def elsewhere(self, subject: Membership) -> str:
        """The person's page."""
        return self.link("member", subject.id)

    def afterwards(self, subject: Membership) -> str:
        """The export's page."""
        del subject
        return self.link("export", self.made.id)
