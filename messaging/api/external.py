"""What devices ask for about external rooms; administrators decide it in the console."""

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from keys.api import DeviceAPIView
from messaging.serializers.external import (
    ExtensionSerializer,
    GuestsRequestSerializer,
    RoomRequestSerializer,
)
from messaging.services.requests import request_extension, request_guests
from semafore.kernel.http.idempotency import IDEMPOTENCY_HEADER, idempotent


class GuestsView(DeviceAPIView):
    """Further guests."""

    @extend_schema(
        operation_id="room_guests_request",
        parameters=[IDEMPOTENCY_HEADER],
        request=GuestsRequestSerializer,
        responses={201: RoomRequestSerializer},
    )
    @idempotent
    def post(self, request: Request, room_id: UUID) -> Response:
        """Ask for them; they come in once it is approved."""
        body = GuestsRequestSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        asked = request_guests(
            room_id=room_id, guests=body.drafts(), reason=body.validated_data["reason"]
        )
        return Response(RoomRequestSerializer(asked).data, status=201)


class ExtensionView(DeviceAPIView):
    """A later end."""

    @extend_schema(
        operation_id="room_extension_request",
        parameters=[IDEMPOTENCY_HEADER],
        request=ExtensionSerializer,
        responses={201: RoomRequestSerializer},
    )
    @idempotent
    def post(self, request: Request, room_id: UUID) -> Response:
        """Ask for it; the room ends when it did until it is approved."""
        body = ExtensionSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        asked = request_extension(room_id=room_id, **body.validated_data)
        return Response(RoomRequestSerializer(asked).data, status=201)
