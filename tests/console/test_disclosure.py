"""`manage.py disclosure_report`: all that is held, what isn't, and that it was asked."""

import io
import json
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from audit.models import Event, PlatformDenial, PlatformEvent
from console.disclosure.limits import IMPOSSIBLE, NOT_LOOKED_AT
from console.disclosure.tables import COUNTED
from invitations.models import Channel, Invitation, PhoneQuota
from invitations.selectors.held import quota_key
from keys.models import Device
from orgs.models import Attempts, Mail, Membership, Organisation
from orgs.selectors.sign_in import subject_of
from orgs.services.accounts import create_operator
from semafore.kernel import clock
from semafore.kernel.actor import SYSTEM, acting_as
from semafore.kernel.tenancy import locate
from tests import cast
from tests.audit.held_person import SECRETS, Subject, a_subject
from tests.audit.published import publish
from tests.audit.test_subject_access import COVERED
from tests.cast import inside
from tests.test_no_secrets import as_bytes, spellings

PHONE = "+447700900801"

OF_ACCOUNTS = {
    "orgs_account": ("account",),
    "orgs_session": ("sessions",),
    "orgs_factor": ("factor",),
    "orgs_recoverycode": ("recovery_codes",),
    "orgs_mailedlink": ("mailed_links",),
    "orgs_mail": ("mails",),
    "orgs_attempts": ("attempts",),
    "invitations_phonequota": ("phone_quota",),
    "audit_platformevent": ("platform_events",),
    "audit_denial": ("denials",),
    "audit_platformdenial": ("platform_denials",),
    "kernel_idempotentanswer": ("idempotent_answers",),
}
"""Tables besides those of subject access, and where the report has their rows."""

BY_NUMBER = {
    "invitations_invitation": "invitations_by_number",
    "invitations_onboarding": "onboardings_by_number",
    "invitations_phonechange": "phone_changes_by_number",
    "invitations_phoneproof": "phone_proofs_by_number",
}

EXPLAINED = {"audit_event": "the events themselves: each has its row in the index"}
"""Tables that name the person and are in the report under another name."""


@pytest.fixture
def subject(acme: Organisation, globex: Organisation, alice: Membership) -> Subject:
    made = a_subject(acme, globex, alice)
    Mail.objects.create(
        to="bartholomew@acme.example",
        template="factor_reset",
        context={"person": "Ulrica Sandalwood", "reason": "Lost her key at sea"},
    )
    PhoneQuota.objects.create(phone_hash=quota_key(PHONE), since=clock.now(), sent=1)
    Attempts.objects.create(subject=subject_of("bartholomew@acme.example"), passwords=2)
    with inside(acme):
        Invitation.objects.create(
            organisation_id=acme.id,
            purpose="member",
            name="B. Quill",
            phone=PHONE,
            channel=Channel.HAND,
            expires_at=clock.now(),
        )
    PlatformDenial.objects.create(
        type="sign_in.failed",
        key=b"",
        minute=clock.now(),
        who={"actor": {"id": str(made.account.id)}},
        data={},
        count=1,
        first_at=clock.now(),
        last_at=clock.now(),
    )
    for of in (acme, globex):
        publish(of)
    return made


def run(phone: str = PHONE, **options: Any) -> str:
    said = io.StringIO()
    call_command("disclosure_report", phone, stdout=said, **options)
    return said.getvalue()


def content(phone: str = PHONE, **options: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run(phone, format="json", **options))
    return found


def counts(report: dict[str, Any], name: str, organisation: Organisation | None = None) -> int:
    """Rows of a table, in one organisation if given."""
    return sum(
        table["count"]
        for part in report["content"]["parts"]
        if organisation is None or part["organisation_id"] == str(organisation.id)
        for table in part["tables"]
        if table["name"] == name
    )


