"""Who may read which events: the table of product.md, section 1."""

from collections.abc import Collection

from django.db.models import Q

from audit.registry import EventClass
from semafore.kernel.permissions import Permission

TRAFFIC = (EventClass.TRANSIT, EventClass.CLAIMS)

CONFIDENTIAL = ("hold.", "audit.")
"""Holds and the reading of audit data: for owners and auditors, who alone read traffic too."""


def may_read(event_class: int, event_type: str, permissions: Collection[Permission]) -> bool:
    """Whether somebody with these permissions may see an event of this class and type."""
    if event_class in TRAFFIC:
        return Permission.AUDIT_READ_TRAFFIC in permissions
    if Permission.AUDIT_READ not in permissions:
        return False
    confidential = event_type.startswith(CONFIDENTIAL)
    return not confidential or Permission.AUDIT_READ_TRAFFIC in permissions


def unreadable(permissions: Collection[Permission]) -> Q:
    """The same as a condition: what to `exclude` from a list of `IndexedEvent`s."""
    hidden = Q(event_class__in=())
    if Permission.AUDIT_READ not in permissions:
        hidden |= ~Q(event_class__in=TRAFFIC)
    if Permission.AUDIT_READ_TRAFFIC not in permissions:
        hidden |= Q(event_class__in=TRAFFIC)
        for beginning in CONFIDENTIAL:
            hidden |= Q(type__startswith=beginning)
    return hidden
