"""Workers that die, stop and compete; what is cancelled, fails, expires, or is lost on the way."""

import json
import signal
import subprocess
import sys
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

import pytest
from django.conf import settings as django_settings
from pytest_django import Settings

from audit.errors import ExportFinished, ExportInvalid, ExportNotReady
from audit.models import Export, ExportPart, IndexedEvent
from audit.selectors.events import EventFilter
from audit.services.exports import files, lease, storage
from audit.services.exports.downloads import look_at_file
from audit.services.exports.lease import STALE_AFTER, LeaseLostError, take
from audit.services.exports.requests import cancel_export
from audit.services.exports.work import write
from audit.services.retention.holds import place_hold
from orgs.models import Membership, Organisation, Role
from orgs.services.memberships import membership_ref
from semafore.kernel import clock
from semafore.kernel.actor import SYSTEM, acting_as
from semafore.kernel.tenancy import organisation_scope
from semafore.local.servers import ROOT, environment
from tests import cast
from tests.audit.aged import DAY, days, fact_of_class, happened, swept
from tests.audit.exports.acts import (
    BUNDLE,
    CSV,
    JSON_LINES,
    acting,
    again,
    asked,
    content,
    indexed,
    reader,
    work,
)
from tests.audit.published import announce, grow, publish
from tests.cast import inside
from tests.realtime.processes import database_url


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that there are many."""
    monkeypatch.setattr("audit.services.exports.work.PART_BYTES", 100_000)
    monkeypatch.setattr("audit.services.exports.work.SLICE", 10)


def objects(folder: Path) -> set[str]:
    return {one.name for one in folder.iterdir()} if folder.exists() else set()


def named(export: Export) -> set[str]:
    with organisation_scope(export.organisation_id):
        return set(ExportPart.objects.values_list("name", flat=True))


def die(of: Organisation, folder: Path, number: int, where: str) -> None:
    """A worker in a process of its own, killed at this object."""
    env = environment(
        DATABASE_URL=database_url(),
        REDIS_URL=django_settings.REDIS_URL,
        SECRET_KEY=django_settings.SECRET_KEY,
        BASE_URL=django_settings.BASE_URL,
        DJANGO_SETTINGS_MODULE="semafore.settings",
        DATABASE_POOL_SIZE="0",
    )
    worker = "tests.audit.exports.mortal_worker"
    done = subprocess.run(
        [sys.executable, "-m", worker, str(of.id), str(folder), str(number), where],
        env=env,
        cwd=ROOT,
        check=False,
        timeout=120,
    )
    assert done.returncode == -signal.SIGKILL


def turn_stale(export: Export) -> None:
    with organisation_scope(export.organisation_id):
        Export.objects.filter(id=export.id).update(
            beat_at=clock.now() - STALE_AFTER - timedelta(seconds=1)
        )


@pytest.mark.parametrize("as_what", [JSON_LINES, CSV, BUNDLE])
def test_a_killed_workers_export_is_gone_on_with(
    committed: None, folder: Path, small_parts: None, as_what: str
) -> None:
    acme = cast.organisation("Acme")
    erin = cast.member(acme, "Erin", Role.AUDITOR)
    announce(acme)
    grow(acme, 1500)
    made = asked(erin, as_what)  # type: ignore[arg-type]
    kept: list[int] = []
    for number, where in ((0, "before"), (0, "after"), (2, "before"), (1, "after")):
        die(acme, folder, number, where)
        assert work(acme) == 0, "a worker whose last sign of life is fresh is left alone"
        assert again(made).status == "running"
        with inside(acme):
            kept.append(ExportPart.objects.filter(whole=True).count())
        turn_stale(made)

    assert work(acme) == 1
    found, file = again(made), content(made)
    assert found.status == "done"
    assert kept == ([0, 0, 2, 3] if as_what != BUNDLE else [0, 0, 2, 1])
    assert found.digest == sha256(file).hexdigest()
    assert found.bytes == len(file)
    if as_what == JSON_LINES:
        seqs = [json.loads(line)["seq"] for line in file.splitlines()]
        assert seqs == [row.seq for row in indexed(acme, made.size)]
    with acting_as(SYSTEM):
        files.drop_orphaned_files()
    assert objects(folder) == named(made)


def test_one_that_never_gets_on_fails(
    acme: Organisation, erin: Membership, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(acme)
    made = asked(erin)
    for _ in range(lease.MOST_ATTEMPTS):
        with inside(acme):
            assert take() is not None
        turn_stale(made)
    work(acme)

    assert (again(made).status, again(made).failure) == ("failed", lease.DEAD_WORKERS)
    assert cast.events(acme, "export.failed")[-1]["data"]["reason"] == lease.DEAD_WORKERS


def test_a_worker_that_lost_its_lease_writes_no_more(
    acme: Organisation, erin: Membership, folder: Path
) -> None:
    grow(acme, 10)
    made = asked(erin)
    with inside(acme):
        slow = take()
        assert slow is not None
        turn_stale(made)
        quick = take()
        assert quick is not None
        assert take() is None
        quick.keep(b"quick", number=0, after_seq=1, done=1)
        for act in (
            lambda: slow.keep(b"slow", number=1, after_seq=2, done=2),
            lambda: slow.finish(done=2, size=4, digest=bytes(32)),
            lambda: slow.fail("slow"),
            lambda: slow.begin(anew=True),
        ):
            with pytest.raises(LeaseLostError):
                act()
        quick.keep(b" work", number=1, after_seq=made.size, done=made.stated or 0)
        write(quick)

    assert again(made).status == "done"
    assert content(made) == b"quick work"
    assert objects(folder) == named(made)


def test_a_lease_lost_while_an_object_is_stored_leaves_no_object(
    acme: Organisation, erin: Membership, folder: Path
) -> None:
    publish(acme)
    made = asked(erin)

    with inside(acme):
        slow = take()
        assert slow is not None
        slow.keep(b"first", number=0, after_seq=0, done=1)
        assert len(objects(folder)) == 1
    with acting(erin):
        cancel_export(export_id=made.id, reader=reader(erin))
    with inside(acme), pytest.raises(LeaseLostError):
        slow.keep(b"second", number=1, after_seq=1, done=2)
    with inside(acme):
        assert files.remove_files() == 1
    assert objects(folder) == set()


def test_a_cancelled_export_leaves_nothing(
    acme: Organisation, erin: Membership, folder: Path
) -> None:
    publish(acme)
    made = asked(erin)
    with acting(erin):
        cancel_export(export_id=made.id, reader=reader(erin))
        with pytest.raises(ExportFinished):
            cancel_export(export_id=made.id, reader=reader(erin))
        with pytest.raises(ExportNotReady):
            look_at_file(export_id=made.id, reader=reader(erin))

    assert work(acme) == 0
    assert again(made).status == "cancelled"
    assert cast.events(acme, "export.cancelled")


def test_events_that_come_meanwhile_are_not_in_it(
    acme: Organisation, erin: Membership, folder: Path
) -> None:
    grow(acme, 20)
    made = asked(erin)
    grow(acme, 20)
    work(acme)
    found = again(made)
    seqs = [json.loads(line)["seq"] for line in content(made).splitlines()]

    assert seqs == list(range(found.size))
    assert found.stated == found.done == len(seqs)


def test_what_retention_takes_meanwhile_is_stated(
    acme: Organisation, erin: Membership, folder: Path
) -> None:
    days(acme, 10, 30, 50)
    happened(acme, [fact_of_class(1)] * 7, ago=31 * DAY)
    made = asked(erin)
    swept(acme)
    work(acme)
    found = again(made)

    assert found.stated is not None
    assert (found.status, found.lost) == ("done", 7)
    assert found.done == found.stated - 7 == len(content(made).splitlines())
    assert cast.events(acme, "export.finished")[-1]["data"]["lost"] == 7


def test_one_that_would_lack_an_event_is_not_handed_out(
    acme: Organisation, erin: Membership, folder: Path
) -> None:
    grow(acme, 20)
    made = asked(erin)
    with inside(acme):
        # As if a dead worker had written down that it was further than it was.
        part = ExportPart.objects.create(
            organisation_id=acme.id,
            export=made,
            number=0,
            name=storage.new_name(),
            bytes=4,
            sha256=sha256(b"{}\n\n").digest(),
            after_seq=5,
            done=2,
            whole=True,
        )
        storage.store(part.name, b"{}\n\n")
    work(acme)

    assert again(made).status == "failed"
    assert "counted before" in again(made).failure
    assert objects(folder) == set()


def test_an_object_that_was_changed_is_noticed(
    acme: Organisation, erin: Membership, folder: Path, small_parts: None
) -> None:
    grow(acme, 300)
    made = asked(erin)
    with inside(acme):
        worker = take()
        assert worker is not None
        worker.keep(b"{}\n", number=0, after_seq=5, done=6)
    (one,) = folder.iterdir()
    one.write_bytes(b"[]\n")
    turn_stale(made)
    work(acme)

    assert again(made).status == "running"
    assert "an object is not as it was stored" in again(made).failure


def test_a_storage_that_fails_is_tried_again(
    acme: Organisation, erin: Membership, folder: Path
) -> None:
    publish(acme)
    made = asked(erin)
    folder.write_text("a file where a folder should be")
    work(acme)

    assert again(made).status == "running"
    assert again(made).failure.startswith("The storage of exports could not be used (")
    folder.unlink()
    turn_stale(made)
    work(acme)
    assert (again(made).status, again(made).failure) == ("done", "")


def test_files_go_when_their_time_is_over(
    acme: Organisation, erin: Membership, folder: Path
) -> None:
    publish(acme)
    made = asked(erin)
    work(acme)
    assert objects(folder) == named(made) != set()
    with clock.moved_by(django_settings.EXPORT_LIFETIME - timedelta(minutes=1)), inside(acme):
        assert files.expire_exports() == 0
    with clock.moved_by(django_settings.EXPORT_LIFETIME + timedelta(minutes=1)):
        with acting(erin), pytest.raises(ExportNotReady):
            look_at_file(export_id=made.id, reader=reader(erin))
        with inside(acme):
            assert files.expire_exports() == 1

    assert objects(folder) == set()
    assert again(made).status == "expired"
    assert cast.events(acme, "export.expired")


def test_what_was_asked_for_goes_with_the_events_of_it(
    acme: Organisation, erin: Membership, bob: Membership, folder: Path
) -> None:
    days(acme, 10, 30, 50)
    publish(acme)
    with clock.moved_by(-31 * DAY):
        old, held = asked(erin), asked(erin, JSON_LINES, EventFilter(actor=bob.id))
        work(acme)
    with inside(acme):
        files.expire_exports()
        place_hold(
            person=membership_ref(bob),
            room=None,
            from_at=None,
            until_at=None,
            reason="Letter.",
            case_reference="",
        )
    fresh = asked(erin)
    swept(acme)

    with inside(acme):
        left = set(Export.objects.values_list("id", flat=True))
    assert left == {held.id, fresh.id}
    assert old.id not in left


def test_objects_without_a_row_go(acme: Organisation, erin: Membership, folder: Path) -> None:
    publish(acme)
    made = asked(erin)
    work(acme)
    storage.store(storage.new_name(), b"nobody's")
    with acting_as(SYSTEM):
        files.drop_orphaned_files()

    assert objects(folder) == named(made)
    assert all((folder / name).stat().st_mode & 0o777 == 0o600 for name in objects(folder))


def test_it_names_one_person_and_needs_a_checkpoint(
    acme: Organisation, erin: Membership, bob: Membership, alice: Membership
) -> None:
    with pytest.raises(ExportInvalid, match="no checkpoint"):
        asked(erin)
    publish(acme)
    with pytest.raises(ExportInvalid, match="one person"):
        asked(erin, JSON_LINES, EventFilter(actor=bob.id, target=alice.id))
    made = asked(erin, JSON_LINES, EventFilter(actor=bob.id, target=bob.id))

    assert again(made).people == [str(bob.id)]
    publish(acme)
    with inside(acme):
        event = IndexedEvent.objects.get(type="export.requested")
        assert event.subject_id == bob.id


def test_a_device_stands_for_its_person(
    acme: Organisation, erin: Membership, bob_phone: cast.Phone
) -> None:
    publish(acme)
    made = asked(erin, JSON_LINES, EventFilter(actor=bob_phone.id))

    assert again(made).people == [str(bob_phone.device.membership_id)]
    assert again(asked(erin, JSON_LINES, EventFilter(actor=uuid4()))).people == []


def test_the_workers_host_must_reach_the_files(settings: Settings) -> None:
    from audit.checks import exports_reach_every_worker

    assert exports_reach_every_worker() == []
    settings.WORKER_HOSTS = 2
    assert [one.id for one in exports_reach_every_worker()] == ["audit.E201"]
