"""Who is told of a window: each organisation once, its log, its owners and admins by mail."""

import re
from datetime import timedelta

import pytest
from django.core import mail
from django.db import IntegrityError, connection, transaction

from audit.models import Event
from orgs.models import (
    Mail,
    MaintenanceKind,
    MaintenanceMail,
    MaintenanceNotice,
    MaintenanceStep,
    Membership,
    MembershipStatus,
    Organisation,
    Role,
)
from orgs.services.maintenance import cancel_window, change_window, end_window, hold_window
from orgs.tasks import deliver_waiting_mail, tell_of_maintenance
from semafore.kernel import clock
from tests import cast
from tests.orgs.maintenance.windows import (
    NOTICE,
    SUMMARY,
    announced,
    as_operator,
    later,
    plan,
    sweep,
)


def posted(of: Organisation) -> list[tuple[str, str]]:
    """Whom the organisation's mails go to, and which; in the order of the names."""
    with cast.inside(of):
        rows = MaintenanceMail.objects.order_by("notice__step_id", "membership__name")
        mails = {one.id: one.template for one in Mail.objects.all()}
        return [(row.membership.name, mails[row.mail_id]) for row in rows]


def told(of: Organisation) -> list[str]:
    """The events of maintenance in the organisation's own log."""
    return [event["type"] for event in cast.events(of) if event["type"].startswith("maintenance.")]


def test_owners_and_admins_are_mailed_once(
    acme: Organisation, alice: Membership, bob: Membership, charlie: Membership
) -> None:
    for name, role in (("Adam", Role.ADMIN), ("Hana", Role.AUDITOR), ("Femi", Role.HELPDESK)):
        cast.member(acme, name, role)
    cast.member(acme, "Sue", Role.ADMIN, status=MembershipStatus.SUSPENDED)
    announced()
    tell_of_maintenance()
    tell_of_maintenance()

    assert posted(acme) == [
        ("Adam", "maintenance_announced"),
        ("Alice", "maintenance_announced"),
    ]
    assert posted(charlie.organisation) == [("Charlie", "maintenance_announced")]
    assert told(acme) == told(charlie.organisation) == ["maintenance.announced"]


def test_the_organisations_log_names_an_operator_and_nobody(acme: Organisation) -> None:
    window = announced()
    tell_of_maintenance()
    (event,) = cast.events(acme, "maintenance.announced")
    assert event["data"]["summary"] == SUMMARY
    with cast.inside(acme):
        who = [bytes(one.who or b"").decode() for one in Event.objects.all()]
    (line,) = [one for one in who if str(window.id) in one]
    assert '"label":"SemaFore operator"' in line
    assert "semafore.example" not in line


def test_the_mails_say_it_in_words(acme: Organisation, alice: Membership) -> None:
    window = announced(emergency_reason="A disk fails.")
    tell_of_maintenance()
    deliver_waiting_mail()
    (text,) = mail.outbox
    starts = f"{window.starts_at:%A %-d %B %Y, %H:%M} UTC"
    assert text.to == [alice.email]
    assert text.subject == f"SemaFore maintenance on {starts}"
    for words in (
        acme.name,
        SUMMARY,
        f"From: {starts}",
        "everything is closed",
        "Reason: A disk fails.",
        f"/console/{acme.slug}/maintenance/{window.id}",
    ):
        assert words in text.body, words
    assert "{" not in text.body


