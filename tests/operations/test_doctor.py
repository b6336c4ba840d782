"""`manage.py doctor`: each thing is broken for real, and the line about it is seen."""

import json
import os
import re
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from io import StringIO
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from celery import current_app
from django.core.management import call_command
from django.db import connection
from pytest_django import Settings

from audit.log_process import LogProcess
from audit.models import Export, SiemDestination
from audit.state import SignerState
from invitations.models import Delivery, Invitation, PhoneProof
from messaging.models import PushToken
from orgs.models import Mail, Organisation
from semafore.environment import FileStorage
from semafore.kernel import clock, health
from semafore.kernel.doctor import DOCTOR, Doctor, Finding, State, fine, wrong
from semafore.kernel.doctor import machine as machine_looks
from semafore.kernel.models import TaskRun
from semafore.kernel.redis_client import forget_redis_client, redis_client
from semafore.kernel.task_lines import SENT_AT
from semafore.kernel.task_runs import schedule
from semafore.local.servers import ROOT
from tests import cast
from tests.invitations.onboarding import acts
from tests.messaging.push_services import certificates

NOWHERE = "http://127.0.0.1:1"


def look(about: str) -> list[Finding]:
    """What one look finds."""
    own, _ = DOCTOR._looks[about]
    return list(own())


def only(about: str) -> Finding:
    (finding,) = look(about)
    return finding


def assert_wrong(about: str, says: str, remedy: str, state: State = State.WRONG) -> None:
    findings = [one for one in look(about) if one.state is not State.OK]
    assert [one.state for one in findings] == [state], findings
    assert says in findings[0].says
    assert remedy in findings[0].remedy


@pytest.fixture
def without_redis(settings: Settings) -> Iterator[None]:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    forget_redis_client()
    yield
    forget_redis_client()


# The servers


def test_a_database_that_is_well_but_for_what_tests_switch_off(db: None) -> None:
    findings = look("database")

    assert [one.state for one in findings if "fsync" not in one.says] == [State.OK]
    assert "connections in use" in findings[-1].says


