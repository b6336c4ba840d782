"""Nothing of one organisation comes out in another: by no route, parameter, cursor or file.

The routes are those that the server has, so that a new one is asked as well.
"""

import re
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4
from zipfile import ZipFile

import pytest
from django.db import transaction
from django.test import Client

from audit.models import Export, ExportFormat, ExportPart
from audit.selectors.events import EventFilter
from messaging.models import Message
from orgs.models import Membership, Organisation, Role
from semafore.kernel import clock
from semafore.kernel.paging import seal_cursor
from tests import cast
from tests.audit.exports.acts import again, asked, content, work
from tests.audit.programs import issue
from tests.audit.published import publish
from tests.cast import inside
from tests.console_rows import PREFIX, ids_of
from tests.messaging import post, talk
from tests.security.evidence import (
    filled_in,
    methods_of,
    routes,
    statements,
    texts_of,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("early_in_an_hour")]

NAMES = {
    **dict.fromkeys(
        ("actor", "about", "target", "person", "sender", "who", "whom"), "membership_id"
    ),
    **dict.fromkeys(("room", "where"), "room_id"),
    **dict.fromkeys(("party",), "party_id"),
    **dict.fromkeys(("device",), "approved_id"),
    **dict.fromkeys(("message", "message_id"), "message_id"),
    **dict.fromkeys(("investigation", "event"), "event_id"),
}
"""Parameters that take an id, and of what."""

MINUTE = {"at": "2026-01-01T00:00"}


@pytest.fixture
def acmes(acme: Organisation, alice: Membership, bob: Membership) -> dict[str, Any]:
    """Something of Acme for each argument."""
    found = ids_of(acme, alice)
    phone, other = cast.phone(alice), cast.phone(bob)
    room = talk.group(acme, alice, bob)
    message_id = uuid4()
    post.say(phone, room, [other], b"x" * 60, message_id=message_id)
    publish(acme)
    with inside(acme):
        assert Message.objects.filter(message_id=message_id).exists()
    return found | {"message_id": message_id}


@pytest.fixture
def grace(globex: Organisation) -> Membership:
    """Owner of Globex, who may do whatever can be done there."""
    cast.member(globex, "Gil", Role.AUDITOR)
    found = cast.member(globex, "Grace", Role.OWNER)
    publish(globex)
    return found


class Outsider:
    """A browser or a program of Globex."""

    def __init__(self, of: Organisation, person: Membership) -> None:
        self.of = of
        self.browser = cast.signed_in(person)
        self.browser.get(f"/console/{of.slug}/")
        token = issue(of).token
        self.program = Client(
            headers={"authorization": f"Bearer {token}"}, raise_request_exception=False
        )

    def ask(
        self, method: str, route: str, ids: dict[str, Any], data: dict[str, Any], **headers: str
    ) -> tuple[int, str, list[str]]:
        """Status, text and statements of one request, whose changes are taken back."""
        client = self.browser if route.startswith(PREFIX) else self.program
        path = filled_in(route, self.of.slug, ids)
        if method == "GET" and data:
            path += f"?{urlencode(data)}"
        with transaction.atomic(), statements() as sent:
            if method == "GET":
                answer: Any = client.get(path, headers=headers)
            elif route.startswith(PREFIX):
                answer = client.post(path, data, headers=headers)
            else:
                answer = client.post(path, data, "application/json", headers=headers)
            text = texts_of(answer, [*ids.values(), *data.values()])
            transaction.set_rollback(True)
        return answer.status_code, text, sent


@pytest.fixture
def outsider(globex: Organisation, grace: Membership) -> Outsider:
    return Outsider(globex, grace)


def nobodys(ids: dict[str, Any]) -> dict[str, Any]:
    return {name: uuid4() for name in ids}


