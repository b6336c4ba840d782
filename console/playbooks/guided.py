"""What playbooks have in common: who is affected, what will happen, the act, its record."""

from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

from django.contrib import messages
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict

from console.playbooks.catalogue import Playbook
from semafore.kernel.http.console import ConsoleView
from semafore.kernel.permissions import Permission
from semafore.kernel.problems import NotFound

LONGEST = 200


@dataclass(frozen=True, slots=True)
class Choice:
    """Somebody or something that may be affected."""

    label: str
    hint: str
    status: str
    query: str
    """What chooses it in the address: `person=<id>`."""


def id_of(query: QueryDict, name: str) -> UUID | None:
    """The id that the address gives. Raises NotFound for what is none."""
    given = query.get(name, "")
    try:
        return UUID(given) if given else None
    except ValueError as error:
        raise NotFound from error


class PlaybookView(ConsoleView):
    """Asks who is affected; then shows what the act will do, and does it.

    Everybody of the console sees it; who may not act is told who may.
    """

    requires = Permission.PEOPLE_READ
    sensitive = True
    playbook: ClassVar[Playbook]
    template: ClassVar[str]
    asks: ClassVar[str]
    """The question of the first step."""
    hint: ClassVar[str]
    """What to type for an answer."""

    def subject(self, query: QueryDict) -> Any:
        """Who or what the address says is affected; None asks. Raises NotFound."""
        raise NotImplementedError

    def choices(self, words: str) -> list[Choice]:
        """Who or what fits these words."""
        raise NotImplementedError

    def plan(self, subject: Any) -> dict[str, Any]:
        """What the page shows of it; `why_not` where the act is not to be had."""
        raise NotImplementedError

    def form(self, subject: Any, data: QueryDict | None = None) -> Form:
        """The form of the act."""
        raise NotImplementedError

    def act(self, subject: Any, form: Any) -> UUID:
        """Carry it out; the event that is the record. Raises Problems."""
        raise NotImplementedError

    def get(self, request: HttpRequest) -> HttpResponse:
        """The question, or the plan."""
        subject = self.subject(request.GET)
        if subject is None:
            return self._choose(request)
        return self._show(request, subject, self.form(subject))

    def post(self, request: HttpRequest) -> HttpResponse:
        """Carry it out, or say what stands against it."""
        subject = self.subject(request.GET)
        if subject is None:
            return self._choose(request, status=422)
        form = self.form(subject, request.POST)
        if form.is_valid():
            with self.refusals(form):
                record = self.act(subject, form)
                messages.success(request, f"{self.playbook.title}: done.")
                return HttpResponseRedirect(self._afterwards(request, record))
        return self._show(request, subject, form, status=422)

    def _afterwards(self, request: HttpRequest, record: UUID) -> str:
        """The record; for who may not read the log, what is left to be done."""
        if Permission.AUDIT_READ in self.seat.permissions:
            return self.link("playbook_record", record)
        return request.get_full_path()

    def _choose(self, request: HttpRequest, status: int = 200) -> HttpResponse:
        words = request.GET.get("q", "").strip()[:LONGEST]
        context = {
            "title": self.playbook.title,
            "playbook": self.playbook,
            "asks": self.asks,
            "hint": self.hint,
            "words": words,
            "choices": self.choices(words) if words else [],
            "missing": status != 200,  # noqa: PLR2004 - HTTP's own
        }
        return self.page(request, "console/playbooks/choose.html", context, status)

    def _show(
        self, request: HttpRequest, subject: Any, form: Form, status: int = 200
    ) -> HttpResponse:
        permitted = self.playbook.permission in self.seat.permissions
        context = {
            "title": self.playbook.title,
            "playbook": self.playbook,
            "form": form,
            "why_not": "" if permitted else f"{self.playbook.who} may carry it out.",
            "again": request.path,
        }
        plan = self.plan(subject)
        if not permitted:
            plan.pop("why_not", None)
        return self.page(request, self.template, context | plan, status)
