"""CEF, version 0, as the message of a syslog line (siem.md)."""

import re
from collections.abc import Mapping
from ipaddress import IPv6Address, ip_address
from typing import Final

from django.conf import settings

from audit.registry import Severity
from audit.siem.fields import PRODUCT, VENDOR, Fields, Named, is_device, server_host
from audit.siem.syslog import NIL, header
from audit.siem.texts import as_json, fitted, pictured

SEVERITIES: Final = {
    Severity.INFORMATIONAL: 1,
    Severity.LOW: 3,
    Severity.MEDIUM: 5,
    Severity.HIGH: 8,
    Severity.CRITICAL: 10,
}
"""0 to 3 is low, to 6 medium, to 8 high, to 10 very high."""

HEADER_ESCAPED: Final = re.compile(r"([\\|])")
VALUE_ESCAPED: Final = re.compile(r"([\\|=])")
"""A bare pipe is legal there, but some parsers choke on it."""

LABELS: Final = {
    "cs1": "Organisation",
    "cs2": "Target",
    "cs3": "Leaf",
    "cs4": "Room",
    "cs5": "Approval",
    "cs6": "Data",
    "cn1": "Sequence",
    "flexString1": "Device",
    "c6a2": "Source IPv6 Address",
}
"""What the keys are that CEF leaves to us: each goes with a key `…Label`."""


def encode(fields: Fields) -> bytes:
    """The syslog message in UTF-8, without structured data."""
    head = "|".join(_header(fields))

    def write(values: Mapping[str, str]) -> bytes:
        said = " ".join(f"{name}={_value(value)}" for name, value in values.items())
        return f"{header(fields)} {NIL} {head}|{said}".encode()

    return fitted(extension(fields), write, droppable="cs6")


def _header(fields: Fields) -> list[str]:
    values = (
        "CEF:0",
        VENDOR,
        PRODUCT,
        settings.VERSION,
        fields.event.type,
        fields.name,
        str(SEVERITIES[fields.event.severity]),
    )
    return [HEADER_ESCAPED.sub(r"\\\1", pictured(value)) for value in values]


def _value(text: str) -> str:
    lines = text.replace("\r\n", "\n").split("\n")
    return "\\n".join(VALUE_ESCAPED.sub(r"\\\1", pictured(line)) for line in lines)


def extension(fields: Fields) -> dict[str, str]:
    """CEF's own keys where there is one; what is empty is left out."""
    event, attempts = fields.event, fields.attempts
    values = {
        "rt": str(fields.milliseconds),
        "externalId": fields.uid,
        "cs1": fields.organisation,
        "cn1": str(event.seq),
        "dvchost": server_host(),
        "cat": str(int(event.event_class)),
        "outcome": fields.outcome,
        **_person("s", fields.actor, fields.person),
        "flexString1": fields.actor.uid if fields.actor and is_device(fields.actor) else "",
        **_source(fields.address),
        "requestClientApplication": fields.agent,
        "cs2": _thing(fields.target),
        **_person("d", fields.subject),
        "cs4": _thing(fields.room),
        "reason": fields.reason,
        "cs5": fields.correlation,
        "cs3": event.leaf.hex(),
        "cnt": str(attempts.count) if attempts else "",
        "start": str(attempts.first) if attempts else "",
        "end": str(attempts.last) if attempts else "",
        "cs6": as_json(fields),
        "msg": event.sentence,
    }
    labelled: dict[str, str] = {}
    for name, value in values.items():
        if value and name in LABELS:
            labelled[f"{name}Label"] = LABELS[name]
        if value:
            labelled[name] = value
    return labelled


def _person(side: str, named: Named | None, person: str = "") -> dict[str, str]:
    """`suid` and `suser` of who acted, `duid` and `duser` of whom it is about."""
    if named is None:
        return {}
    return {f"{side}uid": person or named.uid or named.kind, f"{side}user": named.label}


def _thing(named: Named | None) -> str:
    """Its id and what it was called."""
    return f"{named.uid or named.kind} {named.label}".strip() if named else ""


def _source(address: str) -> dict[str, str]:
    """`src` takes no IPv6 address."""
    try:
        ip = ip_address(address)
    except ValueError:
        return {"shost": address}
    return {"c6a2" if isinstance(ip, IPv6Address) else "src": address}
