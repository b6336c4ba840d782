"""Every part of the design on pages of their own, for the tests and for whoever changes it.

A URLconf: the real routes, and the gallery's below an organisation.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import path

from console.navigation import SECTIONS
from semafore import urls
from semafore.kernel import clock
from semafore.kernel.http.console import ConsoleView, PageView
from semafore.kernel.paging import Page
from semafore.kernel.permissions import Access, Permission
from semafore.kernel.problems import Problem, Unavailable

STATUSES = (
    *("pending", "active", "suspended", "ended"),
    *("approved", "denied", "revoked", "none"),
    *("issued", "opened", "phone_verified", "awaiting_approval"),
    *("accepted", "expired", "declined", "running"),
    *("queued", "sent", "failed", "finished"),
)
FINGERPRINT = "30251 98476 12034 55581 90210 44637 18825 00971 63340 72519 28846 51103"


class GalleryForm(forms.Form):
    """Each kind of field."""

    name = forms.CharField(help_text="As it stands in <b>the</b> staff list.", max_length=100)
    email = forms.EmailField(required=False)
    password = forms.CharField(widget=forms.PasswordInput, help_text="At least 12 characters.")
    role = forms.ChoiceField(choices=[("member", "Member"), ("admin", "Administrator")])
    compared = forms.ChoiceField(
        label="How did you compare the fingerprint?",
        help_text="Both of you read all twelve groups.",
        widget=forms.RadioSelect,
        choices=[("in_person", "In person"), ("call", "On a call"), ("not", "Not compared")],
    )
    days = forms.IntegerField(label="Days", min_value=1, max_value=30)
    ends_on = forms.DateField(widget=forms.DateInput(attrs={"type": "date"}), required=False)
    totp_required = forms.BooleanField(
        label="Members need a second factor", help_text="At their next sign-in.", required=False
    )
    rooms = forms.MultipleChoiceField(
        widget=forms.CheckboxSelectMultiple, choices=[("a", "Atlas"), ("b", "Borealis")]
    )
    reason = forms.CharField(widget=forms.Textarea(attrs={"rows": 3}))
    file = forms.FileField(label="CSV file")


class FilterForm(forms.Form):
    """As above a table."""

    q = forms.CharField(label="Name or phone", required=False)
    role = forms.ChoiceField(choices=[("", "Any"), ("member", "Member")], required=False)
    status = forms.ChoiceField(choices=[("", "Any"), ("active", "Active")], required=False)


class ReasonForm(forms.Form):
    """As on a page for one decision."""

    reason = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 3}), help_text="It is kept in the audit log."
    )


@dataclass(frozen=True)
class Job:
    """Long work, half way."""

    status: str
    done: int
    total: int | None
    beat_at: datetime
    finished: bool
    unit: str = "rows"


class GalleryView(ConsoleView):
    """All parts; a POST shows the form's errors."""

    requires = Permission.CONSOLE_ENTER
    title = "Gallery"

    def get(self, request: HttpRequest) -> HttpResponse:
        """With nothing filled in."""
        return self.gallery(request, GalleryForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        """With what was typed, and what is wrong with it."""
        return self.gallery(request, GalleryForm(request.POST, request.FILES))

    def gallery(self, request: HttpRequest, form: forms.Form) -> HttpResponse:
        """The page."""
        messages.success(request, "Bob Stone's phone is approved.")
        messages.error(request, "The message could not be sent.")
        now = clock.now()
        context: dict[str, Any] = {
            "form": form,
            "filters": FilterForm(request.GET),
            "statuses": STATUSES,
            "fingerprint": FINGERPRINT,
            "digest": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "now": now,
            "soon": now + timedelta(days=3, minutes=1),
            "long_ago": now - timedelta(days=40),
            "page": Page(rows=[], next="more"),
            "running": Job("running", 1204, 5000, now - timedelta(minutes=2), finished=False),
            "codes": [f"{n:04x}-9d2e-{n * 7:04x}-b1c0" for n in range(1000, 1010)],
        }
        return self.page(request, "gallery.html", context)


class JobView(ConsoleView):
    """Long work, which is done when the page asks again."""

    requires = Permission.CONSOLE_ENTER
    title = "Export"

    def get(self, request: HttpRequest) -> HttpResponse:
        """Half way, then finished."""
        again = "HX-Request" in request.headers
        running = Job("running", 1204, 5000, clock.now(), finished=False)
        finished = Job("finished", 5000, 5000, clock.now(), finished=True)
        return self.page(request, "job.html", {"job": finished if again else running})


class ConfirmView(ConsoleView):
    """A page for one decision."""

    requires = Permission.CONSOLE_ENTER
    title = "End Bob Stone's membership"

    def get(self, request: HttpRequest) -> HttpResponse:
        """What will happen."""
        context = {
            "consequences": [
                "Bob Stone's two devices are revoked and their sockets close at once.",
                "He leaves 3 rooms. Messages that wait for him are deleted.",
                "His audit events and his history stay.",
            ],
            "form": ReasonForm(),
            "submit": "End the membership",
            "danger": True,
            "cancel": request.path,
        }
        return self.page(request, "console/confirm.html", context)


class AwayView(PageView):
    """The database is away."""

    requires = Access.PUBLIC

    def get(self, request: HttpRequest) -> HttpResponse:
        """503."""
        raise Unavailable(retry_after=2)


class Ended(Problem):
    """An address that is no longer."""

    status, code, title = 410, "gallery_ended", "This invitation has expired."


class EndedView(PageView):
    """410."""

    requires = Access.PUBLIC

    def get(self, request: HttpRequest) -> HttpResponse:
        """Always."""
        raise Ended


class EmptyView(ConsoleView):
    """A page of the navigation."""

    requires = Permission.CONSOLE_ENTER

    def get(self, request: HttpRequest, item: UUID | None = None) -> HttpResponse:
        """Nothing but the shell."""
        del item
        return self.page(request, "console/base.html", {"title": "A page"})


def broken(_request: HttpRequest) -> HttpResponse:
    """A fault outside the base views."""
    raise RuntimeError


def forbidden(_request: HttpRequest) -> HttpResponse:
    """A refusal outside the base views."""
    raise PermissionDenied


NAMES = {entry.name for entries in SECTIONS.values() for entry in entries} - {"overview"}

urlpatterns = [
    path("console/broken", broken),
    path("console/forbidden", forbidden),
    path("console/away", AwayView.as_view()),
    path("i/ended", EndedView.as_view()),
    path("console/account/", AwayView.as_view(), name="account"),
    path("console/sign-out", AwayView.as_view(), name="sign_out"),
    path("console/<slug:slug>/", EmptyView.as_view(), name="overview"),
    path("console/<slug:slug>/gallery", GalleryView.as_view(), name="gallery"),
    path("console/<slug:slug>/gallery/job", JobView.as_view(), name="gallery_job"),
    path("console/<slug:slug>/gallery/confirm", ConfirmView.as_view(), name="gallery_confirm"),
    *(path(f"console/<slug:slug>/{name}", EmptyView.as_view(), name=name) for name in NAMES),
    path("console/<slug:slug>/members/<uuid:item>", EmptyView.as_view(), name="member"),
    *urls.urlpatterns,
]
handler400, handler403 = urls.handler400, urls.handler403
handler404, handler500 = urls.handler404, urls.handler500
