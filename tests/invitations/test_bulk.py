"""Inviting from a CSV file: the report first, then all the good rows, once."""

import re
from time import time
from types import SimpleNamespace
from typing import Any

import pytest
from django.core import signing
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from invitations.bulk import COLUMNS, PREVIEW_VALID, Row, preview, read_csv
from invitations.errors import CsvUnreadable
from invitations.models import Delivery, Invitation
from orgs.models import Membership, Organisation, Role
from semafore.kernel.tenancy import organisation_scope
from tests import cast
from tests.cast import signed_in
from tests.invitations.acts import issue, within

HEADER = "name,phone,email,role,unit\n"


def line(number: int, **cells: str) -> str:
    row = {"name": f"Person {number}", "phone": f"+4479222{number:05}"} | cells
    return ",".join(row.get(column, "") for column in COLUMNS) + "\n"


def report(alice: Membership, text: str | bytes, *, every_role: bool = True) -> list[Row]:
    found: list[Row] = within(
        alice,
        preview,
        data=text if isinstance(text, bytes) else text.encode(),
        channel="sms",
        valid_days=7,
        every_role=every_role,
    )
    return found


def issued(of: Organisation) -> list[Invitation]:
    with organisation_scope(of.id):
        return list(Invitation.objects.select_related("party", "sponsor").order_by("name"))


def upload(browser: Client, of: Organisation, data: str | bytes, **typed: Any) -> Any:
    content = data if isinstance(data, bytes) else data.encode()
    return browser.post(
        f"/console/{of.slug}/invitations/bulk",
        {
            "file": SimpleUploadedFile("people.csv", content),
            "channel": "sms",
            "valid_days": "7",
            **typed,
        },
    )


def confirm(browser: Client, of: Organisation, signed: str) -> Any:
    return browser.post(f"/console/{of.slug}/invitations/bulk/confirm", {"preview": signed})


def preview_of(answer: Any) -> str:
    found = re.search(r'name="preview"\s+value="([^"]+)"', answer.content.decode())
    assert found is not None
    return found.group(1)


# The file


@pytest.mark.parametrize(
    "data",
    [
        b"name,phone\nDan,+447922300123\n",
        b"\xef\xbb\xbfname,phone\r\nDan,+447922300123\r\n",
        b"Name;Phone\nDan;+447922300123\n",
        b"name\tphone\nDan\t+447922300123",
        b"phone, name \n+447922300123, Dan \n\n,,\n",
        b'"name","phone"\n"Dan","+447922300123"\n',
        b"name,phone\nDan,'+447922300123\n",
    ],
)
def test_files_as_spreadsheets_write_them(data: bytes) -> None:
    rows = [cells for _, cells in read_csv(data)]
    assert rows == [{"name": "Dan", "phone": "+447922300123"}]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "name the column name"),
        (b"name,phone\n", "no row"),
        (b"name\nDan\n", "name the column phone"),
        (b"name,phone,company\nDan,1,Initech\n", "no column “company”"),
        (b"name,phone,shoe size\nDan,1,2\n", "no column “shoe_size”"),
        (b"name,phone,name\nDan,1,2\n", "twice"),
        (b"name,phone\nDan,1,2\n", "Line 2 has more cells"),
        (b'name,phone\n"Dan,1\n', "not valid CSV"),
        (b'name,phone\n"Dan"x,1\n', "Line 2 is not valid CSV"),
        (b"name,phone\nJos\xe9,1\n", "UTF-8"),
        ("name,phone\nDan,1\n".encode("utf-16"), "UTF-8"),
        (b"name,phone\n" + b"x" * 1024 * 1024, "1 MiB"),
        (b"name,phone\n" + b"Dan,1\n" * 1001, "1000 rows"),
        (b"name,phone\nDan," + b"1" * 200_000 + b"\n", "not valid CSV"),
        (b"PK\x03\x04\x00\x00", "no column"),
    ],
)
def test_files_that_cannot_be_read_say_why(data: bytes, says: str) -> None:
    with pytest.raises(CsvUnreadable, match=re.escape(says)):
        read_csv(data)


def test_a_thousand_rows_are_read() -> None:
    assert len(read_csv(b"name,phone\n" + b"Dan,1\n" * 1000)) == 1000


# The report


def test_each_row_says_what_is_wrong_with_it(
    acme: Organisation, alice: Membership, bob: Membership, globex: Organisation
) -> None:
    issue(acme, phone="+447922300777")
    issue(globex, phone="+447922200002")
    text = HEADER + "".join(
        [
            line(1),
            line(2, role="Auditor", unit="Finance"),
            line(3, phone="07922 300003"),
            line(4, phone="+44 7922 200001"),
            line(5, phone=bob.phone),
            line(6, phone="+447922300777"),
            line(7, role="king"),
            line(8, name=""),
            line(9, email="not an address"),
            line(10, name="x" * 201),
        ]
    )
    rows = report(alice, text)

    said = {row.number - 1: " ".join(row.problems) for row in rows}
    assert [number for number, problems in said.items() if not problems] == [1, 2]
    expected = {
        3: "country code",
        4: "same phone number as in line 2",
        5: "member already",
        6: "open invitation",
        7: "Role: Select a valid choice",
        8: "Name: This field is required",
        9: "Email address",
        10: "200 characters",
    }
    assert {number for number, words in expected.items() if words in said[number]} == set(expected)


