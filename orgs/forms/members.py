"""Forms of the members pages."""

from typing import Any

from django import forms

from orgs.models import MembershipKind, MembershipStatus, Role

NAME_LENGTH = 200
UNIT_LENGTH = 100
REASON_LENGTH = 500


def any_of(choices: Any) -> list[tuple[str, str]]:
    """Choices of a filter, with "any" first."""
    return [("", "Any"), *choices.choices]


class MemberFilterForm(forms.Form):
    """Which members to list."""

    text = forms.CharField(
        label="Name or phone begins with", max_length=NAME_LENGTH, required=False
    )
    unit = forms.CharField(max_length=UNIT_LENGTH, required=False)
    role = forms.ChoiceField(choices=any_of(Role), required=False)
    status = forms.ChoiceField(choices=any_of(MembershipStatus), required=False)
    kind = forms.ChoiceField(choices=any_of(MembershipKind), required=False)


class ReasonForm(forms.Form):
    """Why: what is typed stands in the history and in the audit log."""

    reason = forms.CharField(
        max_length=REASON_LENGTH,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Stands in the person's history and in the audit log.",
    )


class RoleForm(forms.Form):
    """The role to give."""

    role = forms.ChoiceField(
        choices=Role.choices,
        widget=forms.RadioSelect,
        help_text="Owners decide about roles, policy and service tokens and read everything. "
        "Admins invite, approve, change and end people, devices and rooms. The helpdesk invites, "
        "approves and reports devices lost. Auditors read and export the audit log. Members have "
        "no say in the console.",
    )


class MemberForm(forms.Form):
    """What the organisation calls the person."""

    name = forms.CharField(max_length=NAME_LENGTH)
    unit = forms.CharField(
        max_length=UNIT_LENGTH, required=False, help_text="A department, a site, a ward."
    )


class EndDateForm(forms.Form):
    """When the membership ends by itself."""

    ends_at = forms.DateTimeField(
        label="Ends at (UTC)",
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        help_text="Empty: the membership has no end.",
    )
