"""What browsers, proxies, logs and disks get to keep; and the operator's site as a way round."""

import io
import logging
from datetime import timedelta
from smtplib import SMTPRecipientsRefused
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings as django_settings
from django.core import mail
from django.core.mail import EmailMessage
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from invitations.services.tokens import invitation_token
from orgs.mail import MailError, send_mail_to
from orgs.models import Account, Mail, Membership, Organisation
from orgs.services.accounts import create_operator
from orgs.tasks import deliver_waiting_mail
from semafore.kernel import clock
from semafore.kernel.actor import SYSTEM, acting_as
from semafore.kernel.checks import walk_routes
from semafore.kernel.http.console import PROVEN_AT, PageView
from semafore.kernel.logs import TokenFilter
from tests import cast
from tests.invitations.onboarding import acts
from tests.orgs.sign_in.people import PASSWORD, person, platform_events

pytestmark = pytest.mark.django_db
TOKEN = "TokenOfAMailedLink0123456789"


@pytest.fixture(autouse=True)
def unthrottled(settings: Settings, tmp_path: Any) -> None:
    settings.UNAUTHENTICATED_PER_MINUTE = 1_000_000
    settings.SMS_FILE = str(tmp_path / "sms.jsonl")


def pages() -> list[str]:
    """The address of every page of ours without further arguments than the organisation."""
    return sorted(
        route
        for route, pattern in walk_routes()
        if issubclass(getattr(pattern.callback, "view_class", object), PageView)
        and "<uuid" not in route
    )


def test_no_page_is_kept_by_anybody(alice: Membership, charlie: Membership) -> None:
    assert len(pages()) > 20
    for browser in (cast.signed_in(alice), cast.signed_in(alice, proven=False), Client()):
        for route in pages():
            path = "/" + route.replace("<slug:slug>", alice.organisation.slug)
            answer = browser.get(path.replace("<str:token>", TOKEN))
            assert answer["Cache-Control"] == "private, no-store", path
    lost = cast.signed_in(charlie).get(f"/console/{alice.organisation.slug}/members")
    assert (lost.status_code, lost["Cache-Control"]) == (404, "private, no-store")


def test_no_answer_of_the_api_is_kept(acme: Organisation, bob_phone: cast.Phone) -> None:
    token = bob_phone.api.token()
    body = {"invitation_token": invitation_token(acts.invite(acme))}
    answers = [
        Client().post("/api/mobile/onboarding", body, content_type="application/json"),
        Client().get("/api/mobile/me"),
        Client().get("/api/mobile/me", headers={"Authorization": f"Bearer {token}"}),
    ]
    assert [answer.status_code for answer in answers] == [201, 401, 200]
    assert {answer["Cache-Control"] for answer in answers} == {"no-store"}


@pytest.fixture
def lines() -> Any:
    """What stands in the log, as it is written for development; production's is JSON."""
    (handler,) = [
        one
        for one in logging.getLogger().handlers
        if isinstance(one, logging.StreamHandler)
        and any(isinstance(kept, TokenFilter) for kept in one.filters)
    ]
    stream = io.StringIO()
    before, formatter = handler.setStream(stream), handler.formatter
    handler.setFormatter(logging.Formatter("{name} {message}", style="{"))
    refusals = logging.getLogger("django.request")
    level = refusals.level
    refusals.setLevel(logging.WARNING)
    yield stream
    refusals.setLevel(level)
    handler.setStream(before)
    handler.setFormatter(formatter)


@pytest.mark.parametrize("kind", ["password", "sign-in"])
def test_no_log_line_names_the_token_of_a_link(lines: io.StringIO, kind: str) -> None:
    path = f"/console/{kind}/link/{TOKEN}"
    browser = Client(enforce_csrf_checks=True)
    answers = [
        browser.get(f"{path}/"),
        browser.post(path),
        Client().put(path),
        browser.get(path, headers={"Host": "elsewhere.example"}),
    ]
    assert [answer.status_code for answer in answers] == [404, 403, 405, 400]
    assert lines.getvalue().count("/link/…") == 3
    assert TOKEN not in lines.getvalue()


