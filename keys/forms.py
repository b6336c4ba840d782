"""Forms of the devices pages."""

from django import forms

from keys.models import DeviceStatus, RevocationReason
from keys.selectors.health import Health


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


class RevocationForm(forms.Form):
    """Why a device is revoked; departure and the person's own act are not an administrator's."""

    reason = forms.ChoiceField(
        choices=(
            (RevocationReason.LOST, "Lost or stolen: it wipes itself"),
            (RevocationReason.COMPROMISED, "Compromised: it wipes itself"),
            (RevocationReason.REPLACED, "Replaced by another device: it wipes itself"),
            (RevocationReason.CUSTODY, "Taken into custody: it keeps its content as evidence"),
        ),
        widget=forms.RadioSelect,
    )


class LostForm(forms.Form):
    """Nothing to choose: it is lost."""
