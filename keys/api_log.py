"""REST views of the log as devices see it (api.md, `/api/mobile/log/`, and proofs)."""

from typing import TYPE_CHECKING
from uuid import UUID

from django.http import HttpRequest
from django.views import View
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from audit.selectors.proofs import EventProof
from keys.api import DeviceAPIView
from keys.selectors import log as selectors
from keys.serializers.log import (
    ConsistencySerializer,
    PublishedLogSerializer,
    SeenSerializer,
    SizesSerializer,
    VerdictSerializer,
)
from keys.services.log import compare_checkpoint
from semafore.kernel.http.renderers import TextRenderer
from semafore.kernel.http.throttles import MinuteThrottle

if TYPE_CHECKING:
    from keys.selectors.credentials import DeviceCredential

SOON = {"Retry-After": "1"}
"""A committed event is under a checkpoint about a second later (audit-log.md)."""

PROOF_RESPONSES = {
    (200, "text/plain"): OpenApiTypes.STR,
    202: OpenApiResponse(description="Not yet under a checkpoint: ask again after `Retry-After`."),
}


class DeviceThrottle(MinuteThrottle):
    """At most 30 requests a device, route and minute."""

    def limit(self) -> int:
        """Nobody is shown so many checkpoints."""
        return 30

    def source(self, request: Request | HttpRequest, view: View) -> str:
        """Route and device; who has no token is refused next."""
        credential: DeviceCredential | None = getattr(request, "auth", None)
        return f"{type(view).__name__}:{credential and credential.device_id}"


class ProofView(DeviceAPIView):
    """A route that answers a proof."""

    renderer_classes = (TextRenderer,)

    def proof(self, found: EventProof | None) -> Response:
        """The tlog-proof, or 202 while there is none yet."""
        if found is None:
            return Response(status=202, headers=SOON)
        return Response(found.text)


class CheckpointView(DeviceAPIView):
    """The log's newest state."""

    @extend_schema(operation_id="log_checkpoint", responses=PublishedLogSerializer)
    def get(self, _request: Request) -> Response:
        """The newest checkpoint, and the keys that verify it and receipts."""
        return Response(PublishedLogSerializer(selectors.published_log()).data)


class ConsistencyView(DeviceAPIView):
    """That the log only grew."""

    @extend_schema(
        operation_id="log_consistency",
        parameters=[SizesSerializer],
        responses=ConsistencySerializer,
    )
    def get(self, request: Request) -> Response:
        """The proof from the checkpoint of one size to that of another; without one, the newest."""
        asked = SizesSerializer(data=request.query_params.dict())
        asked.is_valid(raise_exception=True)
        sizes = asked.validated_data
        found = selectors.consistency(old_size=sizes["from"], size=sizes.get("to"))
        return Response(ConsistencySerializer(found).data)


class SeenView(DeviceAPIView):
    """A checkpoint that somebody was given."""

    throttle_classes = (DeviceThrottle,)

    @extend_schema(
        operation_id="log_seen", request=SeenSerializer, responses={200: VerdictSerializer}
    )
    def post(self, request: Request) -> Response:
        """Whether it is this log's; one that our key signed and that isn't, raises an alarm."""
        body = SeenSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        compared = compare_checkpoint(note=body.validated_data["checkpoint"])
        return Response(VerdictSerializer(compared).data)


class EnrolmentProofView(ProofView):
    """That a device's identity key was approved."""

    @extend_schema(operation_id="device_enrolment_proof", responses=PROOF_RESPONSES)
    def get(self, _request: Request, device_id: UUID) -> Response:
        """The tlog-proof of the device's approval: device and identity key open, no person."""
        return self.proof(
            selectors.enrolment_proof(credential=self.credential, device_id=device_id)
        )
