"""The tables and examples of docs/siem.md, made from what the code sends.

After a change: manage.py shell -c "from tests.audit.siem.documented import renew; renew()"
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from django.test import override_settings

from audit.registry import REGISTRY, OcsfClass, Severity
from audit.sentences import CLASSES
from audit.siem import cef as cef_format
from audit.siem import syslog
from audit.siem.activities import ACTIVITIES, activity_of
from audit.siem.fields import PREFIXES, fields_of
from audit.siem.formats import Format, encoded
from audit.siem.ocsf import record
from audit.siem.outgoing import Outgoing
from tests.audit.siem import made
from tests.audit.siem.made import CONSOLE, PHONE, outgoing
from tests.audit.siem.parsers import cef, rfc5424

PAGE = Path(__file__).parents[3] / "docs" / "siem.md"

CLASS_NAMES = {
    OcsfClass.ACCOUNT_CHANGE: "Account Change",
    OcsfClass.AUTHENTICATION: "Authentication",
    OcsfClass.ENTITY_MANAGEMENT: "Entity Management",
    OcsfClass.USER_ACCESS: "User Access Management",
    OcsfClass.GROUP_MANAGEMENT: "Group Management",
    OcsfClass.API_ACTIVITY: "API Activity",
    OcsfClass.DATASTORE_ACTIVITY: "Datastore Activity",
}
SAMPLES = {
    OcsfClass.ACCOUNT_CHANGE: "member.ended",
    OcsfClass.AUTHENTICATION: "onboarding.refused",
    OcsfClass.ENTITY_MANAGEMENT: "device.revoked",
    OcsfClass.USER_ACCESS: "room.role_changed",
    OcsfClass.GROUP_MANAGEMENT: "room.member_removed",
    OcsfClass.API_ACTIVITY: "push_token.removed",
    OcsfClass.DATASTORE_ACTIVITY: "audit.viewed",
}
"""A type of each class."""

SOMEBODY = {"kind": "member", "id": "subject", "label": "the subject"}
SOMEWHERE = {"kind": "room", "id": str(made.ROOM), "label": "Incident 7"}
"""Who stands in no other part of the samples, and where."""

KEYWORDS = ("informational", "notice", "warning", "error", "critical")


def table(head: str, rows: Sequence[tuple[object, ...]]) -> str:
    columns = head.count("|") + 1
    lines = [f"| {head} |", "|" + " --- |" * columns]
    return "\n".join([*lines, *(f"| {' | '.join(map(str, row))} |" for row in rows)])


def code(value: object) -> str:
    return f"`{value}`"


def _severities() -> str:
    return table(
        "our severity | OCSF `severity_id` | syslog severity | PRI | CEF",
        [
            (
                severity.name.lower(),
                int(severity),
                f"{syslog.SEVERITIES[severity]} {name}",
                code(f"<{syslog.FACILITY * 8 + syslog.SEVERITIES[severity]}>"),
                cef_format.SEVERITIES[severity],
            )
            for severity, name in zip(Severity, KEYWORDS, strict=True)
        ],
    )


def _prefixes() -> str:
    return table(
        "prefix | of",
        [(code(f"{prefix}_"), kind.replace("_", " ")) for kind, prefix in PREFIXES.items()],
    )


def _retention() -> str:
    return table("class | events", [(int(number), said) for number, said in CLASSES.items()])


def _types() -> str:
    rows = []
    for name in sorted(REGISTRY):
        found = REGISTRY[name]
        activity = activity_of(name, found.ocsf_class)
        number = found.ocsf_class * 100 + ACTIVITIES[found.ocsf_class][activity]
        rows.append(
            (
                code(name),
                int(found.event_class),
                found.severity.name.lower(),
                f"{int(found.ocsf_class)} {CLASS_NAMES[found.ocsf_class]}",
                code(number),
                activity,
            )
        )
    return table("type | class | severity | OCSF class | `type_uid` | activity", rows)


def _paths(value: Any, wanted: object, path: str = "") -> Iterator[str]:
    """Where in an object a value stands."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _paths(inner, wanted, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for inner in value:
            yield from _paths(inner, wanted, f"{path}[]")
    elif value == wanted and type(value) is type(wanted):
        yield path


@dataclass(frozen=True)
class Places:
    """Where a value stands in each format."""

    event: Outgoing

    def ocsf(self, *wanted: object) -> str:
        found = record(fields_of(self.event))
        names = [path for one in wanted for path in _paths(found, one)]
        return ", ".join(code(name) for name in dict.fromkeys(names)) or "-"

    def syslog(self, *wanted: object) -> str:
        message = rfc5424(encoded(self.event, Format.SYSLOG))
        texts = {str(one) for one in wanted}
        head = {"TIMESTAMP": message.time, "MSGID": message.type, "MSG": message.text}
        named = [*head.items(), *message.elements["semafore@32473"].items()]
        return ", ".join(code(name) for name, value in named if value in texts) or "-"

    def cef(self, *wanted: object) -> str:
        found = cef(rfc5424(encoded(self.event, Format.CEF)).text)
        names = ("", "vendor", "product", "version", "signature id", "name", "severity")
        head = list(zip(names, found.header, strict=True))
        texts = {str(one) for one in wanted}
        hits = []
        for name, value in [*head, *found.extension.items()]:
            # `cs2` and `cs4` hold an id and a name.
            if value in texts or (name in {"cs2", "cs4"} and texts & set(value.split(" ", 1))):
                label = found.extension.get(f"{name}Label")
                hits.append(code(name) + (f" ({label})" if label else ""))
        return ", ".join(hits) or "-"


