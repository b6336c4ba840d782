"""Forms of the SIEM pages."""

from typing import Any

from django import forms

from audit.forms.fields import ReasonField
from audit.models.siem import ADDRESS_LENGTH, HEADER_LENGTH, NAME_LENGTH, SiemDestination
from audit.registry import EventClass, Severity
from audit.selectors.siem import log_size, place_at
from audit.sentences import CLASSES
from audit.services.siem.destinations import Setup
from audit.siem.formats import Format

SECRET_LENGTH = 2000
CA_LENGTH = 100_000

FORMATS = {
    Format.OCSF: "OCSF 1.8 JSON over HTTPS",
    Format.SPLUNK_HEC: "Splunk HTTP Event Collector",
    Format.SYSLOG: "Syslog (RFC 5424) over TLS",
    Format.CEF: "CEF in syslog over TLS",
}


class ReasonForm(forms.Form):
    """Why: stands in the audit log."""

    reason = ReasonField(
        help_text="Stands in the audit log.",
    )


class SkipForm(ReasonForm):
    """Why; and the place whose consequences were shown."""

    seq = forms.IntegerField(widget=forms.HiddenInput)


class ConfirmForm(forms.Form):
    """Nothing to type."""


class SetupForm(forms.Form):
    """What a destination is, and what it takes."""

    name = forms.CharField(max_length=NAME_LENGTH, help_text="As people here call it.")
    format = forms.ChoiceField(
        choices=[(one.value, words) for one, words in FORMATS.items()],
        widget=forms.RadioSelect,
        initial=Format.OCSF.value,
    )
    address = forms.CharField(
        max_length=ADDRESS_LENGTH,
        help_text="https://host/path; for syslog and CEF host:port, such as "
        "siem.example.org:6514. Whoever sees this page sees it: tokens belong into the secret.",
    )
    secret = forms.CharField(
        required=False,
        max_length=SECRET_LENGTH,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text="A HEC token, or the header's whole value, such as “Bearer …”. It is stored "
        "encrypted and never shown again.",
    )
    header = forms.CharField(
        label="Header of the secret",
        required=False,
        max_length=HEADER_LENGTH,
        initial="Authorization",
        help_text="For OCSF over HTTPS.",
    )
    ca = forms.CharField(
        label="Certificates to trust",
        required=False,
        max_length=CA_LENGTH,
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false"}),
        help_text="Of your own authority, in PEM; then no other is trusted. Empty: the public "
        "authorities are.",
    )
    classes = forms.TypedMultipleChoiceField(
        label="Which events",
        coerce=int,
        choices=[(one.value, words) for one, words in CLASSES.items()],
        initial=[one.value for one in EventClass],
        widget=forms.CheckboxSelectMultiple,
        help_text="The hourly canary is sent whatever you choose.",
    )
    least_severity = forms.TypedChoiceField(
        label="Severity at least",
        coerce=int,
        choices=[(one.value, one.name.capitalize()) for one in Severity],
        initial=Severity.INFORMATIONAL.value,
    )

    def setup(self) -> Setup:
        """Of a valid form."""
        typed = self.cleaned_data
        return Setup(
            name=typed["name"],
            format=Format(typed["format"]),
            address=typed["address"],
            header=typed["header"],
            ca=typed["ca"],
            classes=frozenset(typed["classes"]),
            least_severity=typed["least_severity"],
        )


class ChangeForm(SetupForm):
    """The same of one that there is; without a secret it keeps the one it has."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["secret"].help_text = (
            "Empty: it keeps the one it has, if format, address, header and certificates stay as "
            "they are. It is stored encrypted and never shown again."
        )


def initial_of(row: SiemDestination) -> dict[str, Any]:
    """What stands in the form of a destination."""
    return {name: getattr(row, name) for name in SetupForm.base_fields if name != "secret"}


class PlaceForm(forms.Form):
    """A place in the log: its number, or the first event since a moment."""

    place = forms.IntegerField(
        label="From the event at place", required=False, min_value=0, max_value=2**62
    )
    since = forms.DateTimeField(
        label="Or from what happened since, in UTC",
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )

    def clean(self) -> dict[str, Any]:
        """One of both."""
        typed = self.cleaned_data
        if typed.get("place") is not None and typed.get("since") is not None:
            self.add_error("since", "Give a place or a moment, not both.")
        return typed

    def chosen(self) -> int | None:
        """Of a valid form: the place; None where nothing was given."""
        typed = self.cleaned_data
        if typed["since"] is not None:
            return place_at(typed["since"])
        place: int | None = typed["place"]
        return place


class NewForm(SetupForm, PlaceForm):
    """A new destination, and where it begins."""

    field_order = [*SetupForm.base_fields, *PlaceForm.base_fields]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["since"].help_text = "Both empty: from now on."

    def clean(self) -> dict[str, Any]:
        """No place ahead of the log."""
        typed = super().clean()
        if (typed.get("place") or 0) > log_size():
            self.add_error("place", f"The log has {log_size()} entries.")
        return typed

    @property
    def cursor(self) -> int:
        """Of a valid form: the place to begin at."""
        chosen = self.chosen()
        return log_size() if chosen is None else chosen


class ReplayForm(PlaceForm, ReasonForm):
    """What to send again, and why; `confirmed` is the place whose consequences were shown."""

    field_order = [*PlaceForm.base_fields, *ReasonForm.base_fields]
    confirmed = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        """Either of them."""
        typed = super().clean()
        if not self.errors and typed["place"] is None and typed["since"] is None:
            self.add_error("place", "Give a place or a moment.")
        return typed
