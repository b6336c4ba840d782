"""What the lists of the console can be filtered by."""

from django import forms

from messaging.models import RoomKind, RoomStatus
from messaging.selectors.room_list import INTERNAL
from orgs.forms.members import any_of

DAYS_MAX = 3650


class RoomFilterForm(forms.Form):
    """Which rooms to list."""

    text = forms.CharField(label="Name begins with", max_length=200, required=False)
    kind = forms.ChoiceField(
        choices=[("", "Any"), (INTERNAL, "Internal"), *RoomKind.choices], required=False
    )
    status = forms.ChoiceField(choices=any_of(RoomStatus), required=False)
    party = forms.CharField(label="External party", max_length=200, required=False)
    sponsor = forms.CharField(label="Sponsor of a guest", max_length=200, required=False)
    ends_within = forms.IntegerField(
        label="Ends within days", min_value=0, max_value=DAYS_MAX, required=False
    )
    silent_for = forms.IntegerField(
        label="Silent for days", min_value=1, max_value=DAYS_MAX, required=False
    )


class PartyFilterForm(forms.Form):
    """Which parties to list."""

    text = forms.CharField(label="Name begins with", max_length=200, required=False)


class ScreenshotFilterForm(forms.Form):
    """Which reports to list."""

    text = forms.CharField(
        label="Person's name or phone begins with", max_length=200, required=False
    )
    room = forms.CharField(label="Room's name begins with", max_length=200, required=False)