MILLISECONDS = 1795253447482


def _mapping() -> str:
    actor = replace(CONSOLE, label="the actor", user_agent="the agent")
    base = outgoing("hold.lifted", actor, "device", "the reason")
    event = replace(base, who={**(base.who or {}), "room": SOMEWHERE})
    shown = {
        "event id": (f"evt_{made.EVENT}",),
        "organisation": (f"org_{made.ORGANISATION}",),
        "log sequence": (48213,),
        "type": ("hold.lifted",),
        "time": (MILLISECONDS, "2026-11-21T09:30:47.482999Z"),
        "outcome": ("Success", "success"),
        "actor: id": (f"usr_{made.MEMBER}",),
        "actor: name": ("the actor",),
        "target: id": (f"dev_{made.DEVICE}",),
        "target: name": ("Bob's phone",),
        "subject person: id": (f"usr_{made.OTHER}",),
        "subject person: name": ("Bob",),
        "room: id": (f"room_{made.ROOM}",),
        "room: name": ("Incident 7",),
        "address": ("203.0.113.24",),
        "user agent": ("the agent",),
        "HTTP request": ("req_0b6f4c1e",),
        "approval": (f"apr_{made.APPROVAL}",),
        "reason": ("the reason",),
        "leaf hash (hex)": (bytes(range(32)).hex(),),
        "sentence": (event.sentence,),
    }
    rows = [_row(term, Places(event), *values) for term, values in shown.items()]
    phone = Places(outgoing("message.accepted", PHONE, "none"))
    rows.append(_row("class", phone, int(phone.event.event_class)))
    rows.append(_row("actor: device", phone, f"dev_{made.DEVICE}"))
    rows.append(_row("IPv6 address", phone, "2001:db8::17"))
    refused = Places(outgoing("access.denied", denied=317))
    rows.append(_row("attempts within the minute", refused, 317))
    data = json.dumps(base.what["data"]["hold_id"])
    named = json.dumps({"hold_id": json.loads(data)}, separators=(",", ":"))
    ours = Places(event)
    found = ours.ocsf(json.loads(data)).replace(".hold_id", ".…")
    rows.append(("the type's own data", found, ours.syslog(named), ours.cef(named)))
    return table("ours | OCSF 1.8 | RFC 5424 structured data | CEF", rows)


def _row(term: str, places: Places, *wanted: object) -> tuple[object, ...]:
    return (term, places.ocsf(*wanted), places.syslog(*wanted), places.cef(*wanted))


def _ocsf_classes() -> str:
    return table(
        "class | target | subject person | room | reason",
        [_in_class(ocsf_class, name) for ocsf_class, name in SAMPLES.items()],
    )


def _in_class(ocsf_class: OcsfClass, name: str) -> tuple[object, ...]:
    refs = "device" if name.startswith(("device.", "push_token.")) else "person"
    base = outgoing(name, CONSOLE, refs, "any text")
    who = {**(base.who or {}), "subject": SOMEBODY, "room": SOMEWHERE}
    what = {**base.what, "data": {**base.what["data"], "reason": "the reason"}}
    event = replace(base, who=who, what=what)
    named = fields_of(event)
    wanted = [one.uid for one in (named.target, named.subject, named.room) if one]
    title = f"{int(ocsf_class)} {CLASS_NAMES[ocsf_class]}"
    return (title, *(Places(event).ocsf(one) for one in [*wanted, "the reason"]))


def _example(chosen: Format) -> str:
    why = "Another fingerprint, ticket HR-2041"
    sent = encoded(outgoing("device.denied", refs="device", text=why), chosen).decode()
    if chosen in {Format.OCSF, Format.SPLUNK_HEC}:
        return f"```json\n{json.dumps(json.loads(sent), ensure_ascii=False, indent=2)}\n```"
    return f"```\n{sent}\n```"


@override_settings(BASE_URL="https://semafore.example")
def made_parts() -> dict[str, str]:
    """What stands between the marks of the page, by name."""
    examples = {f"example {chosen.value}": _example(chosen) for chosen in Format}
    return {
        "mapping": _mapping(),
        "severities": _severities(),
        "prefixes": _prefixes(),
        "classes": _retention(),
        "OCSF classes": _ocsf_classes(),
        "types": _types(),
        **examples,
    }


PART = re.compile(r"(<!-- made: (?P<name>[^>]+) -->\n)(?P<text>.*?)(\n<!-- end -->)", re.DOTALL)


def page_parts() -> dict[str, str]:
    """What the page has between its marks."""
    return {part["name"]: part["text"] for part in PART.finditer(PAGE.read_text())}


def renew() -> None:
    """Write the parts into the page."""
    parts = made_parts()
    PAGE.write_text(
        PART.sub(lambda part: part[1] + parts[part["name"]] + part[4], PAGE.read_text())
    )
