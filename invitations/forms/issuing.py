"""What administrators type to invite somebody; rows of a CSV file are read by the same forms."""

from datetime import UTC, date, datetime, time
from typing import Any
from uuid import UUID

from django import forms

from invitations.models import Channel, Purpose
from invitations.selectors.people import find_member
from invitations.services.terms import LEAST_VALID_DAYS, MOST_VALID_DAYS, VALID_DAYS, Draft
from orgs.errors import PhoneInvalid
from orgs.models import Role
from orgs.services.accounts import normalise_phone


class LastDayField(forms.DateField):
    """A day, as the moment at which it ends in UTC."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"),
            input_formats=["%Y-%m-%d", "%d/%m/%Y"],
            help_text="The day ends at midnight, UTC.",
            **kwargs,
        )

    def clean(self, value: Any) -> Any:
        """The end of the day, or None. Raises ValidationError."""
        day: date | None = super().clean(value)
        return datetime.combine(day, time.max, tzinfo=UTC) if day else None


class NameField(forms.CharField):
    """A name, its white space in single spaces."""

    def clean(self, value: Any) -> Any:
        """The name; line breaks from a CSV cell too become spaces."""
        return super().clean(" ".join(value.split()) if isinstance(value, str) else value)


class PhoneField(forms.CharField):
    """A phone number with its country code, as E.164."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("widget", forms.TextInput({"type": "tel", "autocomplete": "off"}))
        super().__init__(max_length=40, **kwargs)

    def clean(self, value: Any) -> Any:
        """The number. Raises ValidationError that says what is missing."""
        written = super().clean(value)
        if not written:
            return written
        try:
            return normalise_phone(written)
        except PhoneInvalid as problem:
            if not written.lstrip().startswith("+"):
                message = "Give the number with its country code, such as +44 7700 900123."
                raise forms.ValidationError(message) from None
            raise forms.ValidationError(problem.detail) from None


class InvitationForm(forms.Form):
    """What every invitation has."""

    purpose: Purpose

    valid_days = forms.IntegerField(
        label="Valid for (days)",
        min_value=LEAST_VALID_DAYS,
        max_value=MOST_VALID_DAYS,
        initial=VALID_DAYS,
    )

    def draft(self, **further: Any) -> Draft:
        """The draft of what was typed."""
        return Draft(purpose=self.purpose, **{**self.cleaned_data, **further})


class ByPhoneForm(InvitationForm):
    """An invitation whose phone has to be proved."""

    channel = forms.ChoiceField(
        label="How the link reaches the person",
        choices=[
            (Channel.SMS, "By SMS"),
            (Channel.EMAIL, "By email"),
            (Channel.HAND, "By hand: you pass on the link or show the QR code"),
        ],
        initial=Channel.SMS,
        widget=forms.RadioSelect,
    )

    def clean(self) -> dict[str, Any]:
        """An email address where the link goes by email."""
        cleaned = super().clean() or {}
        if "email" in self.fields and not cleaned.get("email") and "email" not in self.errors:
            if cleaned.get("channel") == Channel.EMAIL:
                self.add_error("email", "Give the address that the link goes to.")
            cleaned["email"] = ""
        return cleaned


class PersonForm(ByPhoneForm):
    """Somebody new, with a phone."""

    name = NameField(label="Name", max_length=200)
    phone = PhoneField(
        label="Phone number", help_text="With its country code, such as +44 7700 900123."
    )
    email = forms.EmailField(label="Email address", required=False)
    unit = NameField(label="Unit", max_length=100, required=False)


class MemberForm(PersonForm):
    """A member of the organisation."""

    purpose = Purpose.MEMBER

    role = forms.ChoiceField(label="Role", choices=Role, initial=Role.MEMBER)

    field_order = ("name", "phone", "email", "role", "unit", "channel", "valid_days")

    def __init__(self, *args: Any, every_role: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _offer_roles(self.fields["role"], every_role=every_role)


class DeviceForm(ByPhoneForm):
    """A replacement device for a member who has none left."""

    purpose = Purpose.DEVICE

    member = forms.CharField(
        label="Member",
        max_length=254,
        help_text="The phone number or email address under which the organisation knows them.",
    )

    field_order = ("member", "channel", "valid_days")

    def clean_member(self) -> UUID:
        """The member."""
        member = find_member(self.cleaned_data["member"])
        if member is None:
            raise forms.ValidationError("No active member has this phone number or email address.")
        return member.id

    def draft(self, **further: Any) -> Draft:
        """The draft of what was typed."""
        membership_id = self.cleaned_data.pop("member")
        return super().draft(membership_id=membership_id, **further)


class ConsoleForm(InvitationForm):
    """Somebody who works in the console and needs no device."""

    purpose = Purpose.CONSOLE

    name = NameField(label="Name", max_length=200)
    email = forms.EmailField(
        label="Email address", help_text="The link goes there: holding it proves the address."
    )
    role = forms.ChoiceField(label="Role", choices=Role, initial=Role.AUDITOR)
    unit = NameField(label="Unit", max_length=100, required=False)
    membership_ends_at = LastDayField(label="Last day, if there is one", required=False)

    field_order = ("name", "email", "role", "unit", "membership_ends_at", "valid_days")

    def __init__(self, *args: Any, every_role: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _offer_roles(self.fields["role"], every_role=every_role, without=Role.MEMBER)


def _offer_roles(field: forms.Field, *, every_role: bool, without: Role | None = None) -> None:
    offered = Role if every_role else (Role.MEMBER,)
    field.choices = [  # type: ignore[attr-defined]  # a ChoiceField
        (role.value, role.label) for role in offered if role != without
    ]
