"""A device's rooms."""

from uuid import UUID

from drf_spectacular.utils import PolymorphicProxySerializer, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from keys.api import DeviceAPIView
from messaging.models import Room, RoomKind
from messaging.selectors.reach import rooms_of
from messaging.selectors.rooms import own_room, with_members
from messaging.serializers.external import ExternalRoomSerializer
from messaging.serializers.pages import PageQuerySerializer
from messaging.serializers.rooms import (
    NewRoomSerializer,
    RoomAdditionSerializer,
    RoomChangeSerializer,
    RoomDetailSerializer,
    RoomsSerializer,
)
from messaging.services import members, rooms
from messaging.services.external import request_room
from semafore.kernel.http.idempotency import IDEMPOTENCY_HEADER, idempotent
from semafore.kernel.paging import paginate


class RoomAPIView(DeviceAPIView):
    """A view that answers with one of the device's own rooms."""

    def shown(self, room_id: UUID, *, status: int = 200) -> Response:
        """The room with its people and devices. Raises NotFound."""
        room = own_room(membership_id=self.credential.membership_id, room_id=room_id)
        return Response(RoomDetailSerializer(room).data, status=status)


class RoomsView(RoomAPIView):
    """The device's rooms."""

    @extend_schema(
        operation_id="rooms", parameters=[PageQuerySerializer], responses=RoomsSerializer
    )
    def get(self, request: Request) -> Response:
        """Those that its person is in."""
        asked = PageQuerySerializer(data=request.query_params.dict())
        asked.is_valid(raise_exception=True)
        own = with_members(rooms_of(self.credential.membership_id))
        page = paginate(own, by=["id"], **asked.validated_data)
        return Response(RoomsSerializer({"results": page.rows, "next": page.next}).data)

    @extend_schema(
        operation_id="room_create",
        parameters=[IDEMPOTENCY_HEADER],
        request=PolymorphicProxySerializer(
            component_name="AnyNewRoom",
            serializers=[NewRoomSerializer, ExternalRoomSerializer],
            resource_type_field_name=None,
        ),
        responses={201: RoomDetailSerializer},
    )
    @idempotent
    def post(self, request: Request) -> Response:
        """Make a room; the direct room of two people is the same one for ever.

        An external room is asked for: its `status` is *requested* until it is approved.
        """
        if request.data.get("kind") == RoomKind.EXTERNAL:
            wanted = ExternalRoomSerializer(data=request.data)
            wanted.is_valid(raise_exception=True)
            return self.shown(request_room(**wanted.terms()).room_id, status=201)
        body = NewRoomSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        return self.shown(self._create(**body.validated_data).id, status=201)

    def _create(
        self, *, kind: str, members: list[UUID], name: str = "", parent: UUID | None = None
    ) -> Room:
        if kind == RoomKind.DIRECT:
            return rooms.create_direct(other_id=members[0])
        return rooms.create_group(name=name, member_ids=members, parent_id=parent)


class RoomView(RoomAPIView):
    """One room."""

    @extend_schema(operation_id="room", responses=RoomDetailSerializer)
    def get(self, _request: Request, room_id: UUID) -> Response:
        """With its people, and their devices and identity keys."""
        return self.shown(room_id)

    @extend_schema(
        operation_id="room_change", request=RoomChangeSerializer, responses=RoomDetailSerializer
    )
    def patch(self, request: Request, room_id: UUID) -> Response:
        """Change name or administrators, as one of these."""
        body = RoomChangeSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        rooms.change_room(room_id=room_id, **body.validated_data)
        return self.shown(room_id)


class RoomMembersView(RoomAPIView):
    """Who is in a room."""

    @extend_schema(
        operation_id="room_members_add",
        parameters=[IDEMPOTENCY_HEADER],
        request=RoomAdditionSerializer,
        responses=RoomDetailSerializer,
    )
    @idempotent
    def post(self, request: Request, room_id: UUID) -> Response:
        """Add members of the organisation, as an administrator of the room."""
        body = RoomAdditionSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        members.add_members(room_id=room_id, membership_ids=body.validated_data["members"])
        return self.shown(room_id)


class RoomMemberView(DeviceAPIView):
    """Somebody in a room."""

    @extend_schema(operation_id="room_member_remove", responses={204: None})
    def delete(self, _request: Request, room_id: UUID, membership_id: UUID) -> Response:
        """Take them out of it and its threads, as an administrator of the room."""
        members.remove_member(room_id=room_id, membership_id=membership_id)
        return Response(status=204)


class RoomLeaveView(DeviceAPIView):
    """The way out of a room."""

    @extend_schema(
        operation_id="room_leave",
        parameters=[IDEMPOTENCY_HEADER],
        request=None,
        responses={204: None},
    )
    @idempotent
    def post(self, _request: Request, room_id: UUID) -> Response:
        """Leave it and its threads."""
        members.leave_room(room_id=room_id)
        return Response(status=204)
