"""Loading the demo: everything through the services, at moments in the past."""

import json
import os
import random
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction

from keys.models import Comparison, Device, KeyBundle
from keys.selectors.credentials import credential_of
from keys.services import bundles, claiming, sweeps
from keys.services.enrolment import approve_device, enrol_device
from orgs.models import Account, Membership, MembershipStatus, Organisation
from orgs.services.accounts import create_account
from orgs.services.memberships import admit_member
from orgs.services.organisations import create_organisation
from semafore.kernel import clock
from semafore.kernel.actor import SYSTEM, Actor, ActorKind, acting_as
from semafore.kernel.problems import Problem
from semafore.kernel.tenancy import organisation_scope
from semafore.local.client.keyfile import KeyFile
from semafore.local.client.keys import DeviceKeys
from semafore.local.client.uploads import enrolment_of, one_time_uploads, signed_upload
from semafore.local.demo.console import (
    PASSWORD,
    console_users,
    founder_of,
    give_factor,
    invitations,
    keep_invitations,
    member_actor,
)
from semafore.local.demo.story import STORY, DeviceStory, Habit, OrganisationStory, PersonStory

HISTORY = timedelta(days=21)
ROTATION_DAYS = 6
FIRST_STOCK = 24
LAST_STOCK = 8
"""So little is left at the end of the history that a refill is seen within minutes."""


@dataclass(slots=True)
class LoadedDevice:
    """A device of the demo with its private keys."""

    story: DeviceStory
    device: Device
    keys: DeviceKeys

    @property
    def state_file(self) -> str:
        """Where the keys lie, relative to the local folder."""
        return f"devices/{self.story.name}.json"


def load_demo(folder: Path) -> None:
    """Create the demo once, and write `demo.json` at each start: the address may have moved."""
    for story in STORY:
        if not Organisation.objects.filter(slug=story.slug).exists():
            _load_organisation(story, folder)
    _write_listing(folder)


@transaction.atomic
def _load_organisation(story: OrganisationStory, folder: Path) -> None:
    """All of an organisation or nothing: a start that was interrupted begins anew."""
    chance = random.Random(story.slug)  # noqa: S311 - a story, the same every time
    with clock.moved_by(-HISTORY), acting_as(SYSTEM):
        organisation = create_organisation(name=story.name, slug=story.slug)
    with organisation_scope(organisation.id):
        loaded: list[LoadedDevice] = []
        founder: Membership | None = None
        for number, person in enumerate(story.people):
            with clock.moved_by(timedelta(hours=7 * number) - HISTORY):
                membership, devices = _load_person(person, founder)
            founder = founder or membership
            loaded += devices
        lively = [one for one in loaded if one.story.habit == Habit.LIVELY]
        for day in range(HISTORY.days - 3, 0, -1):
            with clock.moved_by(-timedelta(days=day)):
                _live_a_day(lively, day, chance)
    for one in loaded:
        KeyFile(folder / one.state_file).save(one.keys)


def _load_person(
    person: PersonStory, founder: Membership | None
) -> tuple[Membership, list[LoadedDevice]]:
    """A person and their devices, admitted and approved by the founder."""
    administrator = member_actor(founder) if founder else SYSTEM
    habits = {device.habit for device in person.devices}
    waiting = habits == {Habit.PENDING}
    with acting_as(administrator):
        membership = admit_member(
            account=_account(person),
            name=person.name,
            phone=person.phone,
            email=person.email,
            role=person.role,
            unit=person.unit,
            status=MembershipStatus.PENDING if waiting else MembershipStatus.ACTIVE,
        )
        devices = []
        for story in person.devices:
            keys, onboarding_id = DeviceKeys.generate(), uuid4()
            enrolment = enrolment_of(
                keys,
                onboarding_id,
                name=story.name,
                platform=story.platform,
                one_time_pre_keys=FIRST_STOCK,
            )
            device = enrol_device(
                membership_id=membership.id, onboarding_id=onboarding_id, enrolment=enrolment
            )
            if story.habit != Habit.PENDING:
                device = approve_device(device_id=device.id, compared=Comparison.IN_PERSON)
            devices.append(LoadedDevice(story, device, keys))
    return membership, devices


def _account(person: PersonStory) -> Account:
    account = create_account(
        phone=person.phone or None,
        email=person.email or None,
        password=PASSWORD if person.email else None,
    )
    if person.email:
        give_factor(account)
    return account


def _live_a_day(devices: list[LoadedDevice], day: int, chance: random.Random) -> None:
    """Claims, a rotation every few days, a refill when stock is low, the sweep."""
    for number, one in enumerate(devices):
        with acting_as(_device_actor(one)):
            if (day + number) % ROTATION_DAYS == 0:
                new = one.keys.rotate_signed_pre_key()
                bundles.rotate(device_id=one.device.id, signed_pre_key=signed_upload(new))
            peers = [peer for peer in devices if peer is not one]
            for peer in chance.sample(peers, k=min(len(peers), chance.randint(0, 2))):
                _claim(one, peer.device.id)
            held = KeyBundle.objects.get(device_id=one.device.id).available
            if held < LAST_STOCK and day > 1:
                batch = one.keys.make_one_time_pre_keys(LAST_STOCK * 2 - held)
                bundles.publish(
                    device_id=one.device.id,
                    identity_key=one.keys.identity_key,
                    signed_pre_key=None,
                    one_time_pre_keys=one_time_uploads(batch),
                )
    with acting_as(SYSTEM):
        sweeps.delete_lapsed_signed_pre_keys()


def _claim(one: LoadedDevice, target: UUID) -> None:
    try:
        claiming.claim(credential=credential_of(one.device), device_id=target)
    except Problem as problem:
        message = f"the demo's history doesn't hold together: {problem.code}"
        raise RuntimeError(message) from problem


def _device_actor(one: LoadedDevice) -> Actor:
    return credential_of(one.device).actor(
        Actor(kind=ActorKind.DEVICE, address="192.0.2.17", user_agent="SemaFore/1.0.0 (demo)")
    )


def _write_listing(folder: Path) -> None:
    """`demo.json`, replaced at once so that nobody reads half of it."""
    organisations: list[dict[str, str]] = []
    devices: list[dict[str, str]] = []
    sign_ins: list[dict[str, str]] = []
    waiting: list[dict[str, str]] = []
    people = {
        device.name: person.name
        for story in STORY
        for person in story.people
        for device in person.devices
    }
    for story in STORY:
        organisation = Organisation.objects.get(slug=story.slug)
        with organisation_scope(organisation.id):
            keep_invitations(story, founder_of(organisation))
            sign_ins += console_users(story)
            waiting += invitations(story)
            organisations.append(
                {"id": str(organisation.id), "slug": organisation.slug, "name": organisation.name}
            )
            devices += [
                {
                    "name": device.name,
                    "organisation": organisation.slug,
                    "organisation_id": str(organisation.id),
                    "member": people[device.name],
                    "device_id": str(device.id),
                    "status": device.status,
                    "state_file": f"devices/{device.name}.json",
                }
                for device in Device.objects.filter(name__in=people).order_by("enrolled_at")
            ]
    listing = {
        "base_url": settings.BASE_URL,
        "events_url": settings.EVENTS_URL,
        "organisations": organisations,
        "devices": devices,
        "console_users": sign_ins,
        "invitations": waiting,
        "sms_outbox": settings.SMS_FILE,
    }
    folder.mkdir(parents=True, exist_ok=True)
    fresh = folder / f"demo.json.{os.getpid()}"
    fresh.write_text(json.dumps(listing, indent=2) + "\n", encoding="utf-8")
    fresh.replace(folder / "demo.json")
