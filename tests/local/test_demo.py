"""The demo loads through the services, and what `demo.json` says works, after each start."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.test import Client
from pytest_django import DjangoDbBlocker, Settings

from invitations.models import Delivery, Invitation, PhoneChange, State
from invitations.services.changes import revoke
from keys.models import Device, DeviceStatus, KeyBundle
from messaging.models import (
    Broadcast,
    Envelope,
    Message,
    Room,
    RoomKind,
    RoomStatus,
    ScreenshotReport,
)
from messaging.models import Delivery as MessageDelivery
from messaging.selectors.traffic import messages_a_day
from orgs.models import Membership, MembershipKind, MembershipStatus, Organisation, ServiceToken
from semafore.kernel import clock
from semafore.kernel.actor import SYSTEM, acting_as
from semafore.kernel.tenancy import organisation_scope
from semafore.local.client import device as client
from semafore.local.client.api import DeviceClient
from semafore.local.client.keyfile import KeyFile
from semafore.local.demo.characters import Habit
from semafore.local.demo.loading import load_demo
from semafore.local.demo.story import NORTHGATE, STORY
from semafore.local.management.commands.load_demo import Command
from semafore.local.sign_ins import current_code, sign_in_lines
from semafore.wsgi import application
from tests import cast


@pytest.fixture(scope="module")
def folder(
    django_db_setup: None,
    django_db_blocker: DjangoDbBlocker,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Path]:
    """Where the demo was loaded to, once for all of these tests."""
    folder = tmp_path_factory.mktemp("demo")
    with django_db_blocker.unblock(), transaction.atomic():
        load_demo(folder)
        yield folder
        transaction.set_rollback(True)


@pytest.fixture(autouse=True)
def undone(folder: Path) -> Iterator[None]:
    """What a test does to the demo ends with it."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.fixture
def northgate() -> Iterator[None]:
    """The first organisation's scope."""
    with acting_as(SYSTEM), organisation_scope(Organisation.objects.get(slug="northgate").id):
        yield


