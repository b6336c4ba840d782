"""What is asked at the console: about whom, when, why.

`person`, `room` and `party` are ids that a page gave or that were chosen; `person_search` and so on
what was typed to find them.
"""

from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID
from zoneinfo import available_timezones

from django import forms

from audit.forms.fields import CaseReferenceField, ReasonField
from audit.selectors.reading import Reader
from reports.drawing.heat_map import DAYS
from reports.finding import FINDING, found_by
from reports.questions import HOURS, WORK_DAYS, WORK_FROM, WORK_UNTIL, Kind, Question
from semafore.kernel import clock

if TYPE_CHECKING:
    from django.http import QueryDict

LABELS = {"person": "Person", "room": "Room", "party": "External party"}


class AskForm(forms.Form):
    """What every report asks; the subclasses say about whom or what theirs can be."""

    kind: ClassVar[Kind]
    about: ClassVar[tuple[str, ...]]

    from_day = forms.DateField(
        label="From, in UTC", widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    to_day = forms.DateField(
        label="To, in UTC",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text="This day is included.",
    )
    reason = ReasonField(
        help_text="Stands in the audit log, beside who asked. Owners and auditors read it, but not "
        "whom the report is about.",
    )
    case_reference = CaseReferenceField(
        help_text="Of the case or the request that this report is for.",
    )

    def __init__(
        self, data: Any = None, *, initial: Any = None, days: int, reader: Reader | None = None
    ) -> None:
        """`days`: how long the period is, if nothing else is said; `reader`: who asks."""
        self.reader = reader
        today = clock.now().date()
        given = data if data is not None else (initial or {})
        proposed = {"from_day": today - timedelta(days=days - 1), "to_day": today}
        super().__init__(data, initial={**proposed, **self.proposed(), **_plain(initial)})
        self.chosen: dict[str, str] = {}
        """What each part is called, once it is known which is meant."""
        self.unknown: list[str] = []
        for name in self.about:
            self._choose(name, given)
        searched = [field for name in self.about for field in (name, f"{name}_search")]
        self.order_fields(searched)

    def proposed(self) -> dict[str, Any]:
        """What else stands in the form at first."""
        return {}

    def _choose(self, name: str, given: Any) -> None:
        """A hidden field where it is known which is meant, else one to search or to choose."""
        hint, find, choices = FINDING[name]
        words = str(given.get(name) or given.get(f"{name}_search") or "").strip()
        found = choices(found_by(words, find)) if words else []
        if len(found) == 1:
            self.fields[name] = forms.UUIDField(
                initial=found[0][0], widget=forms.HiddenInput, required=False
            )
            self.chosen[name] = found[0][1]
            if self.is_bound:
                data: QueryDict = self.data.copy()  # type: ignore[attr-defined]  # of a request
                data[name] = str(found[0][0])
                self.data = data
            return
        self.fields[f"{name}_search"] = forms.CharField(
            label=LABELS[name], max_length=200, required=False, help_text=hint
        )
        if found:
            self.fields[name] = forms.ChoiceField(
                label=f"Which {LABELS[name].lower()}?",
                choices=found,
                widget=forms.RadioSelect,
                error_messages={"required": "Several fit what you typed. Choose one."},
            )
        elif words:
            self.unknown.append(name)

    def clean(self) -> dict[str, Any]:
        """What was typed names somebody."""
        for name in self.unknown:
            self.add_error(f"{name}_search", "Nothing here has a name that begins so, or this id.")
        if self.reader and _is_one_of(self.cleaned_data.get("person"), self.reader.own):
            self.add_error(None, "Nobody reports on themselves: another owner or auditor may.")
        return self.cleaned_data

    def question(self) -> Question:
        """Of a valid form."""
        typed = self.cleaned_data
        about: dict[str, Any] = {
            name: UUID(str(typed[name])) for name in self.about if typed.get(name)
        }
        return Question(
            kind=self.kind,
            from_at=_midnight(typed["from_day"]),
            to_at=_midnight(typed["to_day"] + timedelta(days=1)),
            **about,
            **self.parameters(),
        )

    def parameters(self) -> dict[str, Any]:
        """What the report asks beside that."""
        return {}


def _is_one_of(person: Any, own: Collection[UUID]) -> bool:
    """As a hidden field gives it, or a choice."""
    return str(person) in map(str, own)


def _plain(initial: Any) -> dict[str, Any]:
    return initial.dict() if hasattr(initial, "dict") else dict(initial or {})


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)