def test_every_step_is_told_in_its_order(acme: Organisation, alice: Membership) -> None:
    window = announced()
    with as_operator():
        later_by_a_day = plan(hours=NOTICE + 32, lasts=4)
        change_window(window_id=window.id, plan=later_by_a_day)
    with later(NOTICE + 9):
        pass
    with clock.moved_by(timedelta(hours=NOTICE + 31)), as_operator():
        hold_window(window_id=window.id, reason="The copy is not ready.")
        cancel_window(window_id=window.id, reason="Not this week.")
        sweep()
    deliver_waiting_mail()

    assert told(acme) == [
        "maintenance.announced",
        "maintenance.changed",
        "maintenance.held",
        "maintenance.cancelled",
    ]
    assert [name for _, name in posted(acme)] == [
        "maintenance_announced",
        "maintenance_changed",
        "maintenance_reminded",
        "maintenance_held",
        "maintenance_cancelled",
    ]
    subjects = [str(one.subject) for one in mail.outbox]
    assert re.match("SemaFore maintenance has changed: ", subjects[1])
    assert "Reason: Not this week." in mail.outbox[-1].body


@pytest.mark.parametrize(
    ("kind", "mails"),
    [
        (MaintenanceKind.CLOSED, ["announced", "began", "ended"]),
        (MaintenanceKind.UNINTERRUPTED, ["announced"]),
    ],
)
def test_nobody_is_mailed_of_a_beginning_that_nobody_notices(
    acme: Organisation, alice: Membership, kind: MaintenanceKind, mails: list[str]
) -> None:
    window = announced(kind=kind)
    tell_of_maintenance()
    with clock.moved_by(timedelta(hours=NOTICE + 9)), as_operator():
        end_window(window_id=window.id)
        tell_of_maintenance()

    assert [name for _, name in posted(acme)] == [f"maintenance_{name}" for name in mails]
    assert told(acme) == ["maintenance.announced", "maintenance.began", "maintenance.ended"]


def test_when_the_mail_server_took_it_stays_known(acme: Organisation, alice: Membership) -> None:
    announced()
    tell_of_maintenance()
    with cast.inside(acme):
        assert MaintenanceMail.objects.get().sent_at is None
    deliver_waiting_mail()
    sent_at = Mail.objects.get().sent_at
    tell_of_maintenance()
    Mail.objects.all().delete()
    tell_of_maintenance()
    with cast.inside(acme):
        assert MaintenanceMail.objects.get().sent_at == sent_at is not None


def test_what_fails_in_between_has_told_of_nothing(
    acme: Organisation, globex: Organisation, alice: Membership, charlie: Membership
) -> None:
    announced()
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE orgs_mail ADD CONSTRAINT x CHECK (\"to\" <> '{alice.email}')")
        tell_of_maintenance()
        assert (told(acme), posted(acme)) == ([], [])
        assert told(globex) == ["maintenance.announced"], "one's failure is not another's"
        cursor.execute("ALTER TABLE orgs_mail DROP CONSTRAINT x")
    tell_of_maintenance()
    assert told(acme) == ["maintenance.announced"]
    assert posted(acme) == [("Alice", "maintenance_announced")]
    (step,) = MaintenanceStep.objects.all()
    assert (step.told, step.told_at is None) == (2, False)


def test_an_organisation_without_anybody_to_mail_is_told_all_the_same(acme: Organisation) -> None:
    announced()
    tell_of_maintenance()
    assert (told(acme), posted(acme)) == (["maintenance.announced"], [])


def test_who_comes_later_is_not_told_of_what_was(acme: Organisation) -> None:
    window = announced()
    with clock.moved_by(timedelta(hours=1)):
        late = cast.organisation("Initech")
        tell_of_maintenance()
    assert told(late) == []
    with clock.moved_by(timedelta(hours=2)), as_operator():
        cancel_window(window_id=window.id, reason="No need.")
        tell_of_maintenance()
    assert told(late) == ["maintenance.cancelled"]


def test_the_database_lets_nobody_be_told_twice(acme: Organisation) -> None:
    announced()
    tell_of_maintenance()
    with cast.inside(acme):
        (notice,) = MaintenanceNotice.objects.all()
        with pytest.raises(IntegrityError, match="told_once"), transaction.atomic():
            MaintenanceNotice.objects.create(organisation=acme, step_id=notice.step_id)
