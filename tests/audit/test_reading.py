"""Who may read which events: the table of product.md, section 1."""

from uuid import uuid4

import pytest

from audit.events.retention import HoldLiftWithdrawn
from audit.models import IndexedEvent
from audit.registry import REGISTRY
from audit.selectors.reading import may_read, unreadable
from audit.services.recording import Fact
from orgs.models import MembershipKind, Organisation, Role
from orgs.roles import permissions_of
from semafore.kernel.permissions import Permission
from semafore.kernel.tenancy import organisation_scope
from tests.audit.aged import DAY, fact_of_class, happened

TRAFFIC = {2, 6}


@pytest.mark.parametrize(
    ("role", "classes", "holds"),
    [
        (Role.OWNER, {1, 2, 3, 4, 5, 6}, True),
        (Role.ADMIN, {1, 3, 4, 5}, False),
        (Role.HELPDESK, set(), False),
        (Role.AUDITOR, {1, 2, 3, 4, 5, 6}, True),
        (Role.MEMBER, set(), False),
    ],
)
def test_the_table(acme: Organisation, role: Role, classes: set[int], *, holds: bool) -> None:
    permissions = permissions_of(MembershipKind.MEMBER, role)
    facts = [fact_of_class(number) for number in range(1, 7)]
    facts.append(Fact(HoldLiftWithdrawn(hold_id=uuid4(), request_id=uuid4())))
    ids = happened(acme, facts, ago=DAY)
    assert may_read(4, "hold.placed", permissions) is holds
    assert may_read(1, "audit.searched", permissions) is holds
    assert {number for number in range(1, 7) if may_read(number, "x.y", permissions)} == classes

    with organisation_scope(acme.id):
        events = IndexedEvent.objects.filter(event_id__in=ids)
        shown = list(events.exclude(unreadable(permissions)).order_by("seq"))
        allowed = [
            one
            for one in events.order_by("seq")
            if may_read(one.event_class, one.type, permissions)
        ]
    assert [one.seq for one in shown] == [one.seq for one in allowed]
    assert {one.event_class for one in shown} == classes
    assert any(one.type.startswith("hold.") for one in shown) is holds


def test_traffic_alone_shows_traffic_alone(acme: Organisation) -> None:
    only = {Permission.AUDIT_READ_TRAFFIC}
    happened(acme, [fact_of_class(number) for number in range(1, 7)], ago=DAY)
    with organisation_scope(acme.id):
        shown = IndexedEvent.objects.exclude(unreadable(only))
        assert {one.event_class for one in shown} == TRAFFIC
    for kind in REGISTRY.values():
        assert may_read(kind.event_class, kind.name, only) is (kind.event_class in TRAFFIC)
