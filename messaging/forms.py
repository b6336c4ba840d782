"""What administrators type about external rooms."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django import forms

from invitations.forms.issuing import NameField, PhoneField
from invitations.selectors.people import find_member
from messaging.models import RoomRole
from messaging.services.admission import GuestDraft
from messaging.services.external import NAME_LENGTH, REASON_LENGTH
from orgs.selectors.leavers import guests_without_sponsor

NAME_MISSING = "Give the name of guest {}."
PHONE_MISSING = "Give the phone number of guest {}, with its country code."
ROWS = 5
"""Of guests, on a page that works without JavaScript; further ones are asked for afterwards."""


class ReasonField(forms.CharField):
    """Why: stands in the audit log."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("help_text", "Stands in the history and in the audit log.")
        super().__init__(
            max_length=REASON_LENGTH, widget=forms.Textarea(attrs={"rows": 3}), **kwargs
        )


class EndField(forms.DateTimeField):
    """A moment in UTC."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
            **kwargs,
        )


class MembersField(forms.CharField):
    """Members by phone number or email address, one a line, as their ids."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(widget=forms.Textarea(attrs={"rows": 4}), required=False, **kwargs)

    def clean(self, value: Any) -> Any:
        """The ids. Raises ValidationError that names the lines that are nobody's."""
        lines = [line.strip() for line in super().clean(value).splitlines() if line.strip()]
        found = {line: find_member(line) for line in lines}
        unknown = [line for line, member in found.items() if member is None]
        if unknown:
            raise forms.ValidationError(
                f"No active member has this phone number or email address: {', '.join(unknown)}"
            )
        return [member.id for member in found.values() if member is not None]


class ReasonForm(forms.Form):
    """A reason, typed."""

    reason = ReasonField(label="Reason")


class GuestsForm(forms.Form):
    """Rows for guests, of whom the first is needed."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for row in range(1, ROWS + 1):
            needed = row == 1
            name = NameField(
                label="Name",
                max_length=NAME_LENGTH,
                required=needed,
                error_messages={"required": NAME_MISSING.format(row)},
            )
            phone = PhoneField(
                label="Phone number",
                required=needed,
                error_messages={"required": PHONE_MISSING.format(row)},
            )
            email = forms.EmailField(label="Email address", required=False)
            self.fields[f"name_{row}"] = name
            self.fields[f"phone_{row}"] = phone
            self.fields[f"email_{row}"] = email

    def clean(self) -> dict[str, Any]:
        """A name for each number, and a number for each name."""
        cleaned = super().clean() or self.cleaned_data
        for row in range(1, ROWS + 1):
            name, phone = cleaned.get(f"name_{row}"), cleaned.get(f"phone_{row}")
            if phone and not name and f"name_{row}" not in self.errors:
                self.add_error(f"name_{row}", NAME_MISSING.format(row))
            if name and not phone and f"phone_{row}" not in self.errors:
                self.add_error(f"phone_{row}", PHONE_MISSING.format(row))
        return cleaned

    def rows(self) -> Iterator[tuple[int, list[forms.BoundField]]]:
        """The fields of each row, by its number."""
        for row in range(1, ROWS + 1):
            yield row, [self[f"{part}_{row}"] for part in ("name", "phone", "email")]

    def others(self) -> list[forms.BoundField]:
        """The fields that are of no row."""
        return [self[name] for name in self.base_fields]

    def drafts(self) -> list[GuestDraft]:
        """Whom the rows of a valid form name."""
        typed = self.cleaned_data
        return [
            GuestDraft(
                name=typed[f"name_{row}"], phone=typed[f"phone_{row}"], email=typed[f"email_{row}"]
            )
            for row in range(1, ROWS + 1)
            if typed[f"name_{row}"]
        ]


class RoomRequestForm(GuestsForm):
    """An external room."""

    name = NameField(label="Name of the room", max_length=NAME_LENGTH)
    purpose = ReasonField(
        label="Purpose", help_text="What the room is for. Who decides reads this first."
    )
    party = NameField(
        label="Company", max_length=NAME_LENGTH, help_text="The guests are people of this company."
    )
    closes_at = EndField(
        label="Ends at (UTC)",
        help_text="Nothing can be sent from then on. An extension takes a new approval.",
    )
    members = MembersField(
        label="People of the organisation",
        help_text="Phone number or email address, one a line. You are in the room in any case.",
    )


class MoreGuestsForm(GuestsForm):
    """Further guests of a room."""

    reason = ReasonField(label="Reason")


class ExtensionForm(forms.Form):
    """A later end."""

    closes_at = EndField(label="Ends at (UTC)")
    reason = ReasonField(label="Reason")


class AppointForm(forms.Form):
    """What somebody is in a room."""

    role = forms.ChoiceField(choices=RoomRole, widget=forms.RadioSelect)


class TakeOverForm(forms.Form):
    """Which guests get whom as their sponsor."""

    guests = forms.TypedMultipleChoiceField(
        label="Guests",
        coerce=UUID,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Tick at least one guest."},
    )
    sponsor = forms.CharField(
        label="Sponsor",
        max_length=254,
        required=False,
        help_text="Phone number or email address of the member who answers for them from now on. "
        "Leave it empty if that is you.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["guests"].choices = [  # type: ignore[attr-defined]
            (guest.id, f"{guest.name} of {guest.party.name if guest.party else 'no company'}")
            for guest in guests_without_sponsor()
        ]

    def clean_sponsor(self) -> UUID | None:
        """The sponsor's membership; None for the person who asks."""
        written = self.cleaned_data["sponsor"]
        if not written:
            return None
        sponsor = find_member(written)
        if sponsor is None:
            raise forms.ValidationError("No active member has this phone number or email address.")
        return sponsor.id