class GraphForm(AskForm):
    """A communication graph."""

    kind = Kind.GRAPH
    about = ("person", "room", "party")

    broadcasts = forms.BooleanField(
        label="Count broadcasts too",
        required=False,
        initial=True,
        help_text="As messages of their sender to everybody whom they reached.",
    )
    field_order = ("from_day", "to_day", "broadcasts", "reason", "case_reference")

    def clean(self) -> dict[str, Any]:
        """One of the three is named."""
        typed = super().clean()
        if not self.errors and sum(bool(typed.get(name)) for name in self.about) != 1:
            self.add_error(None, "Name one person, one room or one external party.")
        return typed

    def parameters(self) -> dict[str, Any]:
        """Whether broadcasts count."""
        return {"broadcasts": self.cleaned_data["broadcasts"]}


class TimingForm(AskForm):
    """A heat map."""

    kind = Kind.TIMING
    about = ("person", "room")

    time_zone = forms.ChoiceField(
        choices=lambda: [(name, name) for name in sorted(available_timezones())],
        help_text="Hours and days of the week are of this time zone.",
    )
    work_days = forms.TypedMultipleChoiceField(
        label="Working days",
        coerce=int,
        choices=list(enumerate(DAYS, start=1)),
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    work_from = forms.IntegerField(
        label="Work begins, hour", min_value=0, max_value=HOURS - 1, help_text="From 0 to 23."
    )
    work_until = forms.IntegerField(
        label="Work ends, hour", min_value=1, max_value=HOURS, help_text="From 1 to 24."
    )
    field_order = (
        "from_day",
        "to_day",
        "time_zone",
        "work_days",
        "work_from",
        "work_until",
        "reason",
        "case_reference",
    )

    def proposed(self) -> dict[str, Any]:
        """Monday to Friday, eight to six."""
        return {
            "time_zone": "UTC",
            "work_days": list(WORK_DAYS),
            "work_from": WORK_FROM,
            "work_until": WORK_UNTIL,
        }

    def clean(self) -> dict[str, Any]:
        """Work ends after it begins."""
        typed = super().clean()
        if typed.get("person") and typed.get("room"):
            self.add_error(None, "Name one person, one room or neither.")
        begins, ends = typed.get("work_from"), typed.get("work_until")
        if begins is not None and ends is not None and ends <= begins:
            self.add_error("work_until", "Work ends after it begins, on the same day.")
        return typed

    def parameters(self) -> dict[str, Any]:
        """Time zone and working hours."""
        typed = self.cleaned_data
        return {
            "time_zone": typed["time_zone"],
            "work_days": tuple(typed["work_days"]),
            "work_from": typed["work_from"],
            "work_until": typed["work_until"],
        }


class MembershipForm(AskForm):
    """Who was there."""

    kind = Kind.MEMBERSHIP
    about = ("room",)

    at = forms.DateTimeField(
        label="Who was there at, in UTC",
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )
    field_order = ("at", "from_day", "to_day", "reason", "case_reference")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["from_day"].label = "Changes from, in UTC"
        self.fields["to_day"].label = "Changes to, in UTC"

    def proposed(self) -> dict[str, Any]:
        """Now."""
        return {"at": clock.now().replace(second=0, microsecond=0)}

    def parameters(self) -> dict[str, Any]:
        """The moment."""
        return {"at": self.cleaned_data["at"]}


FORMS: Mapping[Kind, type[AskForm]] = {
    form.kind: form for form in (GraphForm, TimingForm, MembershipForm)
}
