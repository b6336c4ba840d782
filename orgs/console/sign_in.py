"""Signing in: email and password, then the second factor, or its set-up where there is none."""

from typing import Any
from uuid import UUID

from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import Resolver404, resolve

from orgs.console.progress import (
    FACTOR_LINK,
    HalfSignedIn,
    begin,
    complete,
    half_signed_in,
    key_to_scan,
    next_page,
    pending_key,
    person,
    prove,
    refusals,
    show_recovery_codes,
    throttle,
)
from orgs.forms.sign_in import CodeForm, SetUpForm, SignInForm
from orgs.models import LinkPurpose
from orgs.selectors.seats import Seat, find_seat, seats_of
from orgs.selectors.sign_in import find_link, has_factor, needs_factor_link, usable_links
from orgs.services import sign_in as services
from orgs.services.factors import confirm_set_up, set_up_by_link
from orgs.services.mail import mail_factor_link
from orgs.services.sessions import sign_out
from semafore.kernel.actor import acting_as, current_actor
from semafore.kernel.http.console import AccountView, PageView
from semafore.kernel.problems import Problem
from semafore.kernel.tenancy import organisation_scope


class SignInView(PageView):
    """Email and password."""

    title = "Sign in"

    def enter(self, request: HttpRequest) -> HttpResponse | None:
        """Who is signed in has nothing to do here."""
        return redirect(next_page(request)) if request.user.is_authenticated else None

    def get(self, request: HttpRequest) -> HttpResponse:
        """The form."""
        return self.page(request, "account/sign_in.html", {"form": SignInForm()})

    def post(self, request: HttpRequest) -> HttpResponse:
        """Check the two; on with the second factor."""
        throttle(request, self)
        form = SignInForm(request.POST)
        if form.is_valid():
            with refusals(form):
                account = services.prove_password(**form.cleaned_data)
                begin(request, account, next_page(request))
                return redirect("sign_in_code")
        return self.page(request, "account/sign_in.html", {"form": form})


class HalfSignedInView(PageView):
    """A page for somebody whose password was right just now; others begin at the beginning."""

    half: HalfSignedIn

    def enter(self, request: HttpRequest) -> HttpResponse | None:
        """Who it is, from the session."""
        if request.user.is_authenticated:
            return redirect(next_page(request))
        half = half_signed_in(request)
        if half is None:
            return redirect("sign_in")
        self.half = half
        return self.proceed(request)

    def proceed(self, request: HttpRequest) -> HttpResponse | None:
        """Send on whoever belongs to another step."""
        del request
        return None


class SignInCodeView(HalfSignedInView):
    """The second factor."""

    title = "Enter your code"

    def proceed(self, request: HttpRequest) -> HttpResponse | None:
        """Who has no second factor sets one up."""
        del request
        return None if has_factor(self.half.account) else redirect("sign_in_factor")

    def get(self, request: HttpRequest) -> HttpResponse:
        """The form."""
        return self.page(request, "account/sign_in_code.html", {"form": CodeForm()})

    def post(self, request: HttpRequest) -> HttpResponse:
        """Check the code; the session opens."""
        throttle(request, self)
        form = CodeForm(request.POST)
        if form.is_valid():
            with refusals(form):
                services.sign_in(account=self.half.account, code=form.cleaned_data["code"])
                return redirect(complete(request, self.half))
        return self.page(request, "account/sign_in_code.html", {"form": form})


