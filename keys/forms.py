"""Forms of the devices pages."""

from django import forms

from keys.models import Deviation, DeviceStatus, RevocationReason
from keys.selectors.health import DEVIATES, SILENT, Health


class DeviceFilterForm(forms.Form):
    """Which devices to list."""

    text = forms.CharField(
        label="Person's name or phone begins with", max_length=200, required=False
    )
    status = forms.ChoiceField(choices=[("", "Any"), *DeviceStatus.choices], required=False)
    health = forms.ChoiceField(
        choices=(
            ("", "Any"),
            (Health.EXPIRED, "Signed pre-key expired"),
            (Health.LOW, "One-time pre-keys low"),
            (Health.NEVER_SEEN, "Never seen"),
        ),
        required=False,
    )
    posture = forms.ChoiceField(
        choices=(
            ("", "Any"),
            (DEVIATES, "Deviates"),
            (SILENT, "Never reported"),
            ("Deviates in one thing", Deviation.choices),
        ),
        required=False,
    )


class RevocationForm(forms.Form):
    """Why a device is revoked; departure and the person's own act are not an administrator's."""

    reason = forms.ChoiceField(
        choices=(
            (RevocationReason.LOST, "Lost or stolen"),
            (RevocationReason.COMPROMISED, "Compromised"),
            (RevocationReason.REPLACED, "Replaced by another device"),
            (RevocationReason.CUSTODY, "Taken into custody: it keeps its content as evidence"),
        ),
        widget=forms.RadioSelect,
    )


class LostForm(forms.Form):
    """Nothing to choose: it is lost."""
