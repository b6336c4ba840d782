"""RFC 5424: a message with structured data. How it travels (RFC 5425) is `audit.siem.tls`'s."""

import re
from collections.abc import Mapping
from typing import Final

from django.conf import settings

from audit.registry import Severity
from audit.siem.fields import PRODUCT, Fields, Named, server_host
from audit.siem.texts import as_json, fitted, pictured
from semafore.kernel import clock

FACILITY: Final = 13
"""Log audit."""

SEVERITIES: Final = {
    Severity.INFORMATIONAL: 6,
    Severity.LOW: 5,
    Severity.MEDIUM: 4,
    Severity.HIGH: 3,
    Severity.CRITICAL: 2,
}
"""Informational, notice, warning, error, critical."""

APPLICATION: Final = "semafore"
MSGID_MAX_LENGTH: Final = 32
NIL: Final = "-"

SEQUENCE_MAX: Final = 2**31 - 1
"""Of `meta`, which begins anew with 1 after it."""

ESCAPED: Final = re.compile(r'(["\\\]])')

CLOCK: Final = ("timeQuality", {"tzKnown": "1"})
"""Whether it is set right is not known here, and so is not said."""

MESSAGE: Final = "message"
"""Among the values, what isn't a parameter: the sentence behind the structured data."""


def header(fields: Fields) -> str:
    """Priority, version, time, host, application, no process, type."""
    priority = FACILITY * 8 + SEVERITIES[fields.event.severity]
    time = clock.rfc3339(fields.event.at)
    msgid = fields.event.type[:MSGID_MAX_LENGTH]
    return f"<{priority}>1 {time} {server_host() or NIL} {APPLICATION} {NIL} {msgid}"


def encode(fields: Fields) -> bytes:
    """The message in UTF-8, with no byte order mark: receivers keep one as part of the text."""
    head = header(fields)
    number = settings.SIEM_ENTERPRISE_NUMBER
    # Of the log's place, since nothing counts what goes to one receiver.
    meta = {"sequenceId": str(fields.event.seq % SEQUENCE_MAX + 1)}
    origin = {"software": PRODUCT, "swVersion": settings.VERSION, "enterpriseId": str(number)}
    about = element("meta", meta) + element("origin", origin) + element(*CLOCK)

    def write(values: Mapping[str, str]) -> bytes:
        named = {name: value for name, value in values.items() if name != MESSAGE}
        ours = element(f"semafore@{number}", named)
        return f"{head} {about}{ours} {values[MESSAGE]}".encode()

    return fitted(parameters(fields), write, droppable="data")


def element(name: str, values: Mapping[str, str]) -> str:
    """`[name a="b"]`; the values escaped as RFC 5424, 6.3.3 asks."""
    written = (f' {one}="{_escaped(value)}"' for one, value in values.items())
    return f"[{name}{''.join(written)}]"


def _escaped(value: str) -> str:
    return ESCAPED.sub(r"\\\1", value)


def parameters(fields: Fields) -> dict[str, str]:
    """Names in lower case, as rsyslog folds them; what is empty is left out."""
    event = fields.event
    attempts = fields.attempts
    values = {
        "id": fields.uid,
        "org": fields.organisation,
        "seq": str(event.seq),
        "leaf": event.leaf.hex(),
        "class": str(int(event.event_class)),
        "outcome": fields.outcome,
        **_named("actor", fields.actor),
        "person": fields.person,
        **_named("target", fields.target),
        **_named("subject", fields.subject),
        **_named("room", fields.room),
        "address": fields.address,
        "agent": fields.agent,
        "request": fields.request,
        "approval": fields.approval,
        "reason": fields.reason,
        "count": str(attempts.count) if attempts else "",
        "who": "" if event.who else "deleted",
        "data": as_json(fields),
        MESSAGE: event.sentence,
    }
    return {name: pictured(value) for name, value in values.items() if value}


def _named(role: str, named: Named | None) -> dict[str, str]:
    """Its id, or its kind where it has none, and what it was called."""
    if named is None:
        return {}
    return {role: named.uid or named.kind, f"{role}_name": named.label}
