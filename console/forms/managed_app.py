"""What an organisation wants of the app."""

from dataclasses import fields
from typing import Any

from django import forms

from orgs.managed_app import EXPLAINED, LOCK_MINUTES, ManagedApp
from semafore.kernel.app_version import TEXT


class ManagedAppForm(forms.Form):
    """Named as the fields of `ManagedApp`, and explained as MDM consoles explain them."""

    backup_allowed = forms.BooleanField(required=False)
    screenshots_allowed = forms.BooleanField(required=False)
    clipboard_allowed = forms.BooleanField(required=False)
    min_app_version = forms.RegexField(
        regex=f"^{TEXT.pattern}\\Z",
        max_length=14,
        required=False,
        error_messages={"invalid": "Three numbers with dots, as 2.4.0."},
    )
    lock_after_minutes = forms.IntegerField(min_value=LOCK_MINUTES[0], max_value=LOCK_MINUTES[1])
    wipe_on_revocation = forms.BooleanField(required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            field.label, field.help_text = EXPLAINED[name].label, EXPLAINED[name].help

    def settings(self) -> ManagedApp:
        """What was chosen; of a valid form."""
        return ManagedApp(**{one.name: self.cleaned_data[one.name] for one in fields(ManagedApp)})
