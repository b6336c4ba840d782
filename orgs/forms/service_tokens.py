"""Forms of the service tokens pages."""

from django import forms

from orgs.models import Scope
from orgs.services.service_tokens import LONGEST


class ServiceTokenForm(forms.Form):
    """A new token."""

    name = forms.CharField(
        max_length=100, help_text="The program that will use it, and who looks after that."
    )
    scopes = forms.MultipleChoiceField(
        label="It may", choices=Scope.choices, widget=forms.CheckboxSelectMultiple
    )
    days = forms.IntegerField(
        label="Valid for, in days", min_value=1, max_value=LONGEST.days, initial=90
    )
