"""`PUT posture`: what a device says of itself, held against what its organisation wants."""

from typing import Any

import pytest
from django.db import connection

from keys.models import Deviation, Posture, RevocationReason
from keys.services.posture import PostureReport, report_posture
from keys.services.revocation import revoke_device
from orgs.models import Membership, Organisation
from semafore.kernel.problems import NotAuthenticated
from semafore.local.client.api import ApiProblem
from tests.cast import Phone, events, inside
from tests.keys.managed.saying import STRICT, posture, report, want

BAD: dict[str, dict[str, Any]] = {
    Deviation.APP_VERSION: {"app_version": "0.9.17"},
    Deviation.BACKUP: {"backup_allowed": True},
    Deviation.SCREENSHOTS: {"screenshots_allowed": True},
    Deviation.CLIPBOARD: {"clipboard_allowed": True},
    Deviation.LOCK: {"lock_after_minutes": 6},
    Deviation.WIPE: {"wipe_on_revocation": False},
    Deviation.PASSCODE: {"passcode_set": False},
    Deviation.ENCRYPTION: {"encrypted": False},
}
WHATEVER_IS_WANTED = {Deviation.PASSCODE, Deviation.ENCRYPTION}


def test_every_deviation_is_tried() -> None:
    assert set(BAD) == set(Deviation)


@pytest.mark.parametrize("deviation", BAD)
def test_each_deviation_counts_where_it_is_wanted_otherwise(
    acme: Organisation, bob_phone: Phone, deviation: str
) -> None:
    want(acme, wipe_on_revocation=False)
    lax = report(bob_phone, **BAD[deviation])
    assert lax == ([deviation] if deviation in WHATEVER_IS_WANTED else [])

    want(acme, **STRICT)
    assert report(bob_phone, **BAD[deviation]) == [deviation]
    assert report(bob_phone) == []


def test_who_never_locks_deviates_and_who_locks_sooner_does_not(
    acme: Organisation, bob_phone: Phone
) -> None:
    want(acme, **STRICT)

    assert report(bob_phone, lock_after_minutes=0) == ["lock"]
    assert report(bob_phone, lock_after_minutes=1) == []


def test_what_a_device_cannot_tell_is_no_deviation(acme: Organisation, bob_phone: Phone) -> None:
    want(acme, **STRICT)

    assert report(bob_phone, passcode_set=None, encrypted=None) == []


def test_the_log_hears_when_a_deviation_begins_and_ends_and_of_no_other_report(
    acme: Organisation, bob: Membership, bob_phone: Phone
) -> None:
    want(acme, **STRICT)

    def heard() -> list[tuple[str, list[str]]]:
        found = events(acme, "posture.deviated", "posture.corrected")
        return [(one["type"].partition(".")[2], one["data"]["deviations"]) for one in found]

    report(bob_phone)
    report(bob_phone, os_version="18.0", managed=False, config_version=0)
    assert heard() == []

    report(bob_phone, backup_allowed=True, passcode_set=False)
    report(bob_phone, backup_allowed=True, passcode_set=False, os_version="18.1")
    assert heard() == [("deviated", ["backup", "passcode"])]

    report(bob_phone, backup_allowed=True, lock_after_minutes=30)
    assert heard()[1:] == [("deviated", ["lock"]), ("corrected", ["passcode"])]

    # Nobody wants it any more: the next report says so, and changes nothing else.
    want(acme, **STRICT | {"backup_allowed": True, "lock_after_minutes": 60})
    report(bob_phone, backup_allowed=True, lock_after_minutes=30)
    assert heard()[3:] == [("corrected", ["backup", "lock"])]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("app_version", "2.1"),
        ("app_version", "latest, I swear"),
        ("os_version", "iOS 17"),
        ("os_version", "1.2.3.4.5"),
        ("os_version", "\uff11\uff17"),
        ("passcode_set", "yes"),
        ("encrypted", 1),
        ("managed", None),
        ("config_version", -1),
        ("config_version", 2**31),
        ("lock_after_minutes", 1441),
        ("lock_after_minutes", True),
        ("clipboard_allowed", None),
        ("note", "Bob is at home"),
    ],
)
def test_nothing_but_numbers_and_yes_or_no(bob_phone: Phone, field: str, value: object) -> None:
    with pytest.raises(ApiProblem, match=r"invalid|unknown_field"):
        bob_phone.api._send("PUT", "posture", posture(**{field: value}))
    with inside(bob_phone.device.organisation):
        assert not Posture.objects.exists()


def test_nobody_fills_the_log_with_reports(bob_phone: Phone) -> None:
    """Thirty a minute, and the minute may change once meanwhile."""

    def to_and_fro() -> None:
        for number in range(61):
            report(bob_phone, passcode_set=number % 2 == 0)

    with pytest.raises(ApiProblem, match="throttled"):
        to_and_fro()


def test_each_field_is_asked_for(bob_phone: Phone) -> None:
    whole = posture()
    for field in whole:
        with pytest.raises(ApiProblem) as refused:
            bob_phone.api._send(
                "PUT", "posture", {name: whole[name] for name in whole if name != field}
            )
        assert [one["field"] for one in refused.value.body["errors"]] == [field]


def test_a_report_is_kept_by_the_day_and_goes_with_the_device(
    acme: Organisation, bob_phone: Phone
) -> None:
    report(bob_phone)
    report(bob_phone, app_version="2.11.3")
    with inside(acme):
        (kept,) = Posture.objects.all()
        assert (kept.app_version, kept.os_version) == ([2, 11, 3], "17.4.1")
        revoke_device(device_id=bob_phone.id, reason=RevocationReason.LOST)
        assert not Posture.objects.exists()
        fields = {**posture(), "app_version": (1, 0, 0)}
        with pytest.raises(NotAuthenticated):
            report_posture(
                device_id=bob_phone.id,
                report=PostureReport(**fields.pop("in_force"), **fields),
            )


def test_no_report_leaves_its_organisation(
    acme: Organisation, globex: Organisation, bob_phone: Phone, charlie_phone: Phone
) -> None:
    want(acme, **STRICT)

    assert report(bob_phone, backup_allowed=True) == ["backup"]
    assert report(charlie_phone, backup_allowed=True) == []
    assert not events(globex, "posture.deviated")
    with pytest.raises(Exception, match=r"organisation"), connection.cursor() as at:
        at.execute(
            "UPDATE keys_posture SET organisation_id = %s WHERE device_id = %s",
            [globex.id, bob_phone.id],
        )
