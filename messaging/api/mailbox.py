"""The mailbox by asking: what the socket gives, for a device that has none open."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from keys.api import DeviceAPIView
from messaging.serializers.mailbox import (
    AcknowledgedSerializer,
    AckSerializer,
    MailboxQuerySerializer,
    MailboxSerializer,
    in_words,
)
from messaging.services.mailbox import acknowledge, fetch
from semafore.kernel.actor import current_actor


class MailboxView(DeviceAPIView):
    """What waits."""

    @extend_schema(
        operation_id="mailbox", parameters=[MailboxQuerySerializer], responses=MailboxSerializer
    )
    def get(self, request: Request) -> Response:
        """The oldest envelopes that are not under way on an open socket of the device.

        They stay until they are acknowledged: asking again gives the same ones again.
        """
        query = MailboxQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        device_id = self.credential.device_id
        batch = fetch(device_id=device_id, limit=query.validated_data["limit"])
        return Response(
            {"envelopes": [in_words(one) for one in batch.envelopes], "more": batch.more}
        )


class AckView(DeviceAPIView):
    """Acknowledgement."""

    @extend_schema(
        operation_id="mailbox_ack", request=AckSerializer, responses=AcknowledgedSerializer
    )
    def post(self, request: Request) -> Response:
        """The device has these envelopes: the server deletes their ciphertext."""
        body = AckSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        count = acknowledge(device=current_actor(), envelope_ids=body.envelope_ids_in())
        return Response({"acknowledged": count})
