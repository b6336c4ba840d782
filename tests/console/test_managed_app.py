"""The page of the managed app: settings, files, and who keeps to them."""

import json
import plistlib
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from orgs.managed_app import EXPLAINED
from orgs.managed_app_files import FILES
from orgs.models import Membership, Organisation, Role
from orgs.selectors.settings import managed_config
from tests import cast
from tests.cast import Phone, inside, signed_in
from tests.keys.managed.saying import STRICT, report, want

AS_IT_IS = {"lock_after_minutes": "0", "wipe_on_revocation": "on", "min_app_version": ""}


def address(of: Organisation, name: str, *args: Any) -> str:
    return reverse(name, args=[of.slug, *args])


def save(browser: Client, of: Organisation, **changed: str) -> Any:
    return browser.post(address(of, "managed_app_change"), AS_IT_IS | changed)


def settings_of(of: Organisation) -> dict[str, Any]:
    with inside(of):
        return managed_config().values()


def test_the_settings_are_explained_and_who_keeps_to_them_counted(
    acme: Organisation, alice: Membership, bob_phone: Phone, alice_phone: Phone
) -> None:
    cast.phone(cast.member(acme, "Nia"))
    want(acme, **STRICT)
    report(bob_phone, backup_allowed=True)
    report(alice_phone)
    browser = signed_in(alice)
    browser.get(address(acme, "managed_app"))
    with CaptureQueriesContext(connection) as asked:
        page = browser.get(address(acme, "managed_app"))

    assert len(asked) <= 20
    for name in STRICT:
        assert EXPLAINED[name].label in page.text
    for told in ("5 min", "0.10.0", "of 3 approved devices"):
        assert told in page.text
    counted = page.context["conformity"]
    assert (counted.conforming, counted.deviating, counted.silent) == (1, 1, 1)


def test_an_owner_changes_the_settings_and_reads_what_they_were(
    acme: Organisation, alice: Membership, bob_phone: Phone
) -> None:
    report(bob_phone, app_version="0.9.1")
    browser = signed_in(alice)
    asked = browser.get(address(acme, "managed_app_change"))
    assert asked.context["versions"] == [("0.9.1", 1)]

    answer = save(browser, acme, lock_after_minutes="5", min_app_version="2.4.0", backup_allowed="")

    assert answer.url == address(acme, "managed_app")
    told = browser.get(answer.url).text
    for words in ("Lock after minutes: No lock → 5 min", "Backup allowed: Yes → No"):
        assert words in told
    assert settings_of(acme) == {
        "organisation_id": str(acme.id),
        "config_version": 2,
        "backup_allowed": False,
        "screenshots_allowed": False,
        "clipboard_allowed": False,
        "min_app_version": "2.4.0",
        "lock_after_minutes": 5,
        "wipe_on_revocation": True,
    }


@pytest.mark.parametrize(
    ("field", "typed"),
    [("min_app_version", "latest"), ("lock_after_minutes", "1441"), ("lock_after_minutes", "")],
)
def test_what_cannot_be_keeps_what_was_typed(
    acme: Organisation, alice: Membership, field: str, typed: str
) -> None:
    answer = save(signed_in(alice), acme, **{field: typed})

    assert answer.status_code == 422
    assert set(answer.context["form"].errors) == {field}
    assert not typed or f'value="{typed}"' in answer.text
    assert settings_of(acme)["config_version"] == 1


def test_others_read_and_do_not_change(acme: Organisation, alice: Membership) -> None:
    admin = signed_in(cast.member(acme, "Ada", Role.ADMIN))

    page = admin.get(address(acme, "managed_app"))
    assert address(acme, "managed_app_change") not in page.text
    assert save(admin, acme, lock_after_minutes="5").status_code == 403
    assert settings_of(acme)["lock_after_minutes"] == 0
    assert (
        address(acme, "managed_app_change") in signed_in(alice).get(page.request["PATH_INFO"]).text
    )


def test_each_file_is_offered_and_holds_what_devices_are_told(
    acme: Organisation, alice: Membership
) -> None:
    want(acme, **STRICT)
    browser = signed_in(alice)
    page = browser.get(address(acme, "managed_app")).text
    for file in FILES:
        link = address(acme, f"managed_app_{file.key}")
        assert f'href="{link}"' in page
        answer = browser.get(link)
        assert answer.headers["Content-Type"] == file.media_type
        assert answer.headers["Content-Disposition"] == f'attachment; filename="{file.name}"'
    assert plistlib.loads(browser.get(address(acme, "managed_app_ios")).content) == settings_of(
        acme
    )
    properties = json.loads(browser.get(address(acme, "managed_app_android")).content)
    assert {one["key"] for one in properties["managedProperty"]} == set(settings_of(acme))


def test_the_devices_pages_show_who_deviates_and_in_what(
    acme: Organisation, alice: Membership, bob: Membership, bob_phone: Phone, alice_phone: Phone
) -> None:
    nia = cast.member(acme, "Nia")
    cast.phone(nia)
    want(acme, **STRICT)
    report(bob_phone, backup_allowed=True, passcode_set=False)
    report(alice_phone)
    browser = signed_in(alice)

    def listed(posture: str) -> set[str]:
        answer = browser.get(address(acme, "devices"), {"posture": posture})
        return {report.device.membership.name for report in answer.context["reports"]}

    assert listed("deviates") == listed("backup") == listed("passcode") == {"Bob"}
    assert listed("silent") == {"Nia"}
    assert listed("lock") == set()
    assert listed("nonsense") == set()
    assert listed("") == {"Alice", "Bob", "Nia"}
    told = browser.get(address(acme, "device", bob_phone.id)).text
    for words in ("Allows backups", "No passcode is set", "17.4.1", "Deviates"):
        assert words in told
    assert "Conforms" in browser.get(address(acme, "device", alice_phone.id)).text


def test_the_overview_counts_devices_that_deviate(
    acme: Organisation,
    globex: Organisation,
    alice: Membership,
    bob_phone: Phone,
    charlie_phone: Phone,
) -> None:
    report(bob_phone, encrypted=False)
    report(charlie_phone)

    for of, owner, told in ((acme, alice, True), (globex, charlie_phone.device.membership, False)):
        link = f"{address(of, 'devices')}?posture=deviates"
        assert (link in signed_in(owner).get(address(of, "overview")).text) is told


def test_revoking_says_what_becomes_of_the_messages(
    acme: Organisation, alice: Membership, bob_phone: Phone
) -> None:
    browser = signed_in(alice)
    links = [address(acme, name, bob_phone.id) for name in ("device_revoke", "device_lost")]
    assert all("deletes the messages" in browser.get(link).text for link in links)

    want(acme, wipe_on_revocation=False)

    assert all("keeps the messages" in browser.get(link).text for link in links)