@pytest.mark.parametrize("headers", [{}, {"Range": "bytes=0-9"}, {"If-Range": "digest"}])
def test_an_id_in_an_address_is_nobodys(
    acme: Organisation, acmes: dict[str, Any], outsider: Outsider, headers: dict[str, str]
) -> None:
    """The same answer by the same statements."""
    with inside(acme):
        digest = Export.objects.get(id=acmes["export_id"]).digest
    headers = {name: value.replace("digest", f'"{digest}"') for name, value in headers.items()}
    if headers:
        headers.setdefault("Range", "bytes=0-0")
    found = 0
    for route, pattern in routes():
        if "<uuid:" not in route:
            continue
        for method in methods_of(pattern):
            theirs = outsider.ask(method, route, acmes, {}, **headers)
            nowhere = outsider.ask(method, route, nobodys(acmes), {}, **headers)
            assert theirs == nowhere, (method, route)
            assert theirs[0] == 404, (method, route)
            found += 1
    assert found > 40


@pytest.mark.parametrize("name", sorted(NAMES))
def test_an_id_in_a_parameter_is_nobodys(
    acmes: dict[str, Any], outsider: Outsider, name: str
) -> None:
    beside = {"reason": "Letter", **(MINUTE if name in {"sender", "room"} else {})}
    for route, pattern in routes():
        if "<" in route.replace("<slug:slug>", "") or "GET" not in methods_of(pattern):
            continue
        theirs = outsider.ask("GET", route, {}, {name: acmes[NAMES[name]], **beside})
        nowhere = outsider.ask("GET", route, {}, {name: uuid4(), **beside})
        assert theirs == nowhere, route


FORMS: tuple[tuple[str, dict[str, Any]], ...] = (
    *(
        (f"{PREFIX}exports/new", {"format": format_, name: NAMES[name]})
        for format_ in ("csv", "evidence_bundle")
        for name in ("actor", "target", "room", "message", "about")
    ),
    *(
        (f"{PREFIX}reports/{kind}", {"time_zone": "UTC", "work_from": 8, "work_until": 18} | about)
        for kind in ("communication-graph", "timing", "membership")
        for name in ("person", "room", "party")
        for about in ({name: NAMES[name]}, {f"{name}_search": NAMES[name]})
    ),
    (f"{PREFIX}proofs/new", {"message_id": "message_id"}),
    ("api/audit/existence-proofs", {"message_id": "message_id"}),
    *(
        ("api/audit/exports", {"format": "csv", "filter": {name: NAMES[name]}})
        for name in ("actor", "target", "room", "message", "about")
    ),
)


@pytest.mark.parametrize(("route", "form"), FORMS)
def test_an_id_in_a_form_is_nobodys(
    acmes: dict[str, Any], outsider: Outsider, route: str, form: dict[str, Any]
) -> None:
    def asked_for(ids: dict[str, Any]) -> tuple[int, str, list[str]]:
        def put(value: Any) -> Any:
            if isinstance(value, dict):
                return {name: put(one) for name, one in value.items()}
            return str(ids[value]) if value in ids else value

        given = put(form) | {"reason": "Letter"}
        if "/reports/" in route:
            # Within the year for which metadata is kept: a longer period is refused unread.
            today = clock.now().date()
            given |= {"from_day": str(today - timedelta(days=30)), "to_day": str(today)}
        return outsider.ask("POST", route, {}, given)

    theirs, nowhere = asked_for(acmes), asked_for(nobodys(acmes))
    assert without_new_ids(theirs[1]) == without_new_ids(nowhere[1])
    assert (theirs[0], theirs[2]) == (nowhere[0], nowhere[2])


def without_new_ids(text: str) -> str:
    """An answer without the id of what was made, and how long its moments are as texts."""
    return re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|Content-Length: \d+", "", text)


# Cursors

ORDERS: dict[tuple[str, ...], list[Any]] = {
    ("-seq",): [3],
    ("seq",): [3],
    ("name", "id"): ["M", UUID(int=1 << 127)],
    ("-requested_at", "-id"): [clock.now(), UUID(int=1 << 127)],
    ("-placed_at", "-id"): [clock.now(), UUID(int=1 << 127)],
    ("-at", "-rank", "-id"): [clock.now(), 1, UUID(int=1 << 127)],
    ("membership__name", "id"): ["M", 1],
}