def identifiers(subject: Subject) -> list[bytes]:
    """Ids of the person, in every organisation, and number, address and names."""
    memberships = list(locate(Membership).filter(account=subject.account))
    devices = locate(Device).filter(membership_id__in=[one.id for one in memberships])
    ids = [subject.account.id, *(one.id for one in memberships), *(one.id for one in devices)]
    needles = [needle for one in ids for needle in _spelt(one)]
    for one in memberships:
        needles += [one.name.encode(), one.phone.encode(), one.email.encode()]
    needles += [subject_of("bartholomew@acme.example"), quota_key(PHONE)]
    return needles


def _spelt(id_: UUID) -> Iterable[bytes]:
    return str(id_).encode(), id_.hex.encode(), id_.bytes


def rows_naming(needles: list[bytes]) -> Iterator[tuple[str, int]]:
    """Each table of the database, with how many rows hold one of these in any column."""
    with connection.cursor() as cursor:
        for name in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{name}"')
            count = sum(
                any(needle in b"\0".join(map(as_bytes, row)) for needle in needles)
                for row in cursor.fetchall()
            )
            if count:
                yield name, count


def test_each_row_that_refers_to_the_person_is_in_the_report(subject: Subject) -> None:
    """By id, number, address or name, in whichever organisation."""
    named = dict(rows_naming(identifiers(subject)))
    report = content()

    for tables, names in COVERED.items():
        expected = sum(named.pop(one, 0) for one in tables)
        by_number = [BY_NUMBER[one] for one in tables if one in BY_NUMBER]
        listed = sum(counts(report, one) for one in (*names, *by_number))
        assert listed >= expected > 0, (tables, listed, expected)
    for table, names in OF_ACCOUNTS.items():
        expected = named.pop(table, 0)
        assert sum(counts(report, one) for one in names) == expected > 0, table
    assert counts(report, BY_NUMBER["invitations_phoneproof"]) == named.pop(
        "invitations_phoneproof"
    )
    assert named.keys() == EXPLAINED.keys()


def test_all_organisations_are_in_it_each_by_itself(
    subject: Subject, acme: Organisation, globex: Organisation
) -> None:
    report = content()

    assert counts(report, "memberships", acme) == 2
    assert counts(report, "memberships", globex) == 1
    assert counts(report, "invitations_by_number", acme) == 1
    titles = [part["title"] for part in report["content"]["parts"]]
    assert titles == [
        f"Account {subject.account.id}",
        f"Acme, on account {subject.account.id}",
        f"Globex, on account {subject.account.id}",
        "The number, in no organisation",
        "Acme, by the number alone",
    ]


def test_public_keys_are_listed_and_nothing_secret(subject: Subject) -> None:
    said = run() + run(format="json")

    assert b64encode(bytes(subject.phone.device.identity_key)).decode() in said
    private = subject.phone.keys
    secrets = [one.encode() for one in SECRETS]
    secrets += [private.identity.secret, private.identity.as_priv().priv]
    secrets += [one.private_key for one in private.signed_pre_keys.values()]
    secrets += list(private.one_time_pre_keys.values())
    for secret in secrets:
        assert not [one for one in spellings(secret) if one in said.encode()]


def test_mails_to_the_person_name_nobody_else(subject: Subject) -> None:
    said = run() + run(format="json")

    assert counts(content(), "mails") == 1
    for words in ("Ulrica", "at sea"):
        assert words not in said


def test_what_grows_and_what_examines_is_counted_with_its_span(subject: Subject) -> None:
    tables = [one for part in content()["content"]["parts"] for one in part["tables"]]

    counted = {one["name"] for one in tables if "rows" not in one}
    assert {one["name"] for one in tables if one["name"] in COUNTED or one["review"]} == counted
    (sent,) = [one for one in tables if one["name"] == "messages" and one["count"]]
    assert sent["count"] == 1
    assert sent["earliest"] == sent["latest"]
    assert sent["earliest"]
    said = run()
    assert "Whistle was blown" not in said
    assert "it must not reach them by this report" in said