def listing(folder: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((folder / "demo.json").read_text(encoding="utf-8"))
    return read


def sign_in(user: dict[str, str], page: str) -> Client:
    browser = Client()
    browser.post(f"/console/sign-in?next={page}", {k: user[k] for k in ("email", "password")})
    answer = browser.post("/console/sign-in/code", {"code": current_code(user["totp_secret"])})
    assert (answer.status_code, answer["Location"]) == (302, page), user["email"]
    return browser


def test_the_listing_is_for_its_owner_alone(folder: Path) -> None:
    assert (folder / "demo.json").stat().st_mode & 0o077 == 0


def test_a_second_start_finds_everything_as_it_was(folder: Path) -> None:
    before = listing(folder)
    load_demo(folder)

    assert listing(folder) == before


def test_a_second_start_tells_the_new_address(folder: Path, settings: Settings) -> None:
    settings.BASE_URL = "http://127.0.0.1:8999"
    load_demo(folder)

    assert listing(folder)["base_url"] == "http://127.0.0.1:8999"


def test_everybody_listed_gets_into_their_console(folder: Path) -> None:
    users = listing(folder)["console_users"]

    assert {user["role"] for user in users} == {"owner", "admin", "helpdesk", "auditor"}
    for user in users:
        page = f"/console/{user['organisation']}/"
        assert sign_in(user, page).get(page).status_code == 200


def test_the_operator_founds_organisations(folder: Path) -> None:
    operator = sign_in(listing(folder)["operator"], "/operator/")
    organisations = "/operator/orgs/organisation/"

    assert "Calder Rail Operations" in operator.get(organisations).content.decode()
    answer = operator.post(
        f"{organisations}add/",
        {
            "name": "Tyne Ports",
            "slug": "tyne",
            "sla_notice_hours": "72",
            "first_owner_name": "Vera Lund",
            "first_owner_email": "vera@tyne.example",
            "second_owner_name": "Will Kerr",
            "second_owner_email": "will@tyne.example",
        },
    )
    assert (answer.status_code, answer["Location"]) == (302, organisations)
    with organisation_scope(Organisation.objects.get(slug="tyne").id):
        founders = Invitation.objects.filter(purpose="founding", delivery=Delivery.QUEUED)
        assert founders.count() == 2


def test_the_terminal_is_told_all_sign_ins(folder: Path) -> None:
    demo = listing(folder)
    users = [*demo["console_users"], demo["operator"]]
    before = [current_code(user["totp_secret"]) for user in users]
    lines = sign_in_lines(folder / "demo.json")

    # The half minute of a code may have ended meanwhile.
    after = [current_code(user["totp_secret"]) for user in users]
    for user, *codes in zip(users, before, after, strict=True):
        (line,) = [line for line in lines if line.startswith(user["email"])]
        assert any(f"code {code}" in line for code in codes)
    assert f"everybody's password: {demo['operator']['password']}" in lines


def test_an_unused_invitation_opens(folder: Path, client: Client) -> None:
    for invitation in listing(folder)["invitations"]:
        answer = client.post(
            "/api/mobile/onboarding",
            {"invitation_token": invitation["token"]},
            content_type="application/json",
        )
        assert answer.status_code == 201
        assert answer.json()["organisation"]["name"] in {story.name for story in STORY}


def test_used_invitations_are_made_up_for(folder: Path, northgate: None) -> None:
    before = [one["token"] for one in listing(folder)["invitations"]]
    revoke(
        invitation_id=Invitation.objects.filter(channel="hand").earliest("issued_at").id,
        reason="For this test.",
    )
    load_demo(folder)

    after = [one["token"] for one in listing(folder)["invitations"]]
    assert len(after) == len(before)
    assert len(set(after) & set(before)) == len(before) - 1


def test_the_devices_work(folder: Path) -> None:
    lively = {
        device.name
        for story in STORY
        for person in story.people
        for device in person.devices
        if device.habit == Habit.LIVELY
    }
    entries = {entry["name"]: entry for entry in listing(folder)["devices"]}

    assert lively <= entries.keys()
    for name in lively:
        file = KeyFile(folder / entries[name]["state_file"])
        api = DeviceClient(
            base_url=listing(folder)["base_url"],
            device_id=UUID(entries[name]["device_id"]),
            organisation_id=UUID(entries[name]["organisation_id"]),
            keys=file.load(),
            transport=httpx.WSGITransport(app=application),
        )
        status = api.status()
        assert not status["signed_pre_key"]["expired"]
        assert client.Device(file, api).agrees(status), name


def test_a_device_that_enrolled_since_stays_listed(folder: Path, northgate: None) -> None:
    mine = cast.phone(Membership.objects.get(name="Chloe Marsh"), name="whatever it is called")
    file = KeyFile(folder / "devices" / "mine.json")
    file.save(mine.keys)
    try:
        load_demo(folder)
    finally:
        file.wipe()

    (entry,) = [one for one in listing(folder)["devices"] if one["name"] == "mine"]
    assert (entry["member"], entry["device_id"]) == ("Chloe Marsh", str(mine.id))


def test_the_console_has_something_of_everything(northgate: None) -> None:
    members = Membership.objects.all()
    assert set(members.values_list("status", flat=True)) == set(MembershipStatus)
    assert len(set(members.values_list("unit", flat=True))) > 4
    guest = members.get(kind=MembershipKind.GUEST)
    assert guest.sponsor is not None
    assert guest.party is not None
    assert guest.ends_at is not None

    told = {story.name: story for story in NORTHGATE.invitations}
    for invitation in Invitation.objects.filter(name__in=told):
        story = told[invitation.name]
        assert invitation.state == story.becomes, story.name
        assert invitation.delivery == (Delivery.SENT if story.arrives else Delivery.FAILED)
    states = set(Invitation.objects.values_list("state", flat=True))
    assert states == set(State) - {State.PHONE_VERIFIED}

    assert set(Device.objects.values_list("status", flat=True)) == set(DeviceStatus)
    assert KeyBundle.objects.get(device__name="jonas").available == 2
    assert not PhoneChange.objects.get(proved_at__isnull=False).decided_at
    assert ServiceToken.objects.get().status == "active"


def test_people_have_talked_and_everything_was_read(folder: Path, northgate: None) -> None:
    histories = {
        device.name: KeyFile(folder / "devices" / f"{device.name}.json").load().history
        for person in NORTHGATE.people
        for device in person.devices
    }

    assert all(entry.text for history in histories.values() for entry in history)
    # The guest's device hears of its one room; the linked one of nothing before it came in.
    (room,) = {str(entry.room_id) for entry in histories["kate"]}
    assert Room.objects.get(id=room).name == "New CT scanner"
    assert 0 < len(histories["dev-new"]) < len(histories["dev"])
    assert histories["jonas"] == []


def test_there_are_rooms_of_every_kind(northgate: None) -> None:
    rooms = Room.objects.all()
    assert set(rooms.values_list("kind", flat=True)) == set(RoomKind)
    assert set(rooms.filter(kind=RoomKind.EXTERNAL).values_list("status", flat=True)) == {
        RoomStatus.ACTIVE,
        RoomStatus.CLOSED,
        RoomStatus.REQUESTED,
    }
    assert rooms.filter(parent__isnull=False).exists()
    assert MessageDelivery.objects.exists()
    assert Envelope.objects.exists()


def test_everybody_was_told_something_and_screenshots_were_reported(
    folder: Path, northgate: None
) -> None:
    assert set(Broadcast.objects.values_list("not_reached", flat=True)) == {0}
    chloe = KeyFile(folder / "devices" / "chloe.json").load()
    assert [entry.text for entry in chloe.history if entry.room_id is None] == [
        story.text for story in NORTHGATE.broadcasts
    ]
    rooms = ScreenshotReport.objects.order_by("taken_at").values_list("room__name", flat=True)
    assert list(rooms) == [story.room for story in NORTHGATE.screenshots]


def test_messages_lie_on_the_days_of_the_history(northgate: None) -> None:
    *before, _ = messages_a_day(14)

    assert sum(day.messages > 0 for day in before) > 10


def test_nothing_of_the_history_lies_ahead(northgate: None) -> None:
    for model, moment in (
        (Membership, "created_at"),
        (Device, "enrolled_at"),
        (Invitation, "issued_at"),
        (PhoneChange, "proved_at"),
        (Room, "created_at"),
        (Message, "accepted_at"),
        (MessageDelivery, "at"),
    ):
        assert model.objects.latest(moment).__dict__[moment] <= clock.now()


def test_it_is_for_debug_alone() -> None:
    with pytest.raises(CommandError, match="DEBUG"):
        call_command(Command())