def test_who_may_not_give_a_role_reads_so(alice: Membership) -> None:
    (row,) = report(alice, HEADER + line(1, role="admin"), every_role=False)
    assert "Role:" in row.problems[0]


def test_cells_that_look_like_formulas_are_text(acme: Organisation, alice: Membership) -> None:
    browser = signed_in(alice)
    formula = "=HYPERLINK(1) <b>"
    answer = upload(browser, acme, HEADER + line(1, name=formula))
    assert "=HYPERLINK(1) &lt;b&gt;" in answer.content.decode()
    confirm(browser, acme, preview_of(answer))
    assert [one.name for one in issued(acme)] == [formula]


# The pages


def test_nothing_happens_before_the_confirmation_and_then_once(
    acme: Organisation, alice: Membership
) -> None:
    browser = signed_in(alice)
    answer = upload(browser, acme, HEADER + line(1) + line(2) + line(3, phone="1"))
    page = answer.content.decode()

    assert answer.status_code == 200
    assert "Invite 2 people by SMS" in page
    assert issued(acme) == []
    signed = preview_of(answer)
    for _ in range(2):
        assert confirm(browser, acme, signed)["Location"].endswith("/invitations")
        assert [one.name for one in issued(acme)] == ["Person 1", "Person 2"]
    assert {one.delivery for one in issued(acme)} == {Delivery.QUEUED}
    assert {one.issued_by_id for one in issued(acme)} == {alice.id}
    assert len(cast.events(acme, "invitation.issued")) == 2


def test_somebody_who_came_meanwhile_stops_all(acme: Organisation, alice: Membership) -> None:
    browser = signed_in(alice)
    signed = preview_of(upload(browser, acme, HEADER + line(1) + line(2)))
    issue(acme, name="Zoe", phone="+447922200002")
    answer = browser.post(
        f"/console/{acme.slug}/invitations/bulk/confirm", {"preview": signed}, follow=True
    )

    assert "Nobody was invited. Person 2 has an open invitation" in answer.content.decode()
    assert [one.name for one in issued(acme)] == ["Zoe"]


def test_a_preview_is_its_makers_own_and_lasts_an_hour(
    monkeypatch: pytest.MonkeyPatch,
    acme: Organisation,
    globex: Organisation,
    alice: Membership,
    charlie: Membership,
) -> None:
    signed = preview_of(upload(signed_in(alice), acme, HEADER + line(1)))
    ann = cast.member(acme, "Ann", Role.ADMIN)
    for person, of, text in (
        (ann, acme, signed),
        (charlie, globex, signed),
        (alice, acme, signed[:-1]),
        (alice, acme, ""),
    ):
        confirm(signed_in(person), of, text)
    later = time() + PREVIEW_VALID.total_seconds()
    for moment, people in ((later + 60, 0), (later - 60, 1)):
        # The hands of Django's signer.
        monkeypatch.setattr(signing, "time", SimpleNamespace(time=lambda moment=moment: moment))
        confirm(signed_in(alice), acme, signed)
        assert len(issued(acme)) == people
    assert issued(globex) == []


def test_the_role_is_checked_again_at_the_confirmation(
    acme: Organisation, alice: Membership
) -> None:
    ann = cast.member(acme, "Ann", Role.OWNER)
    browser = signed_in(ann)
    signed = preview_of(upload(browser, acme, HEADER + line(1, role="owner")))
    with organisation_scope(acme.id):
        Membership.objects.filter(id=ann.id).update(role=Role.ADMIN)
    assert confirm(browser, acme, signed).status_code == 403
    assert issued(acme) == []


def test_a_file_that_cannot_be_read_is_asked_for_again(
    acme: Organisation, alice: Membership
) -> None:
    browser = signed_in(alice)
    for data in (b"nothing", b"name,phone\n" + b"x" * 1024 * 1024, b""):
        answer = upload(browser, acme, data)
        assert answer.status_code == 422
        assert "There is a problem" in answer.content.decode()


def test_the_empty_file_is_readable(acme: Organisation, alice: Membership) -> None:
    answer = signed_in(alice).get(f"/console/{acme.slug}/invitations/bulk/template.csv")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    filled = answer.content + line(1).encode()
    assert [cells["name"] for _, cells in read_csv(filled)] == ["Person 1"]