class SignInFactorView(HalfSignedInView):
    """Setting up the first second factor, or the next after a reset: nobody enters without one."""

    title = "Set up your second factor"

    def proceed(self, request: HttpRequest) -> HttpResponse | None:
        """Who has one gives it; who had one that was reset comes by the mailed link."""
        account = self.half.account
        if has_factor(account):
            return redirect("sign_in_code")
        self.link_id = request.session.get(FACTOR_LINK)
        if needs_factor_link(account) and not self._link_is_good():
            return redirect("sign_in_link")
        return None

    def _link_is_good(self) -> bool:
        links = usable_links(LinkPurpose.FACTOR).filter(account=self.half.account)
        return self.link_id is not None and links.filter(id=UUID(self.link_id)).exists()

    def get(self, request: HttpRequest) -> HttpResponse:
        """The key, as QR code and text."""
        return self._show(request, SetUpForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        """A first code confirms the key; the session opens, with the recovery codes."""
        throttle(request, self)
        form = SetUpForm(request.POST)
        if form.is_valid():
            with refusals(form):
                arguments: dict[str, Any] = {
                    "account": self.half.account,
                    "key": pending_key(request),
                    "code": form.cleaned_data["code"],
                }
                if needs_factor_link(self.half.account):
                    codes = set_up_by_link(link_id=UUID(self.link_id), **arguments)
                else:
                    codes = confirm_set_up(**arguments)
                services.record_sign_in(account=self.half.account)
                return show_recovery_codes(self, request, codes, complete(request, self.half))
        return self._show(request, form)

    def _show(self, request: HttpRequest, form: SetUpForm) -> HttpResponse:
        shown = key_to_scan(pending_key(request), self.half.account)
        return self.page(request, "account/factor.html", {"form": form, **shown})


class SignInLinkView(HalfSignedInView):
    """After a reset: the link is in the mail, and can be sent again."""

    title = "Open the link that we sent you"

    def proceed(self, request: HttpRequest) -> HttpResponse | None:
        """Who needs no link goes on."""
        del request
        return None if needs_factor_link(self.half.account) else redirect("sign_in_code")

    def get(self, request: HttpRequest) -> HttpResponse:
        """What to do."""
        return self.page(request, "account/sign_in_link.html", {"sent": False})

    def post(self, request: HttpRequest) -> HttpResponse:
        """Mail another link; the one before it is void."""
        throttle(request, self)
        mail_factor_link(account=self.half.account)
        return self.page(request, "account/sign_in_link.html", {"sent": True})


class FactorLinkView(PageView):
    """Where the mailed link of a reset leads: on to the sign-in, the token out of the address."""

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        """Keep the link's id in the session."""
        link = find_link(token, LinkPurpose.FACTOR)
        if link is not None:
            request.session.cycle_key()
            request.session[FACTOR_LINK] = str(link.id)
        return redirect("sign_in")

    def refused(
        self, request: HttpRequest, problem: Problem, arguments: dict[str, Any]
    ) -> HttpResponse:
        """No error page at an address that holds a token: the log names those."""
        del request, problem, arguments
        return redirect("sign_in")


class SignOutView(AccountView):
    """The end of this session."""

    def post(self, request: HttpRequest) -> HttpResponse:
        """End it."""
        sign_out(account=person(request))
        logout(request)
        return redirect("sign_in")


class StepUpView(AccountView):
    """The second factor again, before a sensitive act."""

    title = "Confirm that it is you"

    def get(self, request: HttpRequest) -> HttpResponse:
        """The form."""
        return self.page(request, "account/step_up.html", {"form": CodeForm()})

    def post(self, request: HttpRequest) -> HttpResponse:
        """Check the code, in the log of the organisation whose page asked for it."""
        throttle(request, self)
        form = CodeForm(request.POST)
        if form.is_valid():
            with refusals(form):
                self._prove(request, form.cleaned_data["code"])
                return redirect(next_page(request))
        return self.page(request, "account/step_up.html", {"form": form})

    def _prove(self, request: HttpRequest, code: str) -> None:
        seat = _seat_of(request, next_page(request))
        if seat is None:
            services.step_up(account=person(request), code=code)
        else:
            with (
                organisation_scope(seat.organisation_id),
                acting_as(seat.actor(current_actor())),
            ):
                services.step_up_in_console(account=person(request), code=code)
        prove(request)


def _seat_of(request: HttpRequest, page: str) -> Seat | None:
    """The seat in whose console a page is."""
    try:
        slug = resolve(page.partition("?")[0]).kwargs.get("slug")
    except Resolver404:
        return None
    return find_seat(person(request), slug) if slug else None


class ConsolesView(AccountView):
    """Which console to enter, where there is a choice."""

    title = "Choose a console"

    def get(self, request: HttpRequest) -> HttpResponse:
        """Straight on to the only one."""
        seats = seats_of(person(request))
        if len(seats) == 1:
            return redirect(f"{request.path}{seats[0].slug}/")
        return self.page(request, "account/consoles.html", {"seats": seats})
