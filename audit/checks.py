"""System checks of the event types."""

import string
from collections.abc import Iterator
from typing import Any

from django.core.checks import CheckMessage, Error, register

from audit.registry import REGISTRY, EventType, What

NAMED_BY_EVERY_EVENT = {"actor", "target", "subject", "room"}


def kinds(of: type[What]) -> Iterator[type[What]]:
    """Every kind of `What`, at whatever depth."""
    for kind in of.__subclasses__():
        yield kind
        yield from kinds(kind)


@register()
def event_types_are_registered(**_kwargs: Any) -> list[CheckMessage]:
    """Every kind of `What` is registered, and its sentence names only what it holds."""
    found: list[CheckMessage] = []
    for kind in kinds(What):
        event_type: EventType | None = kind.__dict__.get("type")
        if event_type is None or REGISTRY.get(event_type.name) is not event_type:
            found.append(
                Error(
                    f"{kind.__module__}.{kind.__qualname__} is not registered.",
                    hint="Decorate it with @audit.registry.event(…) in its app's events.py.",
                    id="audit.E001",
                )
            )
            continue
        own = set(kind.__dataclass_fields__)
        named = {name for _, name, _, _ in string.Formatter().parse(event_type.sentence) if name}
        found.extend(
            Error(
                f"The sentence of {event_type.name} names {{{name}}}, which it doesn't hold.",
                hint="Use actor, target, subject, room or a field of the type.",
                id="audit.E002",
            )
            for name in sorted(named - own - NAMED_BY_EVERY_EVENT)
        )
    return found
