"""The form that asks for an export."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any
from uuid import UUID

from django import forms

from audit.forms.fields import CaseReferenceField, MomentField, ReasonField
from audit.forms.filters import begin_of, types_of
from audit.models import ExportFormat
from audit.selectors.events import EventFilter
from audit.selectors.reading import Reader
from audit.sentences import OUTCOMES

OFFERED = (ExportFormat.CSV, ExportFormat.JSON_LINES, ExportFormat.BUNDLE)
"""Others are asked for on pages of their own."""

IDS = ("actor", "target", "room", "message", "about")
"""They come from the page that the export is asked for on."""


class ExportForm(forms.Form):
    """What is to be written, as what, and why; the filter has the explorer's names."""

    format = forms.ChoiceField(
        label="Format",
        choices=[(one.value, one.label) for one in OFFERED],
        widget=forms.RadioSelect,
    )
    from_at = MomentField(seconds=True, label="From, in UTC")
    to_at = MomentField(
        seconds=True, label="Before, in UTC", help_text="Empty: up to the newest checkpoint."
    )
    action = forms.ChoiceField(label="What happened", required=False)
    outcome = forms.ChoiceField(choices=[("", "Any"), *OUTCOMES.items()], required=False)
    address = forms.GenericIPAddressField(
        label="Address", required=False, help_text="An IP address."
    )
    actor = forms.UUIDField(required=False, widget=forms.HiddenInput)
    target = forms.UUIDField(required=False, widget=forms.HiddenInput)
    room = forms.UUIDField(required=False, widget=forms.HiddenInput)
    message = forms.UUIDField(required=False, widget=forms.HiddenInput)
    about = forms.UUIDField(required=False, widget=forms.HiddenInput)
    reason = ReasonField(
        help_text="Stands in the audit log and in the export.",
    )
    case_reference = CaseReferenceField(
        help_text="Of the case or the request that this export is for.",
    )

    def __init__(self, data: Any = None, *, initial: Any = None, reader: Reader) -> None:
        super().__init__(data, initial=None if initial is None else _usable(initial))
        self.fields["action"].choices = types_of(reader)  # type: ignore[attr-defined]  # a ChoiceField

    def chosen(self) -> EventFilter:
        """Of a valid form."""
        typed = self.cleaned_data
        return EventFilter(**{one.name: typed[one.name] for one in fields(EventFilter)})

    def ids(self) -> dict[str, UUID]:
        """Whom and what the page that led here has named, as far as they are ids."""
        found = {}
        for name in IDS:
            try:
                found[name] = UUID(str(self[name].value()))
            except ValueError:
                continue
        return found


def _usable(given: Mapping[str, str]) -> dict[str, Any]:
    """What the form knows of an address: the explorer's filters, as far as they are such."""
    found: dict[str, Any] = {
        name: given[name] for name in ExportForm.base_fields if given.get(name)
    }
    for name, field in ExportForm.base_fields.items():
        if name in found and isinstance(field, forms.UUIDField | forms.DateTimeField):
            try:
                found[name] = field.clean(found[name])
            except forms.ValidationError:
                del found[name]
    if begin := begin_of(given.get("period", "")):
        found["from_at"] = begin
    return found
