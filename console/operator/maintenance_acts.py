"""What operators do to a window of maintenance, each on a page of its own."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django import forms

from orgs.models import SUMMARY_LENGTH, MaintenanceStatus, MaintenanceWindow
from orgs.services.maintenance import begin_window, cancel_window, end_window, hold_window

UNBEGUN = (MaintenanceStatus.PLANNED, MaintenanceStatus.HELD)


class ReasonForm(forms.Form):
    """Why; organisations are told."""

    reason = forms.CharField(max_length=SUMMARY_LENGTH, widget=forms.Textarea(attrs={"rows": 3}))


class EarlyForm(forms.Form):
    """Why before its time, if that is so."""

    reason = forms.CharField(
        label="Reason of the emergency",
        required=False,
        max_length=SUMMARY_LENGTH,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Needed to begin before the time that was announced. Organisations are told.",
    )


@dataclass(frozen=True, slots=True)
class Act:
    """Something an operator does to a window, on a page that says what will happen."""

    name: str
    label: str
    allowed: Sequence[MaintenanceStatus]
    consequence: str
    form: type[forms.Form]
    carry_out: Callable[[UUID, dict[str, Any]], MaintenanceWindow]


ACTS = (
    Act(
        "begin",
        "Begin now",
        UNBEGUN,
        "It begins at once. If it closes everything, consoles and devices are turned away until "
        "the end that was announced.",
        EarlyForm,
        lambda window_id, typed: begin_window(
            window_id=window_id, emergency_reason=typed["reason"]
        ),
    ),
    Act(
        "hold",
        "Hold back",
        (MaintenanceStatus.PLANNED,),
        "It does not begin at its time, but when you say so, until its end has come. "
        "Organisations are told that it is delayed.",
        ReasonForm,
        lambda window_id, typed: hold_window(window_id=window_id, reason=typed["reason"]),
    ),
    Act(
        "end",
        "End now",
        (MaintenanceStatus.RUNNING,),
        "Everything is open again at once. Devices come back by themselves within minutes.",
        forms.Form,
        lambda window_id, _typed: end_window(window_id=window_id),
    ),
    Act(
        "cancel",
        "Cancel",
        UNBEGUN,
        "It does not take place. Organisations are told, with the reason.",
        ReasonForm,
        lambda window_id, typed: cancel_window(window_id=window_id, reason=typed["reason"]),
    ),
)
