"""What the person invited types."""

from typing import Any

from django import forms
from django.contrib.auth.password_validation import validate_password

from invitations.forms.issuing import NameField


class TokenForm(forms.Form):
    """The link, or the part of it after the #."""

    token = forms.CharField(
        label="Link",
        max_length=500,
        widget=forms.TextInput({"autocomplete": "off", "spellcheck": "false"}),
        help_text="Paste the whole link from the message.",
    )

    def clean_token(self) -> str:
        """The token alone."""
        return str(self.cleaned_data["token"]).rpartition("#")[2].strip()


class DeclineForm(forms.Form):
    """Why not, for who wants to say."""

    reason = forms.CharField(
        label="Reason, if you want to give one",
        required=False,
        max_length=500,
        widget=forms.Textarea({"rows": 3}),
    )


class AcceptForm(forms.Form):
    """How an organisation is to name somebody who is signed in."""

    name = NameField(label="Your name, as your colleagues will see it", max_length=200)


class NewAccountForm(AcceptForm):
    """The same for somebody new, with a password."""

    password = forms.CharField(
        label="Password",
        strip=False,
        max_length=1000,
        help_text="At least 12 characters. Three or four unrelated words are good.",
        widget=forms.PasswordInput({"autocomplete": "new-password"}),
    )
    again = forms.CharField(
        label="The same password again",
        strip=False,
        max_length=1000,
        widget=forms.PasswordInput({"autocomplete": "new-password"}),
    )

    def clean_password(self) -> str:
        """A password that passes the rules."""
        password = str(self.cleaned_data["password"])
        validate_password(password)
        return password

    def clean(self) -> dict[str, Any]:
        """Twice the same."""
        cleaned = super().clean() or {}
        if {"password", "again"} <= cleaned.keys() and cleaned["password"] != cleaned["again"]:
            self.add_error("again", "This is not the same password.")
        return cleaned
