"""Forms of approvals."""

from collections.abc import Sequence
from uuid import UUID

from django import forms

from console.selectors.approvals import DeviceRequest
from keys.models import Comparison

COMPARED = (
    (Comparison.IN_PERSON, "In person: we held both screens side by side"),
    (Comparison.CALL, "On a call: we read the digits to each other, and I know the voice"),
    (Comparison.NOT_COMPARED, "Not compared"),
)


class ApproveForm(forms.Form):
    """How the fingerprint was compared, and whether a number's old owner is its new one."""

    compared = forms.ChoiceField(
        label="How did you compare the fingerprint?",
        choices=COMPARED,
        widget=forms.RadioSelect,
        error_messages={"required": "Say how you compared the fingerprint."},
    )
    same_person = forms.BooleanField(
        label="This is the same person as before",
        help_text="Tick this only if you know it: their earlier account then goes on. "
        "Left empty, the number belongs to a new person from now on.",
        required=False,
    )

    def __init__(self, *args: object, known_before: bool, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        if not known_before:
            del self.fields["same_person"]


class DenyForm(forms.Form):
    """The reason, which the person sees."""

    reason = forms.CharField(
        label="Reason",
        help_text="The person sees this on their device.",
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": "Give the reason: the person sees it."},
    )


class BatchForm(forms.Form):
    """How each of several fingerprints was compared."""

    def __init__(self, *args: object, requests: Sequence[DeviceRequest], **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        for request in requests:
            self.fields[str(request.device.id)] = forms.ChoiceField(
                label=f"{request.person.name}: {request.device.name}",
                choices=(("", "Leave it waiting"), *COMPARED),
                required=False,
            )

    def chosen(self) -> dict[UUID, Comparison]:
        """The devices to approve, each with how it was compared."""
        return {UUID(name): Comparison(value) for name, value in self.cleaned_data.items() if value}