@pytest.mark.parametrize("path", ["/console/sign-in", "/i/open", "/nowhere", "/api/mobile/me"])
def test_a_large_upload_is_refused_before_it_is_read(path: str) -> None:
    class Unread(io.BytesIO):
        def read(self, *_: Any) -> bytes:
            raise AssertionError("the body was read")

    announced: dict[str, Any] = {
        "CONTENT_LENGTH": str(django_settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1),
        "wsgi.input": Unread(),
    }
    kind = "multipart/form-data; boundary=x"
    answer = Client().generic("POST", path, content_type=kind, **announced)
    assert answer.status_code == 413


def test_what_a_mail_server_answers_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> int:
        raise SMTPRecipientsRefused({"alice@acme.example": (550, b"no alice@acme.example here")})

    monkeypatch.setattr(EmailMessage, "send", refuse)
    with pytest.raises(MailError) as caught:
        send_mail_to("alice@acme.example", "password_changed", {})
    assert "alice" not in repr(caught.value)
    assert caught.value.__suppress_context__


def test_asking_often_tells_nothing_of_an_address(acme: Organisation) -> None:
    known = person(cast.member(acme, "Nora")).email

    def asked(email: str) -> list[str]:
        for _ in range(3):
            Client().post("/console/password/forgotten", {"email": email})
            deliver_waiting_mail()
        with CaptureQueriesContext(connection) as statements:
            Client().post("/console/password/forgotten", {"email": email})
        return [one["sql"].partition(" ")[0] for one in statements]

    assert asked(known) == asked("nobody@acme.example")
    assert {one.to[0] for one in mail.outbox} == {known}
    assert Mail.objects.filter(sent_at=None).count() == 0


# The operator's site


@pytest.fixture
def operator() -> Account:
    with acting_as(SYSTEM):
        return create_operator(email="olga@semafore.example", password=PASSWORD)


def at(account: Account, *, proven: bool) -> Client:
    browser = Client()
    browser.force_login(account)
    session = browser.session
    past = clock.now() - timedelta(minutes=0 if proven else 16)
    session[PROVEN_AT] = past.timestamp()
    session.save()
    return browser


def operator_pages() -> list[str]:
    routes = [f"/{route}" for route, _ in walk_routes() if route.startswith("operator/")]
    plain = [
        route.replace("<path:object_id>", str(uuid4())).replace("<int:content_type_id>", "1")
        for route in routes
        if "(?P" not in route
    ]
    return [route.replace("<path:object_id>", "1").replace("<url>", "x") for route in plain]


def test_nobody_but_operators_comes_to_the_operators_site(alice: Membership) -> None:
    half = person(alice)
    half.give_password()
    assert len(operator_pages()) > 7
    for browser in (Client(), half.browser, cast.signed_in(alice)):
        for path in operator_pages():
            for answer in (browser.get(path), browser.post(path)):
                assert answer.status_code in (302, 404), path
                assert not answer.get("Location", "").startswith("/operator/org"), path


def test_the_operators_site_is_no_way_round_the_rules_for_passwords(operator: Account) -> None:
    browser = at(operator, proven=True)
    for answer in (
        browser.get("/operator/password_change/"),
        browser.post("/operator/password_change/", {"old_password": "x"}),
    ):
        assert answer["Location"] == "/console/account/password"
    assert browser.get("/operator/login/")["Location"] == "/operator/"
    assert browser.get("/operator/")["Cache-Control"].endswith("private")


def test_an_operator_signs_out_without_a_code_and_on_record(operator: Account) -> None:
    browser = at(operator, proven=False)
    assert browser.post("/operator/logout/")["Location"] == "/console/sign-in"
    assert browser.get("/operator/")["Location"].startswith("/operator/login/")
    assert len(platform_events("account.signed_out")) == 1


def test_an_operator_changes_nothing_without_a_fresh_code(operator: Account) -> None:
    browser = at(operator, proven=False)
    answer = browser.post("/operator/orgs/organisation/add/", {"name": "Initech"})
    assert answer["Location"].startswith("/console/step-up?next=")
