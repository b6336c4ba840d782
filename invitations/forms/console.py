"""What administrators do with invitations: find, end, extend, issue many."""

from django import forms

from invitations.forms.issuing import ByPhoneForm, InvitationForm
from invitations.models import Delivery, Purpose, State


class FilterForm(forms.Form):
    """What the list shows; stands in its address."""

    state = forms.ChoiceField(
        label="State",
        required=False,
        choices=[("", "Any"), ("open", "Open"), *((one.value, one.label) for one in State)],
    )
    purpose = forms.ChoiceField(
        label="For", required=False, choices=[("", "Any"), *Purpose.choices]
    )
    delivery = forms.ChoiceField(
        label="Delivery", required=False, choices=[("", "Any"), *Delivery.choices]
    )
    search = forms.CharField(
        label="Name, phone or email begins with", required=False, max_length=200
    )


class ReasonForm(forms.Form):
    """A reason, typed."""

    reason = forms.CharField(label="Reason", max_length=500, widget=forms.Textarea({"rows": 3}))


class ExtendForm(forms.Form):
    """More time."""

    valid_days = InvitationForm.base_fields["valid_days"]


class BulkForm(forms.Form):
    """A file of people to invite."""

    file = forms.FileField(
        label="CSV file", help_text="In UTF-8, at most 1 MiB and 1000 rows below the header."
    )
    channel = ByPhoneForm.base_fields["channel"]
    valid_days = InvitationForm.base_fields["valid_days"]
