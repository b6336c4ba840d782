"""Rooms of the story: opened by those in them, external ones by request and approval."""

from datetime import timedelta
from uuid import UUID

from messaging.services.ends import close_room
from messaging.services.external import GuestDraft, request_room
from messaging.services.requests import approve_request
from messaging.services.rooms import create_direct, create_group
from semafore.kernel import clock
from semafore.kernel.actor import acting_as
from semafore.local.demo.characters import ExternalRoomStory, RoomStory
from semafore.local.demo.post import deliver_all
from semafore.local.demo.town import Town


def open_rooms(town: Town, day: int) -> None:
    """Whatever is opened, asked for or closed that day."""
    for room in town.story.rooms:
        if room.day == day:
            town.rooms[room.name or " and ".join(room.people)] = _open(town, room)
    for external in town.story.external_rooms:
        if external.day == day:
            _request(town, external)
        if external.closed == day:
            with acting_as(town.owner):
                close_room(room_id=town.rooms[external.name], reason=external.reason)
            del town.rooms[external.name]


def _open(town: Town, story: RoomStory) -> UUID:
    ids = [town.members[name].id for name in story.people]
    with acting_as(town.actor(story.people[0])):
        if not story.name:
            return create_direct(other_id=ids[1]).id
        parent_id = town.rooms[story.parent] if story.parent else None
        return create_group(name=story.name, member_ids=ids[1:], parent_id=parent_id).id


def _request(town: Town, story: ExternalRoomStory) -> None:
    """Asked for by the first of its people; approved, unless it still waits, by the owner."""
    with acting_as(town.actor(story.people[0])):
        request = request_room(
            name=story.name,
            purpose=story.purpose,
            party=story.party,
            closes_at=clock.now() + timedelta(days=story.days),
            member_ids=[town.members[name].id for name in story.people[1:]],
            guests=[GuestDraft(name=name, phone=phone) for name, phone in story.guests],
        )
    if not story.approved:
        return
    with clock.moved_by(timedelta(minutes=4)):
        with acting_as(town.owner):
            approve_request(request_id=request.id)
        deliver_all()
    town.rooms[story.name] = request.room_id
