"""The relay."""

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from keys.api import DeviceAPIView
from messaging.selectors.deliveries import message_status
from messaging.serializers.messages import (
    AcceptedSerializer,
    MessageSerializer,
    MessageStatusSerializer,
)
from messaging.services import relay


class MessagesView(DeviceAPIView):
    """The relay."""

    @extend_schema(
        operation_id="message_send", request=MessageSerializer, responses={201: AcceptedSerializer}
    )
    def post(self, request: Request, room_id: UUID) -> Response:
        """Send a message: an envelope for each device of the room."""
        body = MessageSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        accepted = relay.send(credential=self.credential, room_id=room_id, upload=body.to_upload())
        return Response(AcceptedSerializer(accepted).data, status=201)


class MessageView(DeviceAPIView):
    """A message, for its sender."""

    @extend_schema(operation_id="message_status", responses=MessageStatusSerializer)
    def get(self, _request: Request, message_id: UUID) -> Response:
        """When it was accepted, the receipt, and what became of each device's envelope."""
        found = message_status(message_id=message_id, sender_id=self.credential.membership_id)
        return Response(MessageStatusSerializer(found).data)
