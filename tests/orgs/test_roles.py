"""Who may do what: the table of product.md, section 1, row by row."""

import pytest

from orgs.models import MembershipKind, Role, Scope
from orgs.roles import ROLE_PERMISSIONS, SCOPE_PERMISSIONS, permissions_of
from semafore.kernel.permissions import Permission

# The rows of the table, and whether owner, admin, helpdesk, auditor and member may.
YES, NO = True, False
COLUMNS = ("owner", "admin", "helpdesk", "auditor", "member")
TABLE = {
    "invite, approve, report a device lost": (
        {"members.invite", "members.approve", "devices.report_lost"},
        (YES, YES, YES, NO, NO),
    ),
    "change or end people, devices, rooms": (
        {"people.manage", "devices.manage", "rooms.manage"},
        (YES, YES, NO, NO, NO),
    ),
    "roles, policy, retention, SIEM, service tokens": (
        {
            "roles.manage",
            "policy.manage",
            "service_tokens.manage",
            "retention.manage",
            "siem.manage",
        },
        (YES, NO, NO, NO, NO),
    ),
    # "Second administrator" is another owner or admin; holds are seen by owners and auditors only.
    "be the second who shortens retention": ({"retention.approve"}, (YES, YES, NO, NO, NO)),
    "be the second who lifts a hold": ({"holds.lift"}, (YES, NO, NO, NO, NO)),
    "read events of classes 1, 3, 4, 5 and their proofs": (
        {"audit.read"},
        (YES, YES, NO, YES, NO),
    ),
    "read classes 2 and 6, reports, exports": (
        {"audit.read_traffic", "audit.export", "investigate"},
        (YES, NO, NO, YES, NO),
    ),
    "place a legal hold": ({"holds.place"}, (YES, NO, NO, YES, NO)),
    # Not in the table: how the stream to the SIEM is.
    "see the SIEM destinations": ({"siem.read"}, (YES, NO, NO, YES, NO)),
    # Not in the table: what is paid for, and who is mailed about maintenance.
    "read the billing records": ({"billing.read"}, (YES, NO, NO, YES, NO)),
    "hear of maintenance by mail": ({"maintenance.hear"}, (YES, YES, NO, NO, NO)),
    # Not in the table: who finds anything in the console at all.
    "enter the console and see who is there": (
        {"console.enter", "people.read"},
        (YES, YES, YES, YES, NO),
    ),
    # Not in the table: what any person's device does for itself.
    "have a device and talk": ({"device.own", "key_bundle.claim"}, (YES, YES, YES, YES, YES)),
    # Not in the table: what programs do with a token of an owner's.
    "read the log's hashes": ({"log.read"}, (NO, NO, NO, NO, NO)),
}


@pytest.mark.parametrize("row", TABLE)
@pytest.mark.parametrize("role", COLUMNS)
def test_a_role_may_what_the_table_says(row: str, role: str) -> None:
    permissions, answers = TABLE[row]
    may = permissions_of("member", role)

    for permission in permissions:
        assert (permission in may) is answers[COLUMNS.index(role)], permission


def test_the_table_knows_every_permission_once() -> None:
    named = [permission for permissions, _ in TABLE.values() for permission in permissions]

    assert sorted(named) == sorted(Permission)


def test_the_table_knows_every_role() -> None:
    assert set(COLUMNS) == set(Role.values) == set(ROLE_PERMISSIONS)


@pytest.mark.parametrize("role", COLUMNS)
def test_a_guest_has_no_say_whatever_role_stands_in_the_row(role: str) -> None:
    assert permissions_of(MembershipKind.GUEST, role) == {"device.own", "key_bundle.claim"}


def test_an_unknown_role_may_nothing() -> None:
    with pytest.raises(ValueError, match="emperor"):
        permissions_of("member", "emperor")


def test_a_token_may_what_its_scopes_say() -> None:
    assert {
        Scope.AUDIT_READ: {"audit.read", "audit.read_traffic", "investigate"},
        Scope.AUDIT_EXPORT: {"audit.export"},
        Scope.LOG_READ: {"log.read"},
    } == SCOPE_PERMISSIONS
