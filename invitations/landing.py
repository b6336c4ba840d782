"""The pages behind an invitation's link, for whoever holds it."""

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import segno
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from invitations.errors import AnotherAccount, InvitationUnknown
from invitations.forms.landing import AcceptForm, DeclineForm, NewAccountForm, TokenForm
from invitations.models import Invitation
from invitations.selectors.people import has_account
from invitations.services import changes, redemption
from invitations.services.terms import BY_EMAIL
from invitations.services.tokens import (
    check_usable,
    find_invitation,
    invitation_link,
    invitation_token,
    opened_invitation,
)
from orgs.models import Account
from semafore.kernel import clock
from semafore.kernel.http.console import PageView
from semafore.kernel.http.handler import CHANGING
from semafore.kernel.http.throttles import AddressThrottle
from semafore.kernel.problems import Throttled
from semafore.kernel.tenancy import organisation_scope

OPENED = "invitation"
"""Session key: the id and issue number of the invitation whose link was opened, and when.

Not the token: sessions lie in the database.
"""

OPENED_VALID = timedelta(hours=1)


class LandingPage(PageView):
    """A page of the landing; what is sent to it is counted by address."""

    title = "Invitation"

    def enter(self, request: HttpRequest) -> HttpResponse | None:
        """Raises Throttled."""
        throttle = AddressThrottle()
        if request.method in CHANGING and not throttle.allow_request(request, self):
            raise Throttled(retry_after=max(1, math.ceil(throttle.wait())))
        return super().enter(request)


class LandingView(LandingPage):
    """Where the link leads: its script sends the token on, or the person pastes the link."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """The same for everybody: what stands behind the # doesn't come here."""
        return self.page(request, "landing/landing.html", {"form": TokenForm()})


class OpenView(LandingPage):
    """Takes the token."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """Nothing was sent: begin with the link."""
        del request
        return HttpResponseRedirect(reverse("landing"))

    def post(self, request: HttpRequest) -> HttpResponse:
        """Note in the session that this browser was shown the link, and show the invitation."""
        form = TokenForm(request.POST)
        if form.is_valid():
            try:
                invitation = find_invitation(form.cleaned_data["token"])
            except InvitationUnknown as problem:
                form.add_error("token", f"{problem.detail} Is the link whole? Is it the newest?")
            else:
                at = int(clock.now().timestamp())
                request.session[OPENED] = [str(invitation.id), invitation.issue_number, at]
                return HttpResponseRedirect(reverse("landing_invitation"))
        # The token isn't repeated: the page may lie in a browser's history.
        again = TokenForm()
        return self.page(
            request,
            "landing/landing.html",
            {"form": again, "errors": form.errors.get("token", [])},
            InvitationUnknown.status,
        )


class OpenedPage(LandingPage):
    """A page about the invitation whose link this browser has opened within the hour."""

    invitation: Invitation

    def enter(self, request: HttpRequest) -> HttpResponse | None:
        """Enter the organisation. Raises what says why the invitation is of no use (any more)."""
        elsewhere = super().enter(request)
        opened_id, issue_number, at = request.session.get(OPENED, (None, 0, 0))
        if clock.now() - datetime.fromtimestamp(at, UTC) > OPENED_VALID:
            return HttpResponseRedirect(reverse("landing"))
        self.invitation = opened_invitation(opened_id, issue_number)
        check_usable(self.invitation)
        self.entered.enter_context(organisation_scope(self.invitation.organisation_id))
        return elsewhere


class InvitationView(OpenedPage):
    """Who invites, to what, until when; and how to go on."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """The apps for who is invited by phone, a button for who is invited by email."""
        context: dict[str, Any] = {"invitation": self.invitation}
        if self.invitation.purpose in BY_EMAIL:
            return self.page(request, "landing/by_email.html", context)
        link = invitation_link(self.invitation)
        context |= {
            "app_link": f"semafore://i/#{invitation_token(self.invitation)}",
            "qr": segno.make(link).svg_data_uri(scale=4, border=2, light="#fff"),
            "ios_app_url": settings.IOS_APP_URL,
            "android_app_url": settings.ANDROID_APP_URL,
        }
        return self.page(request, "landing/by_phone.html", context)


class AcceptView(OpenedPage):
    """Accept an invitation that came by email."""

    title = "Accept the invitation"

    def enter(self, request: HttpRequest) -> HttpResponse | None:
        """An account with the address has to be signed in; whoever else is signed in, is not."""
        elsewhere = super().enter(request)
        if elsewhere is not None:
            return elsewhere
        if self.invitation.purpose not in BY_EMAIL:
            raise InvitationUnknown
        if request.user.is_authenticated:
            if request.user.email != self.invitation.email:
                raise AnotherAccount(
                    detail="You are signed in with another account than the one that this "
                    "invitation was mailed to. Sign out, and open the link again."
                )
        elif has_account(self.invitation.email):
            return self.page(request, "landing/sign_in.html", {"invitation": self.invitation})
        return None

    def get(self, request: HttpRequest) -> HttpResponse:
        """The form."""
        form_class = AcceptForm if request.user.is_authenticated else NewAccountForm
        form = form_class(initial={"name": self.invitation.name})
        return self._show(request, form)

    def post(self, request: HttpRequest) -> HttpResponse:
        """Redeem, then sign in (which asks for a second factor)."""
        form = self._redeemed(request)
        if form.is_valid():
            del request.session[OPENED]
            messages.success(request, f"You belong to {self.invitation.organisation.name} now.")
            return HttpResponseRedirect(reverse("sign_in"))
        return self._show(request, form)

    def _redeemed(self, request: HttpRequest) -> AcceptForm:
        user = request.user
        form = AcceptForm(request.POST) if user.is_authenticated else NewAccountForm(request.POST)
        if form.is_valid():
            typed = form.cleaned_data
            if isinstance(user, Account):
                redemption.redeem_as(
                    invitation_id=self.invitation.id, name=typed["name"], account=user
                )
            else:
                redemption.redeem_with_new_account(
                    invitation_id=self.invitation.id,
                    name=typed["name"],
                    password=typed["password"],
                )
        return form

    def _show(self, request: HttpRequest, form: AcceptForm) -> HttpResponse:
        context = {"invitation": self.invitation, "form": form}
        return self.page(request, "landing/accept.html", context, 422 if form.is_bound else 200)


class DeclineView(OpenedPage):
    """Say no, for good."""

    title = "Decline the invitation"

    def get(self, request: HttpRequest) -> HttpResponse:
        """The question."""
        return self._show(request, DeclineForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        """Decline."""
        form = DeclineForm(request.POST)
        if not form.is_valid():
            return self._show(request, form)
        changes.decline(invitation_id=self.invitation.id, reason=form.cleaned_data["reason"])
        del request.session[OPENED]
        return self.page(request, "landing/declined.html", {"invitation": self.invitation})

    def _show(self, request: HttpRequest, form: DeclineForm) -> HttpResponse:
        context = {"invitation": self.invitation, "form": form}
        return self.page(request, "landing/decline.html", context, 422 if form.is_bound else 200)
