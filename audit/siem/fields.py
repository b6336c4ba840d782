"""What every format takes from an event (siem.md, Mapping); ids carry a prefix that names the kind.

Without its prefix an id is the one that console and audit API know.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.utils.text import capfirst

from audit.siem.outgoing import Outgoing
from semafore.kernel.actor import ActorKind

VENDOR: Final = "SemaFore"
PRODUCT: Final = "SemaFore Server"

PREFIXES: Final = {
    "account": "acc",
    "approval": "apr",
    "device": "dev",
    "event": "evt",
    "invitation": "inv",
    "member": "usr",
    "operator": "opr",
    "organisation": "org",
    "request": "req",
    "service": "svc",
    "service_token": "svc",
}
"""Of an id, by the kind of what it names; other kinds are their own prefix."""


EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def milliseconds(moment: datetime) -> int:
    """Since 1970, rounded down: floats would be off by one now and then."""
    return (moment - EPOCH) // timedelta(milliseconds=1)


def prefixed(kind: str, id: UUID | str) -> str:  # noqa: A002 - the field's own name
    """`usr_0199…`: no receiver takes it for a number."""
    return f"{PREFIXES.get(kind, kind)}_{id}"


@dataclass(frozen=True, slots=True)
class Named:
    """Somebody or something that an event names; the label is what it was called then."""

    kind: str
    uid: str
    """Empty for what has no id: the server itself, or nobody who was signed in."""
    label: str

    def as_json(self) -> dict[str, str]:
        """What there is of it."""
        parts = {"kind": self.kind, "uid": self.uid, "label": self.label}
        return {name: value for name, value in parts.items() if value}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """An event in the terms that the formats share. A text is empty where there is none."""

    event: Outgoing
    uid: str
    organisation: str
    actor: Named | None
    """None, as all people, where retention deleted them."""
    person: str
    """The membership behind the actor: of a device, whose it is."""
    target: Named | None
    subject: Named | None
    room: Named | None
    address: str
    agent: str
    request: str
    """The HTTP request that caused it."""
    reason: str
    approval: str
    """The approval that it is part of."""
    data: dict[str, Any]
    """The rest of the type's own."""

    @property
    def correlation(self) -> str:
        """What events that belong together have in common."""
        return self.approval or self.request

    @property
    def outcome(self) -> str:
        """`success`, or `denied` for what was refused."""
        return str(self.event.what["outcome"])

    @property
    def name(self) -> str:
        """`Device approved`."""
        return capfirst(self.event.type.replace(".", " ").replace("_", " "))

    @property
    def milliseconds(self) -> int:
        """When it happened, since 1970."""
        return milliseconds(self.event.at)

    @property
    def attempts(self) -> "Attempts | None":
        """Of a refusal: how often it was tried within its minute."""
        attempts = self.event.what.get("attempts")
        if not attempts:
            return None
        first, last = (
            milliseconds(datetime.fromisoformat(attempts[name])) for name in ("first_at", "last_at")
        )
        return Attempts(attempts["count"], first, last)


@dataclass(frozen=True, slots=True)
class Attempts:
    """Refusals that were counted as one event; the times are milliseconds since 1970."""

    count: int
    first: int
    last: int


def fields_of(event: Outgoing) -> Fields:
    """The terms of the mapping table, from what is left of an event."""
    who = event.who or {}
    actor = who.get("actor")
    data = dict(event.what["data"])
    approval = data.pop("request_id", None)
    return Fields(
        event=event,
        uid=prefixed("event", event.event_id),
        organisation=prefixed("organisation", event.organisation_id),
        actor=_named(actor),
        person=prefixed("member", actor["member"]) if actor and actor["member"] else "",
        target=_named(who.get("target")),
        subject=_named(who.get("subject")),
        room=_named(who.get("room")),
        address=who.get("address") or "",
        agent=who.get("user_agent") or "",
        request=prefixed("request", who["request_id"]) if who.get("request_id") else "",
        reason=data.pop("reason", None) or "",
        approval=prefixed("approval", approval) if approval else "",
        data=data,
    )


def _named(one: Mapping[str, Any] | None) -> Named | None:
    if not one:
        return None
    uid = prefixed(one["kind"], one["id"]) if one["id"] else ""
    return Named(one["kind"], uid, one["label"] or "")


def is_device(one: Named | None) -> bool:
    """Whether it is one of somebody's devices."""
    return one is not None and one.kind == ActorKind.DEVICE


def server_host() -> str:
    """The name by which this server is reached."""
    return urlsplit(settings.BASE_URL).hostname or ""
