"""The explorer's filters: as a form, as an address, and in words."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from itertools import groupby
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from uuid import UUID

from django import forms

from audit.forms.fields import TO_THE_MINUTE
from audit.selectors.events import EventFilter, readable_types
from audit.selectors.known import PLACES, called
from audit.selectors.reading import Reader
from audit.sentences import FILTERS, OUTCOMES, type_in_words
from semafore.kernel import clock
from semafore.kernel.permissions import Permission

if TYPE_CHECKING:
    from semafore.kernel.hooks import Known

OWN = "own"
PERIODS = MappingProxyType(
    {
        "": "Any time",
        "today": "Today",
        "7": "Last 7 days",
        "30": "Last 30 days",
        OWN: "Times below",
    }
)
DAYS = MappingProxyType({"today": 0, "7": 7, "30": 30})
"""How many days before today a period begins."""

TYPED = MappingProxyType({"who": "actor", "whom": "target", "where": "room"})
"""Fields in which a name is typed, and the filter that it stands for."""

KINDS = MappingProxyType(
    {"who": {"member", "device"}, "whom": {"member", "device", "room"}, "where": {"room"}}
)

LABELS = MappingProxyType({"period": "When", **FILTERS})
"""The filters in the order of an address; also those that no field shows."""

MORE = ("from_at", "to_at", "whom", "where", "outcome", "address", "message")
"""The fields that are folded away until one of them is used."""


def types_of(reader: Reader) -> list[Any]:
    """The types that the reader may read, by their subject."""
    names = [one.name for one in readable_types(reader.permissions)]
    groups = groupby(names, lambda name: name.split(".")[0])
    return [
        ("", "Anything"),
        *(
            (type_in_words(subject), [(name, type_in_words(name)) for name in of_subject])
            for subject, of_subject in groups
        ),
    ]


class ExplorerForm(forms.Form):
    """Which events. Whoever is named by a link stands in a hidden field, and in a chip above."""

    period = forms.ChoiceField(label="When", choices=PERIODS.items, required=False)
    action = forms.ChoiceField(label="What happened", required=False)
    who = forms.CharField(
        label="Who", required=False, max_length=200, help_text="A name, a number or an id"
    )
    from_at = forms.DateTimeField(label="From, in UTC", required=False)
    to_at = forms.DateTimeField(label="To, in UTC", required=False, help_text="Not included")
    whom = forms.CharField(
        label="To whom or what", required=False, max_length=200, help_text="A name or an id"
    )
    where = forms.CharField(
        label="Room", required=False, max_length=200, help_text="A name or an id"
    )
    outcome = forms.ChoiceField(choices=[("", "Any"), *OUTCOMES.items()], required=False)
    address = forms.GenericIPAddressField(
        label="Address", required=False, help_text="An IP address"
    )
    message = forms.UUIDField(label="Message", required=False, help_text="The sender's id of it")
    actor = forms.UUIDField(required=False, widget=forms.HiddenInput)
    target = forms.UUIDField(required=False, widget=forms.HiddenInput)
    room = forms.UUIDField(required=False, widget=forms.HiddenInput)
    about = forms.UUIDField(required=False, widget=forms.HiddenInput)

    def __init__(self, data: Mapping[str, Any], *, reader: Reader) -> None:
        # Django's QueryDict answers with the last of several values, as everywhere.
        given = {name: data[name] for name in data}
        if not given.get("period") and (given.get("from_at") or given.get("to_at")):
            given["period"] = OWN
        super().__init__(given)
        self.several: dict[str, list[Known]] = {}
        """Filters for which several fit what was typed."""
        self.fields["action"].choices = types_of(reader)  # type: ignore[attr-defined]  # a ChoiceField
        for name in ("from_at", "to_at"):
            self.fields[name].widget = forms.DateTimeInput(
                attrs={"type": "datetime-local"}, format=TO_THE_MINUTE
            )
        if Permission.AUDIT_READ_TRAFFIC not in reader.permissions:
            del self.fields["message"]

    def clean(self) -> dict[str, Any]:
        """What was typed becomes the id that it means; of a period by name the times are known."""
        typed = self.cleaned_data
        for name, place in TYPED.items():
            if words := typed.get(name):
                self._settle(name, place, words)
        if typed.get("period") in DAYS:
            typed["from_at"] = typed["to_at"] = None
        start, end = typed.get("from_at"), typed.get("to_at")
        if typed.get("period") == OWN and not (
            start or end or {"from_at", "to_at"} & self.errors.keys()
        ):
            self.add_error("from_at", "Give the time from which, or up to which.")
        if start and end and end <= start:
            self.add_error("to_at", "The period ends before it begins.")
        return typed

    def _settle(self, name: str, place: str, words: str) -> None:
        """An id is taken as it is: it may be of something that is deleted."""
        try:
            self.cleaned_data[place] = UUID(words)
        except ValueError:
            found = called(words, KINDS[name])
            if len(found) == 1:
                self.cleaned_data[place] = found[0].id
            elif found:
                self.several[place] = found
            else:
                self.add_error(name, "Nothing here has this name, number or id.")

    @property
    def folded_open(self) -> bool:
        """Whether one of the fields that are folded away says something."""
        return any(self[name].value() or self[name].errors for name in MORE if name in self.fields)

    @property
    def more(self) -> list[forms.BoundField]:
        """The fields that are folded away."""
        return [self[name] for name in MORE if name in self.fields]

    def parameters(self) -> dict[str, str]:
        """Of a valid form: the filters as the address holds them, without the empty ones."""
        typed = {name: self.cleaned_data.get(name) for name in LABELS}
        if typed["period"] == OWN:
            typed["period"] = None
        return {
            name: moment(value) if isinstance(value, datetime) else str(value)
            for name, value in typed.items()
            if value
        }

    def chosen(self) -> EventFilter:
        """Of a valid form."""
        typed = self.cleaned_data
        return EventFilter(
            from_at=begin_of(typed["period"]) or typed["from_at"],
            to_at=typed["to_at"],
            action=typed["action"],
            actor=typed["actor"],
            target=typed["target"],
            room=typed["room"],
            outcome=typed["outcome"],
            address=typed["address"],
            message=typed.get("message"),
            about=typed["about"],
        )


def begin_of(period: str) -> datetime | None:
    """When a period by name begins; None for those whose times are given."""
    if period not in DAYS:
        return None
    today = datetime.combine(clock.now().date(), time(), UTC)
    return today - timedelta(days=DAYS[period])


def moment(value: datetime) -> str:
    """A time as the form and the address hold it: to the minute, in UTC."""
    return value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="minutes")


def query(parameters: Mapping[str, str], **changes: object) -> str:
    """An address's query, with these filters instead; None takes one away. Empty without any."""
    wanted = {**dict.fromkeys(LABELS), **parameters, **changes}
    given = [(name, value) for name, value in wanted.items() if value is not None]
    return f"?{urlencode(given)}" if given else ""


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter in words, and the address without it."""

    label: str
    value: str
    without: str


def chips(parameters: Mapping[str, str], names: Mapping[str, str]) -> list[Chip]:
    """The filters in words; `names` says what ids are called."""
    return [
        Chip(label, _value(name, parameters[name], names), query(parameters, **{name: None}))
        for name, label in LABELS.items()
        if name in parameters
    ]


def _value(name: str, value: str, names: Mapping[str, str]) -> str:
    if name in PLACES:
        return names.get(value, value)
    match name:
        case "period":
            return PERIODS.get(value, value)
        case "outcome":
            return OUTCOMES.get(value, value)
        case "action":
            return type_in_words(value)
        case "from_at" | "to_at":
            return f"{datetime.fromisoformat(value):%-d %b %Y, %H:%M} UTC"
    return value


def in_words(parameters: Mapping[str, str], names: Mapping[str, str]) -> str:
    """The filters in a line."""
    said = (f"{chip.label}: {chip.value}" for chip in chips(parameters, names))
    return "; ".join(said) or "Everything"


def ids_of(parameters: Iterable[Mapping[str, str]]) -> set[UUID]:
    """The ids that these filters name."""
    return {UUID(one[place]) for one in parameters for place in PLACES if place in one}
