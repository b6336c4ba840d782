"""Forms of sign-in, account and factor resets."""

from typing import Any

from django import forms

LONGEST_PASSWORD = 256
LONGEST_REASON = 500


def _password(label: str, autocomplete: str, help_text: str = "") -> forms.CharField:
    widget = forms.PasswordInput(attrs={"autocomplete": autocomplete})
    return forms.CharField(
        label=label, strip=False, max_length=LONGEST_PASSWORD, widget=widget, help_text=help_text
    )


def _email() -> forms.EmailField:
    return forms.EmailField(
        label="Email", widget=forms.EmailInput(attrs={"autocomplete": "username"})
    )


class SignInForm(forms.Form):
    """The first step."""

    email = _email()
    password = _password("Password", "current-password")


class CodeForm(forms.Form):
    """The second step, and the second factor again later."""

    code = forms.CharField(
        label="Code",
        max_length=40,
        help_text="Six digits from your authenticator app, or one of your recovery codes.",
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "spellcheck": "false"}),
    )


class SetUpForm(forms.Form):
    """The first code of a new authenticator."""

    code = forms.CharField(
        label="Code",
        max_length=10,
        help_text="Six digits that your authenticator app shows after you have added the key.",
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric"}),
    )


class EmailForm(forms.Form):
    """Where the link of a forgotten password goes."""

    email = _email()


class NewPasswordForm(forms.Form):
    """A new password, typed twice."""

    password = _password(
        "New password",
        "new-password",
        "At least 12 characters. Three or four unrelated words are good.",
    )
    again = _password("New password again", "new-password")

    def clean(self) -> dict[str, Any]:
        """The two must be the same."""
        cleaned = self.cleaned_data
        password, again = cleaned.get("password"), cleaned.get("again")
        if password and again and password != again:
            self.add_error("again", "The two passwords are not the same.")
        return cleaned


class PasswordChangeForm(NewPasswordForm):
    """The old password first."""

    current = _password("Current password", "current-password")
    field_order = ("current", "password", "again")


class PasswordResetForm(NewPasswordForm):
    """With the second factor, for who has one."""

    code = CodeForm.base_fields["code"]

    def __init__(self, *args: Any, asks_for_code: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not asks_for_code:
            del self.fields["code"]


class FactorResetForm(forms.Form):
    """Why somebody's second factor is to be reset."""

    reason = forms.CharField(
        label="Reason",
        max_length=LONGEST_REASON,
        help_text="How you know that it is this person who asks. It goes into the audit log.",
        widget=forms.Textarea(attrs={"rows": 3}),
    )
