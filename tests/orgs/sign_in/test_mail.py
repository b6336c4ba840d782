"""Mail: a row until a real server has taken it; a server that is away costs delay."""

import socketserver
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, cast

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.template.loader import render_to_string
from pytest_django import Settings

from orgs.models import LinkPurpose, Mail, MailedLink
from orgs.services.mail import deliver_mail, post_mail
from orgs.tasks import deliver_waiting_mail, drop_mail
from semafore import environment
from semafore.kernel import clock
from semafore.kernel.actor import SYSTEM, acting_as
from tests.orgs.sign_in.people import Person


class Conversation(socketserver.StreamRequestHandler):
    """As much of RFC 5321 as a client needs to hand over a mail."""

    def handle(self) -> None:
        server = cast("MailServer", self.server)
        self.say("220 here")
        for line in iter(self.rfile.readline, b""):
            word = line[:4].upper()
            if word == b"DATA":
                self.say("354 go on")
                text = b"".join(iter(self.rfile.readline, b".\r\n"))
                if server.refuses:
                    self.say("451 later")
                else:
                    server.taken.append(text.decode())
                    self.say("250 taken")
            elif word == b"QUIT":
                self.say("221 bye")
                return
            else:
                self.say("250 yes")

    def say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())


@dataclass(eq=False)
class MailServer(socketserver.ThreadingTCPServer):
    """A mail server on a port of its own."""

    taken: list[str] = field(default_factory=list)
    refuses: bool = False

    def __post_init__(self) -> None:
        self.daemon_threads = True
        super().__init__(("127.0.0.1", 0), Conversation)


@pytest.fixture
def server(settings: Settings) -> Iterator[MailServer]:
    with MailServer() as running:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", running.server_address[1]
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def post(owner: Person, **more: Any) -> Mail:
    with acting_as(SYSTEM):
        post_mail(to=owner.email, template="password_changed", **more)
    return Mail.objects.get()


def test_a_mail_is_handed_to_the_server_once(owner: Person, server: MailServer) -> None:
    post(owner)
    deliver_waiting_mail()
    deliver_waiting_mail()
    (text,) = server.taken
    assert f"To: {owner.email}" in text
    assert "Subject: Your SemaFore password was changed" in text
    assert "From: SemaFore <no-reply@" in text


def test_what_the_server_refuses_is_tried_again(owner: Person, server: MailServer) -> None:
    with acting_as(SYSTEM):
        post_mail(to=owner.email, template="password_reset", link=LinkPurpose.PASSWORD)
        server.refuses = True
        with pytest.raises(OSError, match="SMTPDataError"):
            deliver_mail(mail_id=Mail.objects.get().id)
        assert not MailedLink.objects.exists()
    deliver_waiting_mail()
    assert server.taken == []
    server.refuses = False
    deliver_waiting_mail()
    assert len(server.taken) == 1
    assert MailedLink.objects.count() == 1


def test_a_server_that_is_away_costs_delay(owner: Person, settings: Settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    mail = post(owner)
    deliver_waiting_mail()
    mail.refresh_from_db()
    assert mail.sent_at is None


def test_it_is_given_up_after_a_day_and_forgotten_after_two(
    owner: Person, server: MailServer
) -> None:
    post(owner)
    with clock.moved_by(timedelta(hours=25)):
        deliver_waiting_mail()
        assert server.taken == []
        assert drop_mail() == 0
    with clock.moved_by(timedelta(hours=49)):
        assert drop_mail() == 1


def test_names_cannot_add_a_header(owner: Person, server: MailServer) -> None:
    context = {"person": "Eve\nBcc: all@acme.example", "organisation": "A & B", "reason": "<x>"}
    with acting_as(SYSTEM):
        post_mail(to=owner.email, template="factor_reset", context=context)
    deliver_waiting_mail()
    (text,) = server.taken
    assert "\nBcc:" not in text.partition("\r\n\r\n")[0]
    assert "A & B" in text
    assert "<x>" in text


@pytest.mark.parametrize("name", ["password_reset", "password_changed", "factor_link"])
def test_a_template_begins_with_its_subject(name: str) -> None:
    subject = render_to_string(f"mail/{name}.txt", {"link": "https://x/"}).strip().split("\n")[0]
    assert "SemaFore" in subject


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("smtp://mail.example", ("mail.example", 25, "", False, False)),
        ("smtp://u:p%40ss@mail.example:587", ("mail.example", 587, "p@ss", True, False)),
        ("smtps://u:p@mail.example", ("mail.example", 465, "p", False, True)),
    ],
)
def test_a_mail_servers_address(
    monkeypatch: pytest.MonkeyPatch, value: str, expected: tuple[Any, ...]
) -> None:
    monkeypatch.setenv("EMAIL_URL", value)
    server = environment.mail("EMAIL_URL", "smtp://localhost")
    assert (server.host, server.port, server.password, server.starttls, server.tls) == expected


def test_a_folder_for_development(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMAIL_URL", "file:///tmp/mail")
    server = environment.mail("EMAIL_URL", "smtp://localhost")
    assert server.folder == "/tmp/mail"  # noqa: S108 - nothing is written there
    assert server.backend.endswith("filebased.EmailBackend")


@pytest.mark.parametrize("value", ["mail.example", "http://x", "smtp://", "file://", "smtp://u@x"])
def test_an_address_that_is_none_stops_the_start_without_its_password(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("EMAIL_URL", value)
    with pytest.raises(ImproperlyConfigured, match=r"EMAIL_URL is \(hidden\)"):
        environment.mail("EMAIL_URL", "smtp://localhost")
