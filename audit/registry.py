"""Event types: each app declares its own in `events.py`, with the `@event` decorator.

A type that is declared twice stops start-up; one that is not declared can't be recorded.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from enum import IntEnum
from types import MappingProxyType
from typing import Any, ClassVar, TypeVar, dataclass_transform

from django.core.exceptions import ImproperlyConfigured


class EventClass(IntEnum):
    """One byte that decides how long the parts of an event live (audit-log.md)."""

    ADMINISTRATION = 1
    TRANSIT = 2
    DEVICE_KEYS = 3
    RETENTION = 4
    LOG = 5
    CLAIMS = 6


class Severity(IntEnum):
    """OCSF's severities."""

    INFORMATIONAL = 1
    LOW = 2
    MEDIUM = 3
    HIGH = 4
    CRITICAL = 5


class OcsfClass(IntEnum):
    """OCSF event classes (siem.md)."""

    ACCOUNT_CHANGE = 3001
    AUTHENTICATION = 3002
    ENTITY_MANAGEMENT = 3004
    USER_ACCESS = 3005
    GROUP_MANAGEMENT = 3006
    API_ACTIVITY = 6003
    DATASTORE_ACTIVITY = 6005


@dataclass(frozen=True, slots=True)
class EventType:
    """What is the same for all events of a type."""

    name: str
    event_class: EventClass
    severity: Severity
    sentence: str
    """Plain words with `{actor}`, `{target}`, `{subject}` and the names of the type's own data."""
    ocsf_class: OcsfClass


class What:
    """Base of the typed data of an event: frozen dataclasses, made by `@event`.

    Values may be str, int, bool, None, UUID, bytes, aware datetime, and lists or dicts of these;
    never a key, token, code or content.
    """

    type: ClassVar[EventType]
    __dataclass_fields__: ClassVar[dict[str, Any]]

    def data(self) -> dict[str, Any]:
        """The fields by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


W = TypeVar("W", bound=What)

_types: dict[str, EventType] = {}

REGISTRY: Mapping[str, EventType] = MappingProxyType(_types)
"""Every registered type by its name."""


@dataclass_transform(frozen_default=True, kw_only_default=True)
def event(
    name: str,
    event_class: EventClass,
    *,
    sentence: str,
    severity: int = Severity.INFORMATIONAL,
    ocsf_class: OcsfClass = OcsfClass.ENTITY_MANAGEMENT,
) -> Callable[[type[W]], type[W]]:
    """Make the class an event type `<subject>.<past participle>` and register it.

    Raises ImproperlyConfigured when the name is taken.
    """

    def decorate(cls: type[W]) -> type[W]:
        if name in _types:
            message = f"the event type {name} is declared twice; the second time by {cls!r}"
            raise ImproperlyConfigured(message)
        made = dataclass(frozen=True, kw_only=True)(cls)
        made.type = _types[name] = EventType(
            name=name,
            event_class=event_class,
            severity=Severity(severity),
            sentence=sentence,
            ocsf_class=ocsf_class,
        )
        return made

    return decorate