def test_it_says_what_cannot_be_held_and_how_to_check(db: None) -> None:
    said = " ".join(run().split())

    for words in (
        "What the server cannot hold",
        "Private keys of devices",
        "To check: Read the tables messaging_message and messaging_envelope",
        "What this report does not look at",
        "FIELD_KEYS",
    ):
        assert words in said


def test_the_columns_and_files_that_it_names_for_checking_are_there(db: None) -> None:
    """Whoever checks finds what they are told to look at."""
    with connection.cursor() as cursor:
        tables = set(connection.introspection.table_names(cursor))
    words = " ".join(one.check for one in (*IMPOSSIBLE, *NOT_LOOKED_AT))
    named = set(re.findall(r"\b(?:orgs|keys|messaging|invitations)_\w+", words))
    files = set(re.findall(r"\b(?:docs|tests)/[\w/]+\.\w+", words))
    assert named <= tables
    assert files
    assert [one for one in files if not Path(one).exists()] == []


def test_that_it_was_made_stands_in_the_platforms_log_and_in_no_organisations(
    subject: Subject, acme: Organisation, globex: Organisation
) -> None:
    with acting_as(SYSTEM):
        operator = create_operator(email="ops@semafore.example", password="a-long-password-1")
    before = {of.id: len(cast.events(of)) for of in (acme, globex)}
    report = content(operator="Ops@semafore.example", reference="Warrant 2026/17")

    event = PlatformEvent.objects.get(id=report["event_id"])
    who, what = (json.loads(bytes(part or b"{}")) for part in (event.who, event.what))
    assert what["type"] == "disclosure.reported"
    assert who["actor"]["id"] == str(operator.id)
    assert what["data"]["account_ids"] == [str(subject.account.id)]
    assert what["data"]["organisations"] == 2
    assert what["data"]["reference"] == "Warrant 2026/17"
    assert PHONE not in json.dumps([who, what])
    assert before == {of.id: len(cast.events(of)) for of in (acme, globex)}
    for of in (acme, globex):
        with inside(of):
            assert not [
                one for one in Event.objects.all() if b"disclosure" in bytes(one.what or b"")
            ]


def test_the_record_commits_to_what_was_handed_out(subject: Subject) -> None:
    report = content()
    event = PlatformEvent.objects.get(id=report["event_id"])

    body = json.dumps(report["content"], ensure_ascii=False, indent=2).encode()
    assert sha256(body).hexdigest() == report["content_sha256"]
    digest = b64encode(bytes.fromhex(report["content_sha256"]))
    assert digest in bytes(event.what or b"")


def test_of_a_number_that_nobody_has_nothing_is_held_and_that_is_recorded(
    alice: Membership,
) -> None:
    said = run("+447700900999", reference="Warrant 2026/18")

    assert "Nothing is held on +447700900999" in said
    assert "What the server cannot hold" in said
    event = PlatformEvent.objects.latest("id")
    what = json.loads(bytes(event.what or b"{}"))
    assert (what["type"], what["data"]["account_ids"]) == ("disclosure.reported", [])


def test_a_number_that_changed_hands_leads_to_both(acme: Organisation) -> None:
    before, after = cast.member(acme, "Nia"), cast.member(acme, "Gil")
    with inside(acme):
        Membership.objects.filter(id=after.id).update(phone=before.phone)

    assert "leads to 2 accounts" in run(before.phone)


@pytest.mark.parametrize(
    ("phone", "options", "said"),
    [
        ("12345", {}, "Not a phone number"),
        (PHONE, {"operator": "nobody@semafore.example"}, "no operator"),
        (PHONE, {"reference": "x" * 201}, "at most 200"),
        (PHONE, {"reference": "one\ntwo"}, "one line"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_done(
    db: None, phone: str, options: dict[str, str], said: str
) -> None:
    with pytest.raises(CommandError, match=said):
        run(phone, **options)
    assert not PlatformEvent.objects.exists()
