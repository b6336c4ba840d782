"""Saved searches: the list, saving one, renaming it, sharing it, deleting it."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from audit.console.explorer import names_of
from audit.forms.fields import ReasonField
from audit.forms.filters import ExplorerForm, chips, in_words, query
from audit.models import SavedSearch
from audit.models.searches import NAME_LENGTH
from audit.selectors.reading import Reader, reader_of
from audit.selectors.searches import may_change, may_delete, saved_search, saved_searches
from audit.services.searches import change_search, delete_search, save_search
from semafore.kernel.http.console import ConsoleView
from semafore.kernel.http.decisions import DecisionView
from semafore.kernel.paging import paginate
from semafore.kernel.permissions import Permission
from semafore.kernel.problems import NotPermitted

SHARED_WITH = (
    "Those who may read the same events. Nobody sees a search that is about themselves, and one "
    "that is about somebody is for owners and auditors alone."
)


class SearchForm(forms.Form):
    """What it is called, and who sees it."""

    name = forms.CharField(max_length=NAME_LENGTH)
    shared = forms.BooleanField(
        label="Share it with the other readers of the audit log",
        required=False,
        help_text=SHARED_WITH,
    )


class DeleteForm(forms.Form):
    """Why it goes."""

    reason = ReasonField(
        help_text="It is kept in the audit log.",
    )


class SavedSearchesView(ConsoleView):
    """The reader's own searches, and those that others share with them."""

    requires = Permission.AUDIT_READ
    title = "Audit log"

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show them, by name."""
        reader = reader_of(self.seat)
        page = paginate(saved_searches(reader), by=("name", "id"), cursor=request.GET.get("cursor"))
        names = names_of([search.filters for search in page.rows], [])
        context = {
            "page": page,
            "searches": [
                {
                    "search": search,
                    "address": self.link("audit") + query(search.filters),
                    "words": in_words(search.filters, names),
                    "own": search.saved_by_id in reader.own,
                    "may_change": may_change(search, reader),
                    "may_delete": may_delete(search, reader),
                }
                for search in page.rows
            ],
        }
        return self.page(request, "console/audit/searches.html", context)


class SavedSearchNewView(ConsoleView):
    """Keep the filters of the address under a name."""

    requires = Permission.AUDIT_READ
    title = "Save this search"

    def get(self, request: HttpRequest) -> HttpResponse:
        """Ask for the name."""
        return self._ask(request, SearchForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        """Save it."""
        form, filters = SearchForm(request.POST), self._filters(request)
        if filters and form.is_valid():
            with self.refusals(form):
                search = save_search(
                    **form.cleaned_data, filters=filters, reader=reader_of(self.seat)
                )
                messages.success(request, f"The search “{search.name}” is saved.")
                return HttpResponseRedirect(self.link("saved_searches"))
        return self._ask(request, form, status=422)

    def _filters(self, request: HttpRequest) -> dict[str, str]:
        """Those of the address; none where they are not possible."""
        explorer = ExplorerForm(request.GET, reader=reader_of(self.seat))
        return explorer.parameters() if explorer.is_valid() and not explorer.several else {}

    def _ask(self, request: HttpRequest, form: SearchForm, status: int = 200) -> HttpResponse:
        filters = self._filters(request)
        if not filters:
            messages.info(request, "Filter the log first: what is saved are its filters.")
            return HttpResponseRedirect(self.link("audit"))
        context = {
            "form": form,
            "chips": chips(filters, names_of([filters], [])),
            "cancel": self.link("audit") + query(filters),
        }
        return self.page(request, "console/audit/search_form.html", context, status=status)


class SavedSearchEditView(ConsoleView):
    """Another name; shared or not."""

    requires = Permission.AUDIT_READ
    title = "Rename or share the search"

    def get(self, request: HttpRequest, saved_search_id: UUID) -> HttpResponse:
        """Ask. Raises NotFound, NotPermitted."""
        search = self._own(saved_search_id)
        initial = {"name": search.name, "shared": search.shared}
        return self._ask(request, search, SearchForm(initial=initial))

    def post(self, request: HttpRequest, saved_search_id: UUID) -> HttpResponse:
        """Change it. Raises NotFound, NotPermitted."""
        search, form = self._own(saved_search_id), SearchForm(request.POST)
        if form.is_valid():
            with self.refusals(form):
                change_search(search_id=search.id, **form.cleaned_data, reader=reader_of(self.seat))
                messages.success(request, "The search is changed.")
                return HttpResponseRedirect(self.link("saved_searches"))
        return self._ask(request, search, form, status=422)

    def _own(self, search_id: UUID) -> SavedSearch:
        return _saved(search_id, reader_of(self.seat), may_change)

    def _ask(
        self, request: HttpRequest, search: SavedSearch, form: SearchForm, status: int = 200
    ) -> HttpResponse:
        context = {
            "form": form,
            "chips": chips(search.filters, names_of([search.filters], [])),
            "cancel": self.link("saved_searches"),
        }
        return self.page(request, "console/audit/search_form.html", context, status=status)


def _saved(search_id: UUID, reader: Reader, allowed: Any) -> SavedSearch:
    """Raises NotFound for what they don't see, NotPermitted for what is somebody else's."""
    search = saved_search(search_id, reader)
    if not allowed(search, reader):
        raise NotPermitted
    return search


class SavedSearchDeleteView(DecisionView):
    """The end of a saved search."""

    requires = Permission.AUDIT_READ
    sensitive = False
    title = "Delete the search “{0.name}”"
    form_class = DeleteForm
    submit = "Delete the search"
    danger = True

    def subject(self, **ids: UUID) -> SavedSearch:
        """The search. Raises NotFound, NotPermitted."""
        return _saved(ids["saved_search_id"], reader_of(self.seat), may_delete)

    def consequences(self, subject: SavedSearch) -> list[str]:
        """Who misses it."""
        loses = (
            "Everybody with whom it is shared loses it." if subject.shared else "Only you see it."
        )
        return [loses, "The events that it finds stay as they are."]

    def act(self, subject: SavedSearch, data: dict[str, Any]) -> str:
        """Raises NotFound, NotPermitted."""
        delete_search(search_id=subject.id, reason=data["reason"], reader=reader_of(self.seat))
        return f"The search “{subject.name}” is deleted."

    def elsewhere(self, subject: SavedSearch) -> str:
        """The list."""
        del subject
        return self.link("saved_searches")
