"""Saved searches: kept, renamed, shared, deleted."""

from collections.abc import Mapping
from uuid import UUID

from django.db import transaction

from audit.events.searches import SearchChanged, SearchDeleted, SearchSaved
from audit.models import SavedSearch
from audit.selectors.reading import Reader
from audit.selectors.searches import may_change, may_delete, saved_search
from audit.services.examined import people_in, record_examination
from audit.services.recording import Ref, record
from semafore.kernel import clock
from semafore.kernel.hooks import MembershipChanged
from semafore.kernel.problems import NotPermitted
from semafore.kernel.tenancy import current_organisation_id


@transaction.atomic
def save_search(
    *, name: str, filters: Mapping[str, str], shared: bool, reader: Reader
) -> SavedSearch:
    """Keep these filters. Raises NotPermitted for a reader who is no member."""
    if reader.membership_id is None:
        raise NotPermitted
    search = SavedSearch.objects.create(
        organisation_id=current_organisation_id(),
        name=name,
        filters=dict(filters),
        people=list({one.id for one in people_in(filters).values()}),
        shared=shared,
        saved_at=clock.now(),
        saved_by_id=reader.membership_id,
    )
    record_examination(
        filters, lambda told: SearchSaved(filters=told, shared=shared), target=_ref(search)
    )
    return search


@transaction.atomic
def change_search(*, search_id: UUID, name: str, shared: bool, reader: Reader) -> SavedSearch:
    """Rename it, share it or keep it to oneself. Raises NotFound, NotPermitted."""
    search = saved_search(search_id, reader)
    if not may_change(search, reader):
        raise NotPermitted
    before = {"shared": search.shared}
    search.name, search.shared = name, shared
    search.save(update_fields=["name", "shared"])
    changed = SearchChanged(before=before, after={"shared": shared})
    record_examination(search.filters, lambda _: changed, target=_ref(search))
    return search


@transaction.atomic
def delete_search(*, search_id: UUID, reason: str, reader: Reader) -> None:
    """Forget it. Raises NotFound, NotPermitted."""
    search = saved_search(search_id, reader)
    if not may_delete(search, reader):
        raise NotPermitted
    _delete(search, reason)


@transaction.atomic
def on_membership_ended(payload: MembershipChanged) -> None:
    """Handler of the kernel's hook: nobody else sees what somebody kept to themselves.

    Nor whom they looked for: it may have been whoever ends the membership.
    """
    for search in SavedSearch.objects.filter(saved_by=payload.membership_id, shared=False):
        deleted = SearchDeleted(reason="The membership ended.")
        record(deleted, target=Ref("saved_search", search.id, ""))
        search.delete()


def _delete(search: SavedSearch, reason: str) -> None:
    deleted = SearchDeleted(reason=reason)
    record_examination(search.filters, lambda _: deleted, target=_ref(search))
    search.delete()


def _ref(search: SavedSearch) -> Ref:
    """Its name may name somebody: it stands where one person alone is kept from reading it."""
    return Ref("saved_search", search.id, search.name if len(search.people) <= 1 else "")
