"""System checks of the event types, of the names and keys of logs, of where exports lie."""

import string
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register

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


@register()
def log_settings_hold(**_kwargs: Any) -> list[CheckMessage]:
    """The logs' name can stand in a signed note, and each checkpoint key is another."""
    found: list[CheckMessage] = []
    host = settings.LOG_HOST
    # A key's name ends at the first plus or white space (C2SP signed-note).
    if not host or "+" in host or any(one.isspace() or not one.isprintable() for one in host):
        found.append(
            Error(
                f"LOG_HOST is {host!r}, which can't begin the name of a log.",
                hint="Set LOG_HOST to a host name such as log.example.org, without spaces or plus.",
                id="audit.E101",
            )
        )
    if len(set(settings.CHECKPOINT_KEYS)) < len(settings.CHECKPOINT_KEYS):
        found.append(
            Error(
                "CHECKPOINT_KEYS names a key twice.",
                hint="Name each key once, the current one first.",
                id="audit.E102",
            )
        )
    if settings.RECEIPT_KEY in settings.CHECKPOINT_KEYS:
        found.append(
            Error(
                "RECEIPT_KEY is one of CHECKPOINT_KEYS.",
                hint="Make a key of its own for receipts: openssl rand -base64 32",
                id="audit.E103",
            )
        )
    return found


@register(Tags.security, deploy=True)
def receipts_have_a_key(**_kwargs: Any) -> list[CheckMessage]:
    """A receipt is believed for years: its key can't hang on one that signs people in."""
    if settings.RECEIPT_KEY:
        return []
    return [
        Error(
            "RECEIPT_KEY is not set: receipts would be signed by a key made of SECRET_KEY.",
            hint="Set RECEIPT_KEY to 32 random bytes in base64: openssl rand -base64 32",
            id="audit.E104",
        )
    ]


@register()
def exports_reach_every_worker(**_kwargs: Any) -> list[CheckMessage]:
    """A file that one host's worker writes can be read and gone on with from every other."""
    if settings.WORKER_HOSTS == 1 or settings.EXPORT_STORAGE.bucket:
        return []
    return [
        Error(
            f"WORKER_HOSTS is {settings.WORKER_HOSTS} and EXPORT_STORAGE is a directory.",
            hint="Set EXPORT_STORAGE to s3://bucket/prefix (requirements/s3.txt).",
            id="audit.E201",
        )
    ]
