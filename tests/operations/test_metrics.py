"""`/metrics`: what each app says, read from rows that a test makes."""

import json
from collections.abc import Iterator
from datetime import timedelta
from uuid import uuid4

import pytest
from celery import current_app
from django.db import connection
from django.test import Client
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import DjangoAssertNumQueries, Settings

from audit.logs import log_of
from audit.models import Export, SiemDestination
from audit.services.sequencer import sequence
from audit.tasks import settle_denials
from invitations.models import Delivery, Invitation, PhoneProof
from keys.tasks import drop_spent_challenges
from messaging.models import PushToken
from orgs.models import Mail, Membership, Organisation
from realtime.services import take_place
from semafore.kernel import clock
from semafore.kernel.checks import walk_routes
from semafore.kernel.http.access import KINDS, kind_of
from semafore.kernel.metrics import COUNTED, FIGURES, exposition
from semafore.kernel.models import TaskRun
from semafore.kernel.redis_client import forget_redis_client, redis_client
from semafore.kernel.task_lines import SENT_AT
from semafore.kernel.task_runs import schedule
from semafore.kernel.tasks import platform_task, system_task
from semafore.kernel.tenancy import current_organisation_id
from semafore.local.client.api import ApiProblem
from tests import cast
from tests.invitations.onboarding import acts
from tests.messaging import talk

Samples = dict[str, float]


def read() -> Samples:
    """Every sample of the page by its name and the values of its labels."""
    return {
        " ".join([sample.name, *sample.labels.values()]): sample.value
        for family in text_string_to_metric_families(exposition().decode())
        for sample in family.samples
    }


@pytest.mark.usefixtures("db")
def test_every_app_can_be_read_on_an_empty_database() -> None:
    found = read()

    apps = {"kernel", "audit", "orgs", "keys", "realtime", "invitations", "messaging"}
    failed = {name: value for name, value in found.items() if "figures_failed" in name}
    assert failed == {f"semafore_figures_failed {app}": 0 for app in apps}
    assert found["semafore_organisations"] == found["semafore_mailbox_envelopes"] == 0
    assert 0 < found["semafore_database_connections"] < found["semafore_database_connections_max"]


@pytest.mark.usefixtures("charlie_phone")
def test_devices_their_keys_and_claims(
    alice_phone: cast.Phone, bob_phone: cast.Phone, settings: Settings
) -> None:
    before = read()
    bob_phone.api.publish(bob_phone.keys.make_one_time_pre_keys(30))
    after = read()
    assert after["semafore_devices approved"] == 3
    stock = "semafore_one_time_pre_key_stock"
    assert after[f"{stock}_bucket +Inf"] == 3
    assert after[f"{stock}_sum"] == before[f"{stock}_sum"] + 30
    assert after[f"{stock}_bucket 24"] == before[f"{stock}_bucket 24"] - 1

    with clock.moved_by(settings.SPK_MAX_AGE + timedelta(hours=1)):
        assert read()["semafore_signed_pre_keys_expired"] == 3
    assert after["semafore_signed_pre_keys_expired"] == 0


def counted(name: str, **labels: str) -> float:
    """What this process has counted."""
    return COUNTED.get_sample_value(name, labels) or 0.0


def test_claims_are_counted_by_outcome(
    alice_phone: cast.Phone, bob_phone: cast.Phone, settings: Settings
) -> None:
    outcomes = ("issued", "none_left", "repeated", "not_found", "spk_expired", "claim_limit")

    def totals() -> list[float]:
        return [counted("semafore_claims_total", outcome=one) for one in outcomes]

    before = totals()
    held = bob_phone.api.status()["one_time_pre_keys"]["available"]
    for number in range(held + 1):
        alice_phone.api.claim(bob_phone.id, idempotency_key=f"{number}")
    alice_phone.api.claim(bob_phone.id, idempotency_key="0")
    alice_phone.api.claim_many([bob_phone.id, uuid4()])
    settings.CLAIMS_PER_TARGET_PER_DAY = 1
    with pytest.raises(ApiProblem, match="claim_limit"):
        alice_phone.api.claim(bob_phone.id)
    settings.SPK_MAX_AGE = timedelta(0)
    with pytest.raises(ApiProblem, match="spk_expired"):
        alice_phone.api.claim(bob_phone.id)

    assert [after - one for after, one in zip(totals(), before, strict=True)] == [
        held,
        2,
        1,
        1,
        1,
        1,
    ]


