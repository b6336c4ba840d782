"""The relay."""

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from audit.logs import current_log
from audit.selectors.proofs import event_proof
from keys.api import DeviceAPIView
from keys.api_log import PROOF_RESPONSES, ProofView
from messaging.selectors.deliveries import event_of_message, message_status
from messaging.serializers.messages import (
    AcceptedSerializer,
    MessageProofQuerySerializer,
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


class MessageProofView(ProofView):
    """That a message stands in the log, for its sender."""

    @extend_schema(
        operation_id="message_proof",
        parameters=[MessageProofQuerySerializer],
        responses=PROOF_RESPONSES,
    )
    def get(self, request: Request, message_id: UUID) -> Response:
        """The tlog-proof of the message; on demand, also that a ciphertext is one of its own."""
        asked = MessageProofQuerySerializer(data=request.query_params.dict())
        asked.is_valid(raise_exception=True)
        event_id = event_of_message(message_id=message_id, sender_id=self.credential.membership_id)
        found = event_proof(
            current_log(),
            event_id=event_id,
            open_parts={"who", "what"},
            content=asked.validated_data.get("ciphertext_sha256"),
        )
        return self.proof(found)
