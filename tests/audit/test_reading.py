"""Who may read which events: the table of product.md, section 1."""

import json
from uuid import uuid4

import pytest

from audit.events.retention import HoldLiftWithdrawn
from audit.models import Event, IndexedEvent
from audit.registry import REGISTRY
from audit.selectors.reading import Reader, may_read, may_read_type, unreadable
from audit.services.recording import Fact, Ref
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
    assert may_read_type(4, "hold.placed", permissions) is holds
    assert may_read_type(1, "audit.searched", permissions) is holds
    assert {
        number for number in range(1, 7) if may_read_type(number, "x.y", permissions)
    } == classes

    with organisation_scope(acme.id):
        events = IndexedEvent.objects.filter(event_id__in=ids)
        shown = list(events.exclude(unreadable(Reader(permissions))).order_by("seq"))
        allowed = [
            one
            for one in events.order_by("seq")
            if may_read_type(one.event_class, one.type, permissions)
        ]
    assert [one.seq for one in shown] == [one.seq for one in allowed]
    assert {one.event_class for one in shown} == classes
    assert any(one.type.startswith("hold.") for one in shown) is holds


def test_traffic_alone_shows_traffic_alone(acme: Organisation) -> None:
    only = {Permission.AUDIT_READ_TRAFFIC}
    happened(acme, [fact_of_class(number) for number in range(1, 7)], ago=DAY)
    with organisation_scope(acme.id):
        shown = IndexedEvent.objects.exclude(unreadable(Reader(only)))
        assert {one.event_class for one in shown} == TRAFFIC
    for kind in REGISTRY.values():
        assert may_read_type(kind.event_class, kind.name, only) is (kind.event_class in TRAFFIC)


def test_nobody_reads_of_what_examines_them(acme: Organisation) -> None:
    """Not an owner of a hold on them, unless they placed it themselves."""
    permissions = permissions_of(MembershipKind.MEMBER, Role.OWNER)
    subject = uuid4()
    fact = Fact(
        HoldLiftWithdrawn(hold_id=uuid4(), request_id=uuid4()),
        subject=Ref("member", subject, "Sue"),
    )
    (event_id,) = happened(acme, [fact], ago=DAY)
    shown = {}
    with organisation_scope(acme.id):
        who = json.loads(bytes(Event.objects.get(id=event_id).who or b""))
        for name, reader in (
            ("the subject", Reader(permissions, subject)),
            ("somebody else", Reader(permissions, uuid4())),
            ("a program", Reader(permissions)),
        ):
            listed = IndexedEvent.objects.filter(event_id=event_id).exclude(unreadable(reader))
            shown[name] = (listed.exists(), may_read(4, "hold.lift_withdrawn", who, reader))
    assert shown == {
        "the subject": (False, False),
        "somebody else": (True, True),
        "a program": (True, True),
    }
