"""Loading the demo: everything through the services, at moments in the past."""

import random
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from django.db import transaction

from keys.models import KeyBundle
from keys.selectors.credentials import credential_of
from keys.services import bundles, claiming, sweeps
from orgs.models import Account, MembershipKind, Organisation
from orgs.services.accounts import create_operator
from orgs.services.organisations import create_organisation
from semafore.kernel import clock
from semafore.kernel.actor import SYSTEM, acting_as
from semafore.kernel.problems import Problem
from semafore.kernel.tenancy import organisation_scope
from semafore.local.client.keyfile import KeyFile
from semafore.local.client.uploads import one_time_uploads, signed_upload
from semafore.local.demo.arrivals import PASSWORD, arrive, give_factor
from semafore.local.demo.characters import Habit, OrganisationStory
from semafore.local.demo.happenings import happen
from semafore.local.demo.listing import write_listing
from semafore.local.demo.managed import look_after_devices
from semafore.local.demo.operations import bill_nights, maintain, try_out
from semafore.local.demo.post import past_post
from semafore.local.demo.story import FOUNDED, HISTORY, OPERATOR, STORY
from semafore.local.demo.talk import talk_all_day
from semafore.local.demo.town import LoadedDevice, Town

BETWEEN_ARRIVALS = timedelta(minutes=23)
"""A dozen people come in within five hours, so that the last day is over by now."""
ROTATION_DAYS = 6
LAST_STOCK = 8
"""So little is left at the end of the history that a refill is seen within minutes."""
LOW = 2
"""What is left on a device that nobody refills."""


def load_demo(folder: Path) -> None:
    """Create the demo once, and write `demo.json` at each start: the address may have moved."""
    if not Account.objects.filter(email=OPERATOR).exists():
        _load_operator()
    for story in STORY:
        if not Organisation.objects.filter(slug=story.slug).exists():
            _load_organisation(story, folder)
    maintain(Account.objects.get(email=OPERATOR))
    write_listing(folder)


@transaction.atomic
def _load_operator() -> None:
    with clock.moved_by(-FOUNDED), acting_as(SYSTEM):
        give_factor(create_operator(email=OPERATOR, password=PASSWORD))


@transaction.atomic
def _load_organisation(story: OrganisationStory, folder: Path) -> None:
    """All of an organisation or nothing: a start that was interrupted begins anew."""
    chance = random.Random(story.slug)  # noqa: S311 - a story, the same every time
    with clock.moved_by(-FOUNDED), acting_as(SYSTEM):
        organisation = create_organisation(name=story.name, slug=story.slug)
    town = Town(story)
    with organisation_scope(organisation.id), past_post():
        try_out(story)
        for day in range(HISTORY.days - 1, -1, -1):
            with clock.moved_by(-timedelta(days=day)):
                talk_all_day(town, chance)
            for number, person in enumerate(story.people):
                if person.joined == day:
                    with clock.moved_by(BETWEEN_ARRIVALS * number - timedelta(days=day, hours=5)):
                        arrive(town, person)
            with clock.moved_by(-timedelta(days=day, minutes=10)):
                happen(town, day)
                _live_a_day(town, day, chance)
                look_after_devices(town, day)
    bill_nights(organisation)
    for one in town.devices:
        KeyFile(folder / one.state_file).save(one.keys)


def _live_a_day(town: Town, day: int, chance: random.Random) -> None:
    """Claims, a rotation every few days, a refill when stock is low, the sweep."""
    lively = [one for one in town.devices if one.story.habit == Habit.LIVELY]
    running_low = [one for one in town.devices if one.story.habit == Habit.LOW]
    for number, one in enumerate(lively):
        with acting_as(one.actor):
            if (day + number) % ROTATION_DAYS == 0:
                new = one.keys.rotate_signed_pre_key()
                bundles.rotate(device_id=one.device.id, signed_pre_key=signed_upload(new))
            # A guest claims of those in its rooms, when it talks to them.
            peers = [] if _guest(one) else [peer for peer in lively if peer is not one]
            peers = [peer for peer in peers if not _guest(peer)]
            for peer in chance.sample(peers, k=min(len(peers), chance.randint(0, 2))):
                _claim(one, peer.device.id)
            if day > 1:
                _refill(one)
    for one in running_low:
        if _available(one) > LOW:
            _claim(lively[0], one.device.id)
    with acting_as(SYSTEM):
        sweeps.delete_lapsed_signed_pre_keys()


def _guest(one: LoadedDevice) -> bool:
    return one.device.membership.kind == MembershipKind.GUEST


def _refill(one: LoadedDevice) -> None:
    held = _available(one)
    if held >= LAST_STOCK:
        return
    batch = one.keys.make_one_time_pre_keys(LAST_STOCK * 2 - held)
    bundles.publish(
        device_id=one.device.id,
        identity_key=one.keys.identity_key,
        signed_pre_key=None,
        one_time_pre_keys=one_time_uploads(batch),
    )


def _available(one: LoadedDevice) -> int:
    return KeyBundle.objects.get(device_id=one.device.id).available


def _claim(one: LoadedDevice, target: UUID) -> None:
    try:
        with acting_as(one.actor):
            claiming.claim(credential=credential_of(one.device), device_id=target)
    except Problem as problem:
        message = f"the demo's history doesn't hold together: {problem.code}"
        raise RuntimeError(message) from problem
