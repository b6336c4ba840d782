"""A forgotten password: asked for, mailed, set anew."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from orgs.console.progress import PASSWORD_LINK, refusals, throttle
from orgs.errors import LinkInvalid
from orgs.forms.sign_in import EmailForm, PasswordResetForm
from orgs.models import LinkPurpose, MailedLink
from orgs.selectors.sign_in import find_link, has_factor, usable_links
from orgs.services.passwords import request_password_reset, reset_password
from semafore.kernel.http.console import PageView
from semafore.kernel.problems import Problem


class PasswordForgottenView(PageView):
    """Ask for a link."""

    title = "Forgotten password"

    def get(self, request: HttpRequest) -> HttpResponse:
        """The form."""
        return self.page(request, "account/password_forgotten.html", {"form": EmailForm()})

    def post(self, request: HttpRequest) -> HttpResponse:
        """The same answer for every address."""
        throttle(request, self)
        form = EmailForm(request.POST)
        if not form.is_valid():
            return self.page(request, "account/password_forgotten.html", {"form": form})
        request_password_reset(email=form.cleaned_data["email"])
        return self.page(request, "account/password_mailed.html", {"title": "Look into your mail"})


class PasswordResetView(PageView):
    """Where the mailed link leads: the token goes out of the address at once."""

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        """Keep the link's id in the session; whether it is any good, the next page says."""
        link = find_link(token, LinkPurpose.PASSWORD)
        if link is not None:
            request.session.cycle_key()
            request.session[PASSWORD_LINK] = str(link.id)
        return redirect("password_new")

    def refused(
        self, request: HttpRequest, problem: Problem, arguments: dict[str, Any]
    ) -> HttpResponse:
        """No error page at an address that holds a token: the log names those."""
        del request, problem, arguments
        return redirect("password_new")


class PasswordNewView(PageView):
    """The new password, with the second factor."""

    title = "Choose a new password"

    def enter(self, request: HttpRequest) -> HttpResponse | None:
        """Only with a link that is still good. Raises LinkInvalid."""
        self.link = self._link(request)
        return None

    def _link(self, request: HttpRequest) -> MailedLink:
        link_id = request.session.get(PASSWORD_LINK)
        links = usable_links(LinkPurpose.PASSWORD)
        link = links.filter(id=UUID(link_id)).first() if link_id else None
        if link is None:
            raise LinkInvalid
        return link

    def _form(self, *data: Any) -> PasswordResetForm:
        return PasswordResetForm(*data, asks_for_code=has_factor(self.link.account))

    def get(self, request: HttpRequest) -> HttpResponse:
        """The form."""
        return self._show(request, self._form())

    def post(self, request: HttpRequest) -> HttpResponse:
        """Set it; on to the sign-in."""
        throttle(request, self)
        form = self._form(request.POST)
        if form.is_valid():
            with refusals(form, "password"):
                reset_password(
                    link_id=self.link.id,
                    password=form.cleaned_data["password"],
                    code=form.cleaned_data.get("code", ""),
                )
                request.session.flush()
                messages.success(request, "Your password is changed. Sign in with the new one.")
                return redirect("sign_in")
        return self._show(request, form)

    def _show(self, request: HttpRequest, form: PasswordResetForm) -> HttpResponse:
        return self.page(request, "account/form.html", {"form": form, "submit": "Set password"})
