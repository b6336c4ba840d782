"""Yes, or no with a reason."""

from typing import Any

from django import forms


class DecisionForm(forms.Form):
    """Approve, or deny with a reason."""

    decision = forms.ChoiceField(
        label="Decision",
        choices=(("approve", "Approve"), ("deny", "Deny")),
        widget=forms.RadioSelect,
    )
    reason = forms.CharField(
        label="Reason",
        required=False,
        max_length=500,
        help_text="Needed to deny.",
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def clean(self) -> dict[str, Any]:
        """A denial says why."""
        cleaned = self.cleaned_data
        if cleaned.get("decision") == "deny" and not cleaned.get("reason"):
            self.add_error("reason", "Say why it is denied.")
        return cleaned

    @property
    def approves(self) -> bool:
        """Of a valid form."""
        return bool(self.cleaned_data["decision"] == "approve")
