"""A person's own account: sessions, password, second factor."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from orgs.console.progress import (
    PENDING_KEY,
    key_to_scan,
    pending_key,
    person,
    refusals,
    show_recovery_codes,
    throttle,
)
from orgs.forms.sign_in import PasswordChangeForm, SetUpForm
from orgs.selectors.sign_in import recovery_codes_left, sessions_of
from orgs.services.factors import confirm_set_up, make_recovery_codes
from orgs.services.passwords import change_password
from orgs.services.sessions import end_session, end_sessions
from orgs.sessions import hashed
from semafore.kernel.http.console import AccountView


class OwnAccountView(AccountView):
    """Where the person is signed in, and how they sign in."""

    title = "Your account"

    def get(self, request: HttpRequest) -> HttpResponse:
        """Everything at a glance."""
        context = {
            "account": person(request),
            "sessions": sessions_of(person(request)),
            "this_session": hashed(request.session.session_key or ""),
            "recovery_codes": recovery_codes_left(person(request)),
        }
        return self.page(request, "account/account.html", context)


class SessionEndView(AccountView):
    """The end of one of the person's sessions elsewhere."""

    def post(self, request: HttpRequest, session_id: UUID) -> HttpResponse:
        """End it; 404 for somebody else's."""
        end_session(account=person(request), session_id=session_id)
        messages.success(request, "The session has ended.")
        return redirect("account")


class OtherSessionsEndView(AccountView):
    """The end of all of the person's sessions but this one."""

    def post(self, request: HttpRequest) -> HttpResponse:
        """End them."""
        count = end_sessions(
            account=person(request),
            reason="ended by the person",
            keep=request.session.session_key,
        )
        messages.success(request, f"{count} other session{'' if count == 1 else 's'} ended.")
        return redirect("account")


class PasswordChangeView(AccountView):
    """A new password, for who knows the old one."""

    title = "Change your password"
    sensitive = True

    def get(self, request: HttpRequest) -> HttpResponse:
        """The form."""
        return self._show(request, PasswordChangeForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        """Change it; all other sessions end, this one gets a new key."""
        throttle(request, self)
        form = PasswordChangeForm(request.POST)
        if form.is_valid():
            with refusals(form, "password"):
                change_password(
                    account=person(request),
                    current=form.cleaned_data["current"],
                    new=form.cleaned_data["password"],
                    session_key=request.session.session_key or "",
                )
                update_session_auth_hash(request, person(request))
                messages.success(request, "Your password is changed. Other sessions have ended.")
                return redirect("account")
        return self._show(request, form)

    def _show(self, request: HttpRequest, form: PasswordChangeForm) -> HttpResponse:
        context = {"form": form, "submit": "Change password"}
        return self.page(request, "account/form.html", context)


class FactorView(AccountView):
    """Another authenticator in place of the one that was just proven."""

    title = "Replace your authenticator"
    sensitive = True

    def get(self, request: HttpRequest) -> HttpResponse:
        """The new key."""
        return self._show(request, SetUpForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        """A first code confirms it; the old one and its recovery codes are void."""
        throttle(request, self)
        form = SetUpForm(request.POST)
        if form.is_valid():
            with refusals(form):
                codes = confirm_set_up(
                    account=person(request),
                    key=pending_key(request),
                    code=form.cleaned_data["code"],
                    replace=True,
                )
                del request.session[PENDING_KEY]
                return show_recovery_codes(self, request, codes, reverse("account"))
        return self._show(request, form)

    def _show(self, request: HttpRequest, form: SetUpForm) -> HttpResponse:
        context: dict[str, Any] = {
            "form": form,
            **key_to_scan(pending_key(request), person(request)),
        }
        return self.page(request, "account/factor.html", context)


class RecoveryCodesView(AccountView):
    """New recovery codes."""

    title = "Make new recovery codes"
    sensitive = True

    def get(self, request: HttpRequest) -> HttpResponse:
        """What it does."""
        context = {"left": recovery_codes_left(person(request))}
        return self.page(request, "account/recovery_codes_new.html", context)

    def post(self, request: HttpRequest) -> HttpResponse:
        """Make them, and show them once."""
        codes = make_recovery_codes(account=person(request))
        return show_recovery_codes(self, request, codes, reverse("account"))
