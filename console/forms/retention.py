"""Forms of retention and holds."""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from django import forms

from audit.forms.fields import CaseReferenceField, MomentField, ReasonField
from audit.models.retention import (
    LEAST_AUDIT_DAYS,
    LEAST_METADATA_DAYS,
    MOST_DAYS,
)
from console.selectors.search import people_called, rooms_called
from messaging.models import Room
from orgs.models import Membership

CHOICES = 10
"""So many people or rooms are offered where several fit what was typed."""


class ReasonForm(forms.Form):
    """A reason, typed."""

    reason = ReasonField()


class PeriodsForm(forms.Form):
    """The three periods, named as `change_periods` does."""

    metadata_days = forms.IntegerField(
        label="Metadata, in days",
        min_value=LEAST_METADATA_DAYS,
        max_value=MOST_DAYS,
        help_text="How long it is known who wrote to whom and when, who fetched whose keys, who "
        "was refused what.",
    )
    existence_days = forms.IntegerField(
        label="Proof of existence, in days",
        min_value=LEAST_METADATA_DAYS,
        max_value=MOST_DAYS,
        help_text="How long it can be proved that a ciphertext existed and transited, without the "
        "people. Never shorter than the metadata.",
    )
    audit_days = forms.IntegerField(
        label="Audit, in days",
        min_value=LEAST_AUDIT_DAYS,
        max_value=MOST_DAYS,
        help_text=f"How long events of administration, sign-in, devices and reading are kept. At "
        f"least {LEAST_AUDIT_DAYS}.",
    )

    def clean(self) -> dict[str, Any]:
        """Existence covers the metadata."""
        cleaned = self.cleaned_data
        metadata, existence = cleaned.get("metadata_days"), cleaned.get("existence_days")
        if metadata and existence and existence < metadata:
            self.add_error("existence_days", "This can't be shorter than the metadata's.")
        return cleaned


class ConfirmForm(PeriodsForm):
    """The periods again, and why."""

    reason = ReasonField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in PeriodsForm.base_fields:
            self.fields[name].widget = forms.HiddenInput()


class HoldForm(forms.Form):
    """What a hold covers, and why.

    `person` and `room` are ids that a page gave or that were chosen; `person_search` and
    `room_search` what was typed to find them.
    """

    person_search = forms.CharField(
        label="Person",
        max_length=200,
        required=False,
        help_text="A name, a phone number, an email address or an id. Somebody who has left too.",
    )
    room_search = forms.CharField(
        label="Room", max_length=200, required=False, help_text="A name or an id."
    )
    from_at = MomentField(label="From, in UTC")
    until_at = MomentField(
        label="Until, in UTC", help_text="Empty: everything up to now, and what comes."
    )
    reason = ReasonField()
    case_reference = CaseReferenceField(
        help_text="Of the case or the request that this hold is for.",
    )

    def __init__(self, data: Any = None, *, initial: Any = None) -> None:
        super().__init__(data, initial=initial)
        given = data if data is not None else (initial or {})
        self.unknown: list[str] = []
        self.person: Membership | None = self._choose("person", given, people_called, _person)
        self.room: tuple[Room, str] | None = self._choose("room", given, rooms_called, _room)
        self.order_fields(["person", "person_search", "room", "room_search"])

    def _choose(
        self,
        name: str,
        given: Any,
        find: Callable[[str], Sequence[Any]],
        choice: Callable[[Any], tuple[UUID, str]],
    ) -> Any:
        """The one that is meant; where several may be, a field to choose from them."""
        chosen = str(given.get(name) or "")
        words = chosen or str(given.get(f"{name}_search") or "").strip()
        found = find(words) if words else []
        if len(found) == 1:
            self.fields[name] = forms.UUIDField(
                initial=choice(found[0])[0], widget=forms.HiddenInput, required=False
            )
            del self.fields[f"{name}_search"]
            return found[0]
        if found:
            self.fields[name] = forms.ChoiceField(
                label=f"Which {name}?",
                choices=[choice(one) for one in found[:CHOICES]],
                widget=forms.RadioSelect,
                error_messages={"required": f"Several fit what you typed. Choose the {name}."},
            )
        elif words:
            self.unknown.append(name)
        return None

    def clean(self) -> dict[str, Any]:
        """What was typed names somebody."""
        for name in self.unknown:
            self.add_error(f"{name}_search", f"No {name} here has this name, number or id.")
        return self.cleaned_data


def _person(person: Membership) -> tuple[UUID, str]:
    more = ", ".join(word for word in (person.unit, person.phone, person.email) if word)
    return person.id, f"{person.name} ({more})" if more else person.name


def _room(room: tuple[Room, str]) -> tuple[UUID, str]:
    return room[0].id, room[1]
