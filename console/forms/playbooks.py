"""Forms of playbooks: the one act."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django import forms

from audit.forms.fields import CaseReferenceField, MomentField, ReasonField
from keys.models import Device


class LostPhoneForm(forms.Form):
    """Which devices are lost, and how."""

    devices = forms.TypedMultipleChoiceField(
        label="Lost devices",
        coerce=UUID,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Tick at least one device."},
    )
    reason = ReasonField(help_text="Stands in the history and in the audit log.")

    def __init__(self, *args: Any, devices: Sequence[Device], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["devices"].choices = [  # type: ignore[attr-defined]  # a ChoiceField
            (device.id, f"{device.name}, {device.get_platform_display()}") for device in devices
        ]


class InvestigationForm(forms.Form):
    """What the hold covers, and why."""

    from_at = MomentField(label="From, in UTC", help_text="Empty: from the beginning.")
    until_at = MomentField(
        label="Until, in UTC", help_text="Empty: everything up to now, and what comes."
    )
    reason = ReasonField()
    case_reference = CaseReferenceField(required=True, help_text="Of the case's file.")
