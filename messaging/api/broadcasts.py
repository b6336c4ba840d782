"""Broadcasts: begun, sent in parts, finished."""

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from keys.api import DeviceAPIView
from messaging.serializers.broadcasts import (
    BroadcastSerializer,
    FinishedSerializer,
    PartSerializer,
)
from messaging.serializers.messages import AcceptedSerializer
from messaging.services import broadcasts
from semafore.kernel.http.idempotency import IDEMPOTENCY_HEADER, idempotent
from semafore.kernel.permissions import Permission


class BroadcastsView(DeviceAPIView):
    """An administrator's device sends to every active member."""

    requires = Permission.ROOMS_MANAGE

    @extend_schema(
        operation_id="broadcast_start",
        parameters=[IDEMPOTENCY_HEADER],
        request=None,
        responses={201: BroadcastSerializer},
    )
    @idempotent
    def post(self, _request: Request) -> Response:
        """Begin a broadcast."""
        broadcast = broadcasts.start(credential=self.credential)
        return Response(BroadcastSerializer(broadcast).data, status=201)


class PartsView(DeviceAPIView):
    """Its envelopes, part by part."""

    requires = Permission.ROOMS_MANAGE

    @extend_schema(
        operation_id="broadcast_send_part",
        request=PartSerializer,
        responses={201: AcceptedSerializer},
    )
    def post(self, request: Request, broadcast_id: UUID) -> Response:
        """Send a part: an envelope for each of some devices that have none yet."""
        body = PartSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        accepted = broadcasts.send_part(
            credential=self.credential, broadcast_id=broadcast_id, upload=body.to_upload()
        )
        return Response(AcceptedSerializer(accepted).data, status=201)


class FinishView(DeviceAPIView):
    """Its end."""

    requires = Permission.ROOMS_MANAGE

    @extend_schema(
        operation_id="broadcast_finish",
        parameters=[IDEMPOTENCY_HEADER],
        request=None,
        responses=FinishedSerializer,
    )
    @idempotent
    def post(self, _request: Request, broadcast_id: UUID) -> Response:
        """End it, and learn whom it did not reach."""
        missed = broadcasts.finish(credential=self.credential, broadcast_id=broadcast_id)
        return Response(FinishedSerializer({"not_reached": missed}).data)