@pytest.mark.usefixtures("db")
def test_requests_are_counted_by_kind_and_status() -> None:
    def totals() -> list[float]:
        return [
            counted("semafore_requests_total", kind="device", status="200"),
            counted("semafore_requests_total", kind="device", status="401"),
            counted("semafore_request_seconds_count", kind="device"),
            counted("semafore_requests_total", kind="other", status="404"),
        ]

    before = totals()
    Client().get("/api/mobile/config")
    Client().get("/api/mobile/me")
    Client().get("/nowhere")
    assert [after - one for after, one in zip(totals(), before, strict=True)] == [1, 1, 2, 1]


def test_every_kind_of_route_is_one_that_there_is() -> None:
    routes = [path for path, _ in walk_routes()]

    assert {kind_of(route) for route in routes} == {kind for _, kind in KINDS}
    exact = [start for start, _ in KINDS if start and not start.endswith("/")]
    assert set(exact) <= set(routes)


def test_mailboxes(acme: Organisation, alice_phone: cast.Phone, bob_phone: cast.Phone) -> None:
    room = talk.group(acme, alice_phone.device.membership, bob_phone.device.membership)
    alice_phone.api.send_message(room.id, talk.message([bob_phone]))

    with clock.moved_by(timedelta(hours=3)):
        found = read()
    assert found["semafore_mailbox_envelopes"] == 1
    assert 10800 <= found["semafore_mailbox_oldest_seconds"] < 10860


def test_sockets_and_pushes(acme: Organisation, bob_phone: cast.Phone) -> None:
    with cast.inside(acme):
        take_place(device_id=bob_phone.id)
        PushToken.objects.create(
            organisation_id=acme.id, device_id=bob_phone.id, service="fcm", token=b"x", failures=1
        )
    found = read()
    assert found["semafore_sockets_open"] == 1
    assert (found["semafore_push_tokens"], found["semafore_push_failing"]) == (1, 1)
    # The process died with it: nobody said that it closed.
    with clock.moved_by(timedelta(minutes=11)):
        assert read()["semafore_sockets_open"] == 0


def test_mail_codes_and_links(acme: Organisation) -> None:
    Mail.objects.create(to="bob@acme.example", template="welcome")
    given_up = Mail.objects.create(to="bob@acme.example", template="welcome")
    Mail.objects.filter(id=given_up.id).update(created_at=clock.now() - timedelta(hours=25))
    acts.invite(acme, delivery=Delivery.QUEUED, delivery_at=clock.now())
    with cast.inside(acme):
        PhoneProof.objects.create(
            organisation_id=acme.id,
            phone="+447700900001",
            subject_id=uuid4(),
            wanted_at=clock.now(),
            send_after=clock.now(),
            failures=2,
        )
    with clock.moved_by(timedelta(minutes=10)):
        found = read()
        assert found["semafore_mail_waiting"] == found["semafore_mail_given_up"] == 1
        assert 600 <= found["semafore_mail_oldest_seconds"] < 660
        assert found["semafore_codes_waiting"] == found["semafore_codes_failing"] == 1
        assert 600 <= found["semafore_codes_oldest_seconds"] < 660
        assert found["semafore_links_waiting"] == 1
        assert 600 <= found["semafore_links_oldest_seconds"] < 660
    with cast.inside(acme):
        Invitation.objects.update(delivery=Delivery.FAILED)
    assert read()["semafore_links_failed"] == 1


def test_exports(acme: Organisation) -> None:
    with cast.inside(acme):
        for status in ("waiting", "running", "failed"):
            Export.objects.create(
                organisation_id=acme.id,
                format="csv",
                reason="An inquiry",
                requested_by="Alice",
                size=0,
                status=status,
                finished_at=clock.now() if status == "failed" else None,
            )
    with clock.moved_by(timedelta(minutes=10)):
        found = read()
    assert found["semafore_exports waiting"] == found["semafore_exports running"] == 1
    assert found["semafore_exports_failed"] == 1
    assert 600 <= found["semafore_exports_oldest_waiting_seconds"] < 660


