"""Organisations and their policy."""

from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django_scopes.exceptions import ScopeError

from orgs.errors import PolicyInvalid
from orgs.models import Organisation, Policy, SecondDeviceApproval
from orgs.services.organisations import PolicyChange, change_policy, create_organisation
from semafore.kernel.actor import SYSTEM, acting_as
from semafore.kernel.tenancy import organisation_scope
from tests import cast


def events(organisation: Organisation) -> list[dict[str, Any]]:
    return cast.events(organisation)


def change(organisation: Organisation, **wanted: Any) -> Policy:
    with acting_as(SYSTEM), organisation_scope(organisation.id):
        return change_policy(change=PolicyChange(**wanted))


def policy(organisation: Organisation) -> Policy:
    with organisation_scope(organisation.id):
        return Policy.objects.get()


def test_an_organisation_starts_with_the_default_policy(acme: Organisation) -> None:
    row = policy(acme)

    assert row.devices_per_member == 6
    assert row.guest_stay_days == 90
    assert row.second_device_approval == SecondDeviceApproval.ADMINISTRATOR
    assert row.external_room_approvers == 1
    assert not row.totp_required


def test_its_first_event_opens_its_own_log(acme: Organisation, globex: Organisation) -> None:
    assert [what["type"] for what in events(acme)] == ["organisation.created"]
    assert events(acme)[0]["data"] == {"name": "Acme", "slug": acme.slug}
    assert [what["data"]["name"] for what in events(globex)] == ["Globex"]


def test_its_log_has_a_name_that_says_nothing(acme: Organisation, globex: Organisation) -> None:
    assert len(acme.log_id) == 32
    assert acme.log_id != globex.log_id
    assert acme.log_id not in {acme.id.hex, acme.slug}


def test_a_slug_belongs_to_one_organisation(acme: Organisation) -> None:
    with acting_as(SYSTEM), pytest.raises(IntegrityError), transaction.atomic():
        create_organisation(name="Acme Again", slug=acme.slug)


def test_a_change_is_an_event_with_before_and_after(acme: Organisation) -> None:
    change(acme, devices_per_member=3, totp_required=True)
    what = events(acme)[-1]

    assert what["type"] == "policy.changed"
    assert what["data"] == {
        "before": {"devices_per_member": 6, "totp_required": False},
        "after": {"devices_per_member": 3, "totp_required": True},
    }
    assert policy(acme).devices_per_member == 3
    assert policy(acme).totp_required


def test_only_what_differs_is_named(acme: Organisation) -> None:
    change(acme, devices_per_member=6, guest_stay_days=30)

    assert events(acme)[-1]["data"] == {
        "before": {"guest_stay_days": 90},
        "after": {"guest_stay_days": 30},
    }


@pytest.mark.parametrize("wanted", [{}, {"devices_per_member": 6}, {"totp_required": False}])
def test_a_change_that_changes_nothing_is_no_event(
    acme: Organisation, wanted: dict[str, Any]
) -> None:
    before = events(acme)
    change(acme, **wanted)

    assert events(acme) == before


@pytest.mark.parametrize(
    ("wanted", "kept"),
    [
        ({"second_device_approval": SecondDeviceApproval.OWN_DEVICE}, "own_device"),
        ({"external_room_approvers": 2}, 2),
        ({"emergency_rooms": True}, True),
        ({"push_wake_ups": False}, False),
    ],
)
def test_every_setting_can_be_changed(
    acme: Organisation, wanted: dict[str, Any], kept: object
) -> None:
    (name,) = wanted
    change(acme, **wanted)

    assert getattr(policy(acme), name) == kept
    assert events(acme)[-1]["data"]["after"] == {name: kept}


@pytest.mark.parametrize(
    "wanted",
    [
        {"devices_per_member": 0},
        {"devices_per_member": -1},
        {"devices_per_member": 51},
        {"guest_stay_days": 0},
        {"guest_stay_days": 3651},
        {"external_room_approvers": 0},
        {"external_room_approvers": 3},
    ],
)
def test_an_impossible_policy_is_refused_and_leaves_no_trace(
    acme: Organisation, wanted: dict[str, Any]
) -> None:
    before = events(acme)
    with pytest.raises(PolicyInvalid) as caught:
        change(acme, totp_required=True, **wanted)

    assert caught.value.status == 422
    assert events(acme) == before
    assert not policy(acme).totp_required


@pytest.mark.parametrize("value", [1, 50])
def test_the_bounds_themselves_are_possible(acme: Organisation, value: int) -> None:
    assert change(acme, devices_per_member=value).devices_per_member == value


def test_a_change_touches_one_organisation(acme: Organisation, globex: Organisation) -> None:
    change(acme, devices_per_member=1)

    assert policy(globex).devices_per_member == 6
    assert len(events(globex)) == 1


def test_a_change_needs_an_organisation(acme: Organisation) -> None:
    with acting_as(SYSTEM), pytest.raises(ScopeError):
        change_policy(change=PolicyChange(totp_required=True))


@pytest.mark.parametrize(
    "setting",
    [
        "devices_per_member = 0",
        "guest_stay_days = 0",
        "external_room_approvers = 3",
    ],
)
def test_the_database_holds_the_minimum_too(acme: Organisation, setting: str) -> None:
    with (
        pytest.raises(IntegrityError),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(f"UPDATE orgs_policy SET {setting}")


def test_an_organisation_has_one_policy(acme: Organisation) -> None:
    with (
        organisation_scope(acme.id),
        pytest.raises(IntegrityError),
        transaction.atomic(),
    ):
        Policy.objects.create(organisation=acme)
