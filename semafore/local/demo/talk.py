"""What was said in the demo's past: real sessions between real keys, over the services."""

import random
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from uuid import UUID

from keys.selectors.credentials import credential_of
from keys.serializers.claims import render_bundle
from keys.services import claiming
from messaging.models import Room, RoomKind
from messaging.selectors.broadcasts import wanting
from messaging.serializers.mailbox import in_words
from messaging.serializers.messages import AcceptedSerializer, MessageSerializer
from messaging.services import broadcasts, mailbox, relay
from messaging.services.periods import devices_in
from semafore.kernel import clock
from semafore.kernel.actor import acting_as
from semafore.kernel.problems import Problem
from semafore.local.client.api import ApiProblem
from semafore.local.client.conversations import Messenger
from semafore.local.client.keyfile import HeldKeys
from semafore.local.client.wire import JsonObject
from semafore.local.demo.characters import Habit
from semafore.local.demo.phrases import PHRASES
from semafore.local.demo.town import LoadedDevice, Town

EARLIEST = timedelta(hours=14)
LATEST = timedelta(hours=6)
"""So long before the end of a day people talk: before anybody comes in that day."""
MOST_A_DAY = 2
"""Messages in one room."""


class Services:
    """A device's API (conversations.Relay) without HTTP, at whichever moment it is."""

    def __init__(self, one: LoadedDevice) -> None:
        """This device's."""
        self._one = one
        self.device_id = one.device.id

    def room(self, room_id: UUID) -> JsonObject:
        """The room's devices."""
        devices = devices_in(Room.objects.get(id=room_id))
        return {"members": [{"devices": [{"id": str(device.id)} for device in devices]}]}

    def claim_many(
        self, device_ids: Sequence[UUID], *, idempotency_key: str | None = None
    ) -> list[JsonObject]:
        """A bundle or an error for each."""
        with acting_as(self._one.actor):
            outcomes = claiming.claim_all(
                credential=credential_of(self._one.device),
                device_ids=device_ids,
                idempotency_key=idempotency_key,
            )
        return [
            {"device_id": str(device_id), "error": {"code": outcome.code}}
            if isinstance(outcome, Problem)
            else {"device_id": str(device_id), "bundle": render_bundle(outcome)}
            for device_id, outcome in outcomes.items()
        ]

    def send_message(self, room_id: UUID, message: JsonObject) -> JsonObject:
        """Hand a message in. Raises ApiProblem."""
        return self._hand_in(partial(relay.send, room_id=room_id), message)

    def send_part(self, broadcast_id: UUID, message: JsonObject) -> JsonObject:
        """Hand some of a broadcast in. Raises ApiProblem."""
        return self._hand_in(partial(broadcasts.send_part, broadcast_id=broadcast_id), message)

    def _hand_in(self, act: Callable[..., relay.Accepted], message: JsonObject) -> JsonObject:
        body = MessageSerializer(data=message)
        body.is_valid(raise_exception=True)
        try:
            with acting_as(self._one.actor):
                accepted = act(credential=credential_of(self._one.device), upload=body.to_upload())
        except Problem as problem:
            raise ApiProblem(problem.status, problem.code, problem.body("")) from problem
        answer: JsonObject = AcceptedSerializer(accepted).data
        return answer

    def mailbox(self, *, limit: int = 64) -> JsonObject:
        """What waits."""
        batch = mailbox.take({self.device_id: None}, handful=limit).get(self.device_id)
        if batch is None:
            return {"envelopes": [], "more": False}
        return {"envelopes": [in_words(one) for one in batch.envelopes], "more": batch.more}

    def acknowledge(self, envelope_ids: Sequence[str]) -> JsonObject:
        """These are safe."""
        count = mailbox.acknowledge(
            device=self._one.actor, envelope_ids=[UUID(one) for one in envelope_ids]
        )
        return {"acknowledged": count}


def talk_all_day(town: Town, chance: random.Random) -> None:
    """People say something in most rooms, and read what the others said."""
    # Guests stay for days, not for weeks: they are never met with silence.
    guests = set(Room.objects.filter(kind=RoomKind.EXTERNAL).values_list("id", flat=True))
    lines = [
        room_id
        for room_id in town.rooms.values()
        for _ in range(chance.randint(int(room_id in guests), MOST_A_DAY))
    ]
    chance.shuffle(lines)
    messengers = {
        one.device.id: Messenger(Services(one), HeldKeys(one.keys))
        for one in town.devices
        if one.story.habit == Habit.LIVELY
    }
    for number, room_id in enumerate(lines):
        gone_by = (EARLIEST - LATEST) * number / len(lines)
        with clock.moved_by(gone_by - EARLIEST):
            _say(messengers, room_id, chance)


def _say(messengers: dict[UUID, Messenger], room_id: UUID, chance: random.Random) -> None:
    """Somebody who is there says something; all that live read it a minute later."""
    # By name, not as the database has them: the same is said in every demo.
    present = sorted(devices_in(Room.objects.get(id=room_id)), key=lambda device: device.name)
    speakers = [device.id for device in present if device.id in messengers]
    if not speakers:
        return
    speaker = messengers[chance.choice(speakers)]
    speaker.send(room_id, chance.choice(PHRASES))
    with clock.moved_by(timedelta(minutes=1)):
        for device_id in speakers:
            messengers[device_id].collect()


def broadcast(one: LoadedDevice, text: str) -> None:
    """An administrator's device sends to everybody; those with expired keys are not reached."""
    credential = credential_of(one.device)
    with acting_as(one.actor):
        begun = broadcasts.start(credential=credential)
    Messenger(Services(one), HeldKeys(one.keys)).broadcast(begun.id, wanting(begun), text)
    with acting_as(one.actor):
        broadcasts.finish(credential=credential, broadcast_id=begun.id)