def test_commits_that_don_t_reach_the_disk(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit TO off")
    assert_wrong("database", "synchronous_commit", "postgresql.conf")


def test_migrations_that_are_missing(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    assert only("migrations") == fine("all are applied")
    monkeypatch.setattr(health, "_migrated", False)
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM django_migrations WHERE id = (SELECT max(id) FROM django_migrations)"
        )
    assert_wrong("migrations", "1 are not applied", "manage.py migrate")


def test_redis(without_redis: None) -> None:
    assert_wrong("redis", "can't be reached (ConnectionError)", "REDIS_URL")


def test_redis_that_forgets(db: None) -> None:
    client = redis_client()
    before = client.config_get("maxmemory*")
    client.config_set("maxmemory", "1gb")
    client.config_set("maxmemory-policy", "allkeys-lru")
    try:
        assert_wrong("redis", "allkeys-lru", "noeviction", State.WARNING)
    finally:
        for name in ("maxmemory", "maxmemory-policy"):
            client.config_set(name, before[name] or "")
    assert only("redis").state is State.OK


# Tasks


def ran(name: str, ago: timedelta, *, failed: bool = False) -> None:
    at = clock.now() - ago
    moments = {"failed_at": at} if failed else {"succeeded_at": at}
    TaskRun.objects.update_or_create(name=name, defaults={**moments, "milliseconds": 5})


def test_tasks_that_nobody_asks_for(db: None) -> None:
    assert_wrong("tasks", "none has ever run", "celery beat")
    for name in schedule():
        ran(name, timedelta(hours=2))
    assert_wrong("tasks", "none has run for 2 h", "celery beat")


def test_a_task_that_is_late_and_one_that_fails(db: None) -> None:
    for name in schedule():
        ran(name, timedelta(seconds=5))
    assert only("tasks").state is State.OK
    ran("keys.drop_tokens", timedelta(hours=3))
    assert_wrong("tasks", "late: keys.drop_tokens", "worker's log")
    ran("keys.drop_tokens", timedelta(seconds=5), failed=True)
    assert_wrong("tasks", "failed the last time: keys.drop_tokens", "worker's log")
    ran("keys.drop_tokens", timedelta(seconds=1))
    assert only("tasks").state is State.OK


def test_a_queue_that_stands() -> None:
    # What other tests asked for nobody has done.
    redis_client().delete("default", "exports", "siem")
    current_app.send_task("audit.send_siem", [str(uuid4()), str(uuid4())], queue="siem")
    try:
        assert only("queues").state is State.OK
        oldest = json.loads(redis_client().lindex("siem", -1) or b"")
        oldest["headers"][SENT_AT] -= 1200
        redis_client().lset("siem", -1, json.dumps(oldest))
        assert_wrong("queues", "1 wait in siem, the first for 20 min", "--queues siem")
    finally:
        redis_client().delete("siem")


def test_queues_without_a_worker_and_with_one(tmp_path: Path) -> None:
    assert_wrong("workers", "nobody works on default, exports, siem", "celery --app semafore")
    words = ("celery", "--quiet", "--app", "semafore", "worker", "--queues", "default,siem")
    with (tmp_path / "output").open("wb") as output:
        worker = subprocess.Popen(
            [sys.executable, "-m", *words, "--pool", "solo"],
            cwd=ROOT,
            stdout=output,
            stderr=output,
            env=os.environ | {"PYTHONWARNINGS": "ignore:You're running the worker"},
        )
    try:
        deadline = time.monotonic() + 120  # an answer that is late counts as none
        while (found := only("workers")).says != "nobody works on exports":
            assert time.monotonic() < deadline, found
        assert (found.state, "--queues exports" in found.remedy) == (State.WRONG, True)
    finally:
        worker.terminate()
        worker.wait()


# The machine


def test_clocks_that_differ(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    class Ahead:
        time = staticmethod(lambda: time.time() + 90)

    # A slow machine takes its time between the looks at the one clock and at the other.
    monkeypatch.setattr(machine_looks, "APART_SECONDS", 30)
    with monkeypatch.context() as patch:
        patch.setattr(machine_looks, "time", Ahead)
        (apart,) = re.findall(r"the database's clock is (\S+) s", str(look("clock")))
    assert float(apart) == pytest.approx(-90, abs=30)
    assert "the database's clock is" not in str(look("clock"))


def test_folders_that_can_t_be_written_to(settings: Settings, tmp_path: Path) -> None:
    settings.CHECKPOINT_KEYS = [bytes(32)]
    (tmp_path / "file").touch()
    settings.LOG_STATE_DIR = str(tmp_path / "file")
    settings.EXPORT_STORAGE = FileStorage(directory=str(tmp_path / "file" / "below"))
    assert_wrong("log state", "LOG_STATE_DIR is no directory", "mode 0700")
    assert_wrong("export storage", "EXPORT_STORAGE is no directory", "mode 0700")
    # Either is made when it is first written to.
    (tmp_path / "file").unlink()
    assert "GiB free" in only("log state").says
    assert "GiB free" in only("export storage").says
    settings.CHECKPOINT_KEYS = []
    assert only("log state").state is State.OK


def test_a_disk_that_is_full(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The limit is raised, since the disk of a test can't be filled."""
    monkeypatch.setattr(machine_looks, "FREE_BYTES", 1024**5)
    (finding,) = machine_looks.folder(str(tmp_path), "EXPORT_STORAGE")
    assert (finding.state, "Make room" in finding.remedy) == (State.WRONG, True)


def test_files_that_were_not_collected(settings: Settings, tmp_path: Path) -> None:
    settings.STATIC_COLLECTED, settings.STATIC_ROOT = True, tmp_path
    assert_wrong("static files", "no page can be shown", "collectstatic")
    (tmp_path / "staticfiles.json").write_text("{}")
    assert only("static files") == fine("collected")


def test_settings_that_production_must_not_have(settings: Settings) -> None:
    settings.TLS_PROXY = False
    settings.LOG_FORMAT = "line"
    says = [one.says for one in look("settings") if one.state is State.WRONG]
    assert any(one.startswith("kernel.E002: TLS_PROXY is off") for one in says)
    assert any(one.startswith("kernel.E005: LOG_FORMAT is line") for one in says)
    assert all(one.remedy for one in look("settings"))


NGINX = (ROOT / "deploy" / "nginx" / "semafore.conf").read_text("utf-8").split("\nserver {")
KEPT_INSIDE = re.findall(r"location = (\S+) \{\s+return 404;", NGINX[2])
"""What the proxy of this repository answers nobody outside."""


class Answers(BaseHTTPRequestHandler):
    """Answers as `status` says, from behind the proxy."""

    status = 200

    def do_GET(self) -> None:
        self.send_response(404 if self.path in KEPT_INSIDE else self.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Keeps the test's output clean."""


@pytest.fixture
def server() -> Iterator[HTTPServer]:
    running = HTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield running
    running.shutdown()
    running.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def test_the_address_of_the_server(
    settings: Settings, server: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "/readyz" in KEPT_INSIDE
    settings.BASE_URL = f"http://127.0.0.1:{server.server_port}"
    assert only("web") == fine("BASE_URL answers, without TLS")
    monkeypatch.setattr(Answers, "status", 502)
    assert_wrong("web", "BASE_URL answers 502", "the proxy")
    settings.BASE_URL = NOWHERE
    assert_wrong("web", "can't be reached from here (ConnectError)", "the proxy")


def test_the_certificate(
    settings: Settings, server: HTTPServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = certificates(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem", folder / "server.key")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    settings.BASE_URL = f"https://127.0.0.1:{server.server_port}"
    assert_wrong("web", "can't be reached from here (ConnectError)", "certificate is whole")
    monkeypatch.setenv("SSL_CERT_FILE", str(folder / "authority.pem"))
    assert_wrong("web", "the certificate ends in", "Renew it")
    monkeypatch.setattr(machine_looks, "CERTIFICATE_DAYS", 0)
    assert "its certificate holds for" in only("web").says


def test_the_sockets(
    settings: Settings, server: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.EVENTS_URL = f"ws://127.0.0.1:{server.server_port}/ws/mobile"
    assert_wrong("sockets", "answers 200 to a handshake", "realtime process")
    monkeypatch.setattr(Answers, "status", 403)
    assert only("sockets") == fine("EVENTS_URL answers")
    settings.EVENTS_URL = NOWHERE.replace("http", "ws")
    assert_wrong("sockets", "can't be reached from here (ConnectError)", "realtime process")


# The log, exports, SIEM


def test_a_log_that_nobody_keeps_up(acme: Organisation, tmp_path: Path) -> None:
    assert {only("sequencer").state, only("signer").state} == {State.OK}
    with clock.moved_by(timedelta(minutes=5)):
        assert_wrong("sequencer", "waits for its place for 5 min", "audit_log run")
        with SignerState(tmp_path / "one") as state:
            LogProcess(state).drain()
        assert only("sequencer").state is State.OK
        cast.member(acme, "Alice")
        with SignerState(tmp_path / "two") as state:
            LogProcess(state).drain()
        assert_wrong("signer", "logs are halted", "audit_log status")


def test_exports_that_nobody_writes_or_that_fail(acme: Organisation) -> None:
    with cast.inside(acme):
        export = Export.objects.create(
            organisation_id=acme.id, format="csv", reason="r", requested_by="Alice", size=0
        )
        assert only("exports").state is State.OK
        with clock.moved_by(timedelta(minutes=20)):
            assert_wrong("exports", "one waits for 20 min", "--queues exports")
        Export.objects.filter(id=export.id).update(status="failed", finished_at=clock.now())
    assert_wrong("exports", "1 failed within a day", "worker", State.WARNING)


def test_destinations_in_trouble(acme: Organisation) -> None:
    with cast.inside(acme):
        SiemDestination.objects.create(
            organisation_id=acme.id,
            name="Security operations",
            format="ocsf",
            address="https://siem.example",
            classes=[1],
            cursor=0,
            state="misconfigured",
        )
    assert_wrong("siem", "in trouble: 1 ocsf", "--queues siem", State.WARNING)


# Mail, SMS, push


def test_a_mail_server(settings: Settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    assert_wrong("mail server", "reaches nobody", "EMAIL_URL")
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    assert_wrong("mail server", "(ConnectionRefusedError)", "EMAIL_URL")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        settings.EMAIL_PORT = listening.getsockname()[1]
        settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "", ""
        settings.EMAIL_USE_TLS = False
        said = threading.Thread(target=greet, args=(listening,))
        said.start()
        assert only("mail server") == fine("it takes our connection")
        said.join()


def greet(listening: socket.socket) -> None:
    """As a mail server greets: nothing is sent through it."""
    connected, _ = listening.accept()
    with connected, connected.makefile("rb") as lines:
        connected.sendall(b"220 here\r\n")
        while (line := lines.readline()) and not line.upper().startswith(b"QUIT"):
            assert line[:4].upper() in {b"EHLO", b"HELO"}
            connected.sendall(b"250 fine\r\n")
        connected.sendall(b"221 bye\r\n")


def test_mail_that_is_not_taken(db: None) -> None:
    Mail.objects.create(to="bob@acme.example", template="welcome")
    assert only("mail").state is State.OK
    with clock.moved_by(timedelta(hours=1)):
        assert_wrong("mail", "1 mails wait, the first for 60 min", "worker's log")
    with clock.moved_by(timedelta(hours=25)):
        assert_wrong("mail", "1 mails of the last two days were given up", "log", State.WARNING)


def test_sms(acme: Organisation, settings: Settings) -> None:
    settings.SMS_BACKEND = "file"
    assert_wrong("sms", "codes reach no phone", "twilio or notify")
    settings.SMS_BACKEND = "twilio"
    assert only("sms").state is State.OK
    with cast.inside(acme):
        PhoneProof.objects.create(
            organisation_id=acme.id,
            phone="+447700900001",
            subject_id=uuid4(),
            wanted_at=clock.now(),
            send_after=clock.now(),
            failures=1,
        )
    assert_wrong("sms", "1 codes were refused", "SMS service", State.WARNING)
    with clock.moved_by(timedelta(minutes=10)):
        assert_wrong("sms", "1 codes wait, the first for 10 min", "worker")


def test_links(acme: Organisation) -> None:
    invitation = acts.invite(acme, delivery=Delivery.QUEUED, delivery_at=clock.now())
    assert only("invitations").state is State.OK
    with clock.moved_by(timedelta(minutes=30)):
        assert_wrong("invitations", "1 links wait, the first for 30 min", "worker")
    with cast.inside(acme):
        Invitation.objects.filter(id=invitation.id).update(delivery=Delivery.FAILED)
    assert_wrong("invitations", "1 links of the last day", "mail and SMS", State.WARNING)


def test_pushes(acme: Organisation, bob_phone: cast.Phone, settings: Settings) -> None:
    settings.PUSH_BACKEND = "file"
    assert_wrong("push", "no device is woken", "APNS_KEY", State.WARNING)
    settings.PUSH_BACKEND = "service"
    assert only("push").state is State.OK
    with cast.inside(acme):
        PushToken.objects.create(
            organisation_id=acme.id, device_id=bob_phone.id, service="fcm", token=b"x", failures=3
        )
    assert_wrong("push", "1 of 1 devices can't be woken", "Reachability", State.WARNING)


# All of it


def run(*words: str, **more: str) -> tuple[int, str]:
    """The command as a person runs it."""
    done = subprocess.run(
        [sys.executable, "manage.py", "doctor", *words],
        cwd=ROOT,
        env=os.environ | more,
        capture_output=True,
        text=True,
        check=False,
        timeout=250,
    )
    return done.returncode, done.stdout


def test_without_database_and_redis_it_still_says_what_is_wrong() -> None:
    code, said = run(
        "--json", DATABASE_URL="postgresql://127.0.0.1:1/x", REDIS_URL="redis://127.0.0.1:1/0"
    )
    found: dict[str, Any] = {}
    for row in json.loads(said):
        found.setdefault(row["about"], []).append(row["state"])
    assert code == 1
    assert found["database"] == ["wrong", "unknown"]
    assert found["redis"] == ["wrong"]
    assert found["queues"] == found["workers"] == found["tasks"] == ["unknown"]
    assert found["mail"] == found["sequencer"] == found["clock"] == ["unknown"]
    assert {"settings", "web", "sockets", "mail server", "export storage"} <= set(found)


def test_words_and_not_colours_alone_say_it(db: None) -> None:
    out = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("doctor", stdout=out, no_color=True)
    assert ended.value.code == 1
    lines = out.getvalue().splitlines()
    states = {line[:8].strip() for line in lines} - {""}
    assert states <= {"ok", "warning", "WRONG", "unknown"}
    assert {"ok", "WRONG"} <= states
    after_trouble = [
        following
        for line, following in pairwise(lines)
        if line.startswith(("warning", "WRONG", "unknown"))
    ]
    assert all("Remedy: " in line for line in after_trouble)


def test_a_look_that_fails_stops_no_other_and_tells_no_secret() -> None:
    doctor = Doctor()

    def broken() -> list[Finding]:
        raise RuntimeError("postgresql://user:secret@host")

    doctor.register("first", broken)
    doctor.register("second", lambda: [fine("well")])
    assert [(about, one.state, one.says) for about, one in doctor.findings()] == [
        ("first", State.UNKNOWN, "can't be looked at: the look failed (RuntimeError)"),
        ("second", State.OK, "well"),
    ]
    with pytest.raises(ValueError, match="first"):
        doctor.register("first", broken)


def test_all_well_is_exit_code_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DOCTOR, "_looks", {"one": (lambda: [fine("well")], False)})
    call_command("doctor", stdout=StringIO())
    monkeypatch.setattr(DOCTOR, "_looks", {"one": (lambda: [wrong("ill", "Mend it.")], False)})
    with pytest.raises(SystemExit):
        call_command("doctor", stdout=StringIO())
