"""What forms about evidence ask: why, for which case, from when to when."""

from typing import Any

from django import forms

from audit.models.retention import CASE_REFERENCE_LENGTH, REASON_LENGTH

TO_THE_MINUTE = "%Y-%m-%dT%H:%M"
TO_THE_SECOND = "%Y-%m-%dT%H:%M:%S"


class ReasonField(forms.CharField):
    """Why: stands in the audit log."""

    def __init__(
        self,
        *,
        help_text: str = "Stands in the audit log, and is never deleted from it.",
        **kwargs: Any,
    ) -> None:
        super().__init__(
            label="Reason",
            max_length=REASON_LENGTH,
            widget=forms.Textarea(attrs={"rows": 3}),
            help_text=help_text,
            **kwargs,
        )


class CaseReferenceField(forms.CharField):
    """For which case or request; may be left empty, if nothing else is said."""

    def __init__(self, *, required: bool = False, **kwargs: Any) -> None:
        super().__init__(
            label="Case reference",
            max_length=CASE_REFERENCE_LENGTH,
            required=required,
            **kwargs,
        )


class MomentField(forms.DateTimeField):
    """A moment in UTC, or none: to the minute, or to the second."""

    def __init__(self, *, seconds: bool = False, **kwargs: Any) -> None:
        attrs = {"type": "datetime-local"} | ({"step": "1"} if seconds else {})
        shown = TO_THE_SECOND if seconds else TO_THE_MINUTE
        super().__init__(
            required=False, widget=forms.DateTimeInput(attrs=attrs, format=shown), **kwargs
        )