def test_a_cursor_of_acme_serves_in_acme_alone(
    acme: Organisation, globex: Organisation, grace: Membership, outsider: Outsider
) -> None:
    ids = ids_of(globex, grace)
    paged = []
    with inside(acme):
        foreign = {order: seal_cursor(order, values) for order, values in ORDERS.items()}
    with inside(globex):
        own = {order: seal_cursor(order, values) for order, values in ORDERS.items()}
    month = {"from": "2026-01-01T00:00:00Z", "reason": "Letter", "at": clock.rfc3339(clock.now())}
    for route, pattern in routes():
        if "GET" not in methods_of(pattern):
            continue
        beside: dict[str, Any] = MINUTE if route.endswith("proofs/messages") else {}
        beside = beside | (month if route.endswith("reports/membership") else {})

        def status(cursor: str, *, route: str = route, beside: Any = beside) -> int:
            here = {**ids, "report_id": ids["membership_report_id"], "event_id": ids["event_id"]}
            return outsider.ask("GET", route, here, {**beside, "cursor": cursor})[0]

        if status("nonsense") != 400:
            continue
        paged.append(route)
        assert {status(one) for one in foreign.values()} == {400}, route
        assert [status(one) for one in own.values()].count(200) == 1, route
    assert len(paged) >= 8, paged


# Files


@pytest.mark.parametrize("format_", [ExportFormat.CSV, ExportFormat.JSON_LINES, "evidence_bundle"])
@pytest.mark.parametrize("about", ["nothing", "membership_id", "room_id"])
def test_an_export_of_globex_holds_nothing_of_acme(
    alice: Membership, acmes: dict[str, Any], grace: Membership, format_: ExportFormat, about: str
) -> None:
    acme = alice.organisation
    chosen = EventFilter() if about == "nothing" else EventFilter(about=acmes[about])
    made = asked(grace, ExportFormat(format_), chosen)
    work(grace.organisation)
    assert again(made).status == "done"
    written = unpacked(content(made))
    needles = [acme.slug, str(acme.id), alice.name, alice.email]
    needles += [str(one) for name, one in acmes.items() if name != about]
    assert [one for one in needles if one.encode() in written] == []
    assert about != "nothing" or grace.name.encode() in written


def unpacked(file: bytes) -> bytes:
    if not file.startswith(b"PK"):
        return file
    with ZipFile(BytesIO(file)) as archive:
        return b"".join(archive.read(name) for name in archive.namelist())


def test_no_name_of_a_file_leads_to_it(
    acme: Organisation, alice: Membership, acmes: dict[str, Any], outsider: Outsider, folder: Path
) -> None:
    """Neither the object's nor the one that a browser saves, from inside or outside."""
    with inside(acme):
        names = list(ExportPart.objects.values_list("name", flat=True))
    assert {one.name for one in folder.iterdir()} == set(names) != set()
    names += [f"csv-{acmes['export_id']}.csv", f"graph-{acmes['graph_report_id']}.graphml"]
    for browser in (outsider.browser, outsider.program, Client(), cast.signed_in(alice)):
        for name in names:
            for place in (f"/{name}", f"/exports/{name}", f"/static/{name}", f"/media/{name}"):
                assert browser.get(place).status_code == 404, place
            for of in (acme, outsider.of):
                page = f"/console/{of.slug}/exports/{name}"
                assert browser.get(page).status_code == 404, page


def test_the_walk_finds_what_is_there(acmes: dict[str, Any], acme: Organisation) -> None:
    """An owner of Acme gets what the outsider doesn't."""
    insider = Outsider(acme, cast.member(acme, "Olga", Role.OWNER))
    differ = 0
    for route, pattern in routes():
        if "<uuid:" in route and "GET" in methods_of(pattern):
            differ += insider.ask("GET", route, acmes, {})[0] != 404
    assert differ > 20
    page = f"{PREFIX}audit"
    told = insider.ask("GET", page, {}, {"about": acmes["membership_id"]})
    assert told != insider.ask("GET", page, {}, {"about": uuid4()})
