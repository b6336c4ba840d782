"""Reads of saved searches."""

from uuid import UUID

from django.db.models import Q, QuerySet

from audit.models import SavedSearch
from audit.registry import REGISTRY
from audit.selectors.reading import Reader, may_read_type
from semafore.kernel.permissions import Permission
from semafore.kernel.problems import NotFound


def saved_searches(reader: Reader) -> QuerySet[SavedSearch]:
    """The reader's own, and those shared with them: none that examines them.

    What examines others is for owners and auditors; a type that one may not read is no filter.
    """
    shared = Q(shared=True) & ~Q(people__overlap=list(reader.own))
    if Permission.AUDIT_READ_TRAFFIC not in reader.permissions:
        shared &= Q(people=[])
    hidden = [
        one.name
        for one in REGISTRY.values()
        if not may_read_type(one.event_class, one.name, reader.permissions)
    ]
    found = SavedSearch.objects.filter(Q(saved_by__in=reader.own) | shared)
    return found.exclude(filters__action__in=hidden).select_related("saved_by")


def saved_search(search_id: UUID, reader: Reader) -> SavedSearch:
    """One of them. Raises NotFound."""
    found = saved_searches(reader).filter(id=search_id).first()
    if found is None:
        raise NotFound
    return found


def may_change(search: SavedSearch, reader: Reader) -> bool:
    """Whether the reader may rename or share it: whoever saved it."""
    return search.saved_by_id in reader.own


def may_delete(search: SavedSearch, reader: Reader) -> bool:
    """Whether the reader may delete it: whoever saved it, and owners, as it may outlive them."""
    return may_change(search, reader) or Permission.POLICY_MANAGE in reader.permissions