def test_siem_destinations_by_format(
    acme: Organisation, globex: Organisation, alice: Membership
) -> None:
    for of, format_, state in (
        (acme, "ocsf", "active"),
        (acme, "cef", "parked"),
        (globex, "ocsf", "paused"),
    ):
        with cast.inside(of):
            SiemDestination.objects.create(
                organisation_id=of.id,
                name=f"{format_} {state}",
                format=format_,
                address="https://siem.example",
                classes=[1],
                cursor=0,
                state=state,
            )
    sequence(log_of(acme.id))
    sequence(log_of(globex.id))
    with clock.moved_by(timedelta(minutes=5)):
        found = read()
    assert (found["semafore_siem_destinations ocsf"], found["semafore_siem_destinations cef"]) == (
        2,
        1,
    )
    assert (found["semafore_siem_in_trouble ocsf"], found["semafore_siem_in_trouble cef"]) == (0, 1)
    assert 300 <= found["semafore_siem_lag_seconds ocsf"] < 360
    assert found["semafore_siem_lag_seconds splunk_hec"] == 0


def test_each_scheduled_task_says_when_it_ran(acme: Organisation) -> None:
    assert not [name for name in read() if name.startswith("semafore_task_last")]
    began = clock.now().timestamp()
    settle_denials()
    drop_spent_challenges()

    found = read()
    for name in ("audit.settle_denials", "keys.drop_spent_challenges"):
        assert found[f"semafore_task_last_success_timestamp_seconds {name}"] >= began
        assert f"semafore_task_seconds {name}" in found
        assert f"semafore_task_last_failure_timestamp_seconds {name}" not in found
    assert found["semafore_task_interval_seconds audit.settle_denials"] == 60
    assert found["semafore_task_interval_seconds keys.drop_spent_challenges"] == 3600
    assert found["semafore_task_interval_seconds audit.send_due_siem"] == 10


def test_whoever_schedules_a_task_has_it_noted() -> None:
    """Else its age would be unknown for ever: all are made by the two bases."""
    made = {system_task.__qualname__, platform_task.__qualname__}
    for name in schedule():
        run = current_app.tasks[name].run
        assert run.__qualname__.partition(".")[0] in made, name


def test_a_task_that_fails_in_one_organisation_has_failed(
    acme: Organisation, globex: Organisation
) -> None:
    def sweep() -> int:
        if current_organisation_id() == acme.id:
            raise RuntimeError
        return 0

    task = system_task("tests.fails_in_acme")(sweep)
    task()
    run = TaskRun.objects.get(name="tests.fails_in_acme")
    assert run.succeeded_at is None
    assert run.failed_at is not None


def test_what_waits_in_a_queue(db: None) -> None:
    redis_client().delete("siem")
    found = read()
    assert (found["semafore_redis_up"], found["semafore_queue_length siem"]) == (1, 0)
    current_app.send_task("audit.send_siem", [str(uuid4()), str(uuid4())], queue="siem")
    current_app.send_task("audit.send_siem", [str(uuid4()), str(uuid4())], queue="siem")
    try:
        oldest = json.loads(redis_client().lindex("siem", -1) or b"")
        oldest["headers"][SENT_AT] -= 300
        redis_client().lset("siem", -1, json.dumps(oldest))
        found = read()
    finally:
        redis_client().delete("siem")
    assert found["semafore_queue_length siem"] == 2
    assert 300 <= found["semafore_queue_oldest_seconds siem"] < 330


def test_without_redis_the_rest_is_there(db: None, settings: Settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    forget_redis_client()
    try:
        found = read()
    finally:
        forget_redis_client()
    assert found["semafore_redis_up"] == 0
    assert found["semafore_figures_failed kernel"] == 0
    assert "semafore_queue_length siem" not in found


def test_an_app_that_cannot_be_read_silences_no_other(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable() -> Iterator[Metric]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(0), 1 / 0")
        yield from ()

    monkeypatch.setitem(FIGURES._readers, "keys", unreadable)
    found = read()
    assert found["semafore_figures_failed keys"] == 1
    assert found["semafore_figures_failed messaging"] == 0
    assert "semafore_devices approved" not in found


def test_no_organisation_costs_a_statement(
    db: None, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(5):
        cast.organisation(f"Acme {number}")
    with django_assert_max_num_queries(50):
        read()
