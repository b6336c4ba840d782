"""OCSF 1.8.0: one JSON object an event, of the class that its type declares (siem.md)."""

import json
from collections.abc import Callable, Iterator, Mapping
from ipaddress import ip_address
from typing import Any, Final

from django.conf import settings

from audit.registry import REGISTRY, OcsfClass
from audit.siem.activities import ACTIVITIES, OTHER, activity_of
from audit.siem.fields import PRODUCT, VENDOR, Fields, Named, is_device, prefixed
from semafore.kernel.actor import ActorKind

VERSION: Final = "1.8.0"

UNKNOWN, USER, ADMIN, SYSTEM, SERVICE = range(5)
"""OCSF's kinds of users."""

USER_TYPES: Final[Mapping[str, int]] = {
    ActorKind.MEMBER: USER,
    ActorKind.DEVICE: USER,
    "guest": USER,
    "account": USER,
    ActorKind.OPERATOR: ADMIN,
    ActorKind.SYSTEM: SYSTEM,
    ActorKind.SERVICE: SERVICE,
}
PEOPLE: Final = frozenset(("member", "guest"))

DEVICE, ENTITY_USER, GROUP, ORGANISATION, POLICY = range(1, 6)
"""OCSF's kinds of managed entities; ours of other kinds say theirs in `type`."""

RULES: Final = {"policy": "Policy", "retention": "Retention periods"}
"""Policies by the subject of the types that change them."""

FORGOTTEN: Final = {"type_id": UNKNOWN, "name": "Deleted by retention"}
NOBODY: Final = {"type_id": UNKNOWN, "name": "Unknown"}

OTHER_ID: Final = 99
SUCCESS, FAILURE = 1, 2

Members = dict[str, Any]


def record(fields: Fields) -> Members:
    """The event as an OCSF object."""
    event = fields.event
    known = REGISTRY.get(event.type)
    ocsf_class = known.ocsf_class if known else OcsfClass.ENTITY_MANAGEMENT
    activity = activity_of(event.type, ocsf_class)
    activity_id = ACTIVITIES[ocsf_class][activity]
    participle = event.type.partition(".")[2].replace("_", " ").capitalize()
    succeeded = fields.outcome == "success"
    made: Members = {
        "class_uid": int(ocsf_class),
        "category_uid": ocsf_class // 1000,
        "activity_id": activity_id,
        "activity_name": participle if activity == OTHER else activity,
        "type_uid": ocsf_class * 100 + activity_id,
        "severity_id": int(event.severity),
        "severity": event.severity.name.capitalize(),
        "status_id": SUCCESS if succeeded else FAILURE,
        "status": "Success" if succeeded else "Failure",
        "time": fields.milliseconds,
        "message": event.sentence,
        "actor": _actor(fields),
        "src_endpoint": _endpoint(fields),
        "metadata": _metadata(fields),
    }
    if request := _request(fields):
        made["http_request"] = request
    if attempts := fields.attempts:
        made |= {
            "count": attempts.count,
            "start_time": attempts.first,
            "end_time": attempts.last,
        }
    if fields.reason and not succeeded:
        made["status_detail"] = fields.reason
    of_class = OF_CLASS[ocsf_class](fields)
    made |= of_class
    made["unmapped"] = {"semafore": _ours(fields, of_class)}
    return made


def encode(fields: Fields) -> bytes:
    """The object in UTF-8, in one line."""
    return json.dumps(record(fields), ensure_ascii=False, separators=(",", ":")).encode()


def _metadata(fields: Fields) -> Members:
    event = fields.event
    correlation = {"correlation_uid": fields.correlation} if fields.correlation else {}
    return {
        "version": VERSION,
        "uid": fields.uid,
        "event_code": event.type,
        "tenant_uid": fields.organisation,
        "sequence": event.seq,
        **correlation,
        "product": {"name": PRODUCT, "vendor_name": VENDOR, "version": settings.VERSION},
    }


def _ours(fields: Fields, of_class: Members) -> Members:
    """What OCSF has no place for: all that it has one for stands there alone."""
    ours: Members = {"leaf": fields.event.leaf.hex(), "class": int(fields.event.event_class)}
    mapped = set(_uids(of_class))
    for role in ("target", "subject", "room"):
        named: Named | None = getattr(fields, role)
        if named and named.uid not in mapped:
            ours[role] = named.as_json()
    data = dict(fields.data)
    if fields.reason and "comment" not in of_class:
        data["reason"] = fields.reason
    if data:
        ours["data"] = data
    return ours


def _uids(value: Any) -> Iterator[str]:
    """The ids that stand somewhere in it."""
    match value:
        case dict():
            if uid := value.get("uid"):
                yield uid
            for inner in value.values():
                yield from _uids(inner)
        case list():
            for inner in value:
                yield from _uids(inner)


def _user(named: Named | None) -> Members:
    """A person or program; a constant one where the event names none."""
    if named is None or not (named.uid or named.label):
        return NOBODY
    user: Members = {"type_id": USER_TYPES.get(named.kind, UNKNOWN)}
    return user | _uid_and_name(named)


