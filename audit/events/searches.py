"""Event types of counting events and of searches that are kept.

Of each person whom the filters name there is one, which doesn't say whom else they name.
"""

from typing import Any

from audit.registry import EventClass, OcsfClass, What, event


@event(
    "audit.counted",
    EventClass.ADMINISTRATION,
    sentence="{actor} counted {counted} events of the audit log.",
    ocsf_class=OcsfClass.DATASTORE_ACTIVITY,
)
class AuditCounted(What):
    """So many of the newest events that fit the filters, by `actor`, `action` or `day`."""

    filters: dict[str, Any]
    by: str
    counted: int


@event(
    "audit.search_saved",
    EventClass.ADMINISTRATION,
    sentence="{actor} saved a search of the audit log.",
    ocsf_class=OcsfClass.DATASTORE_ACTIVITY,
)
class SearchSaved(What):
    """The filters under a name; `shared` with everybody who may read the same."""

    filters: dict[str, Any]
    shared: bool


@event(
    "audit.search_changed",
    EventClass.ADMINISTRATION,
    sentence="{actor} renamed or shared a saved search of the audit log.",
    ocsf_class=OcsfClass.DATASTORE_ACTIVITY,
)
class SearchChanged(What):
    """Whether it is shared, before and after; its name is the target's."""

    before: dict[str, Any]
    after: dict[str, Any]


@event(
    "audit.search_deleted",
    EventClass.ADMINISTRATION,
    sentence="{actor} deleted a saved search of the audit log ({reason}).",
    ocsf_class=OcsfClass.DATASTORE_ACTIVITY,
)
class SearchDeleted(What):
    """What was found with it stays."""

    reason: str