def _uid_and_name(named: Named) -> Members:
    parts = {"uid": named.uid, "name": named.label}
    return {name: value for name, value in parts.items() if value}


def _actor(fields: Fields) -> Members:
    if fields.actor and fields.actor.kind == ActorKind.MEMBER:
        # Nobody is in the console without a second factor.
        return {"user": _acting(fields), "session": {"is_mfa": True}}
    return {"user": _acting(fields)}


def _acting(fields: Fields) -> Members:
    if fields.actor is None:
        return FORGOTTEN
    user = _user(fields.actor)
    # A device acts for its person; it stands in `src_endpoint`.
    return user | {"uid": fields.person} if fields.person else user


def _endpoint(fields: Fields) -> Members:
    """Where it came from: an address, a device, or the server itself."""
    endpoint: Members = {}
    if fields.address:
        endpoint["ip" if _is_ip(fields.address) else "name"] = fields.address
    if fields.actor and is_device(fields.actor):
        endpoint["uid"] = fields.actor.uid
    if fields.actor and fields.actor.kind == ActorKind.SYSTEM:
        endpoint["svc_name"] = PRODUCT
    return endpoint or {"name": "Unknown"}


def _is_ip(address: str) -> bool:
    try:
        ip_address(address)
    except ValueError:
        return False
    return True


def _request(fields: Fields) -> Members:
    parts = {"uid": fields.request, "user_agent": fields.agent}
    return {name: value for name, value in parts.items() if value}


def _person(fields: Fields) -> Members:
    """Whom it is about: who is named as such, or else who acted."""
    for named in (fields.target, fields.subject):
        if named and named.kind in PEOPLE:
            return _user(named)
    if account := fields.data.get("account_id"):
        return {"uid": prefixed("account", account), "type_id": USER}
    if fields.target and not is_device(fields.target):
        # An invitation bears the name of a person who is nobody here yet.
        return _user(fields.target)
    return _acting(fields)


def _account_change(fields: Fields) -> Members:
    return {"user": _person(fields)}


def _authentication(fields: Fields) -> Members:
    return {"user": _person(fields), "service": {"name": PRODUCT}}


def _user_access(fields: Fields) -> Members:
    room = {"resource": _uid_and_name(fields.room)} if fields.room else {}
    after = fields.data.get("after")
    return {"user": _person(fields), "privileges": [after] if after else [], **room}


def _group_management(fields: Fields) -> Members:
    return {
        "group": _uid_and_name(fields.room) if fields.room else {"name": "Unknown"},
        "user": _person(fields),
    }


def _api_activity(fields: Fields) -> Members:
    named = [one for one in (fields.target, fields.subject, fields.room) if one]
    resources = [{"type": one.kind, **_uid_and_name(one)} for one in named if one.uid or one.label]
    made: Members = {"api": {"operation": fields.event.type, "service": {"name": PRODUCT}}}
    return made | {"resources": resources} if resources else made


def _datastore_activity(fields: Fields) -> Members:
    database = {"uid": fields.organisation, "name": "Audit log", "type_id": OTHER_ID}
    return {"database": database | {"type": "Audit log"}}


def _entity_management(fields: Fields) -> Members:
    comment = {"comment": fields.reason} if fields.reason else {}
    return {"entity": _entity(fields), **comment}


def _entity(fields: Fields) -> Members:
    """What was managed: the target, else the room, else what the type itself is about."""
    subject = fields.event.type.partition(".")[0]
    if name := RULES.get(subject):
        return {"type_id": POLICY, "type": "Policy", "name": name, "policy": {"name": name}}
    named = fields.target or fields.room or fields.subject
    if named is None or not (named.uid or named.label):
        return {"type_id": OTHER_ID, "type": subject, "name": subject.replace("_", " ")}
    entity = _uid_and_name(named)
    match named.kind:
        case "device":
            owner = {"owner": _user(fields.subject)} if fields.subject else {}
            device = {**entity, "type_id": UNKNOWN, **owner}
            return {"type_id": DEVICE, "type": "Device", **entity, "device": device}
        case "member" | "guest":
            return {"type_id": ENTITY_USER, "type": "User", **entity, "user": _user(named)}
        case "room":
            return {"type_id": GROUP, "type": "Group", **entity, "group": dict(entity)}
        case "organisation":
            org = {"type_id": ORGANISATION, "type": "Organization"}
            return {**org, **entity, "org": dict(entity)}
    return {"type_id": OTHER_ID, "type": named.kind, **entity}


OF_CLASS: Final[Mapping[OcsfClass, Callable[[Fields], Members]]] = {
    OcsfClass.ACCOUNT_CHANGE: _account_change,
    OcsfClass.AUTHENTICATION: _authentication,
    OcsfClass.ENTITY_MANAGEMENT: _entity_management,
    OcsfClass.USER_ACCESS: _user_access,
    OcsfClass.GROUP_MANAGEMENT: _group_management,
    OcsfClass.API_ACTIVITY: _api_activity,
    OcsfClass.DATASTORE_ACTIVITY: _datastore_activity,
}
"""What each class has beside what all have."""
