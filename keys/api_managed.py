"""Managed devices: what the organisation wants, and what the device says of itself."""

from django.utils.cache import get_conditional_response
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from keys.api import DeviceAPIView
from keys.api_log import DeviceThrottle
from keys.serializers.managed import (
    DeviationsSerializer,
    ManagedConfigSerializer,
    PostureSerializer,
)
from keys.services.posture import report_posture
from orgs.selectors.settings import managed_config

IF_NONE_MATCH = OpenApiParameter(
    "If-None-Match",
    str,
    OpenApiParameter.HEADER,
    description="The ETag of the settings that the device has: 304 as long as they stand.",
)


class ManagedConfigView(DeviceAPIView):
    """The settings of the managed app."""

    @extend_schema(
        operation_id="managed_config",
        parameters=[IF_NONE_MATCH],
        responses={200: ManagedConfigSerializer, 304: None},
    )
    def get(self, request: Request) -> Response:
        """As they stand; `changes` names their version, so nobody need ask in vain."""
        config = managed_config()
        # An app may hold devices of several organisations, and one cache for them all.
        etag = f'"{config.organisation_id}-{config.version}"'
        # Kept by the device alone, and never used unasked: nothing on the way knows whose it is.
        headers = {"ETag": etag, "Cache-Control": "private, no-cache"}
        if get_conditional_response(request, etag=etag) is not None:
            return Response(status=304, headers=headers)
        return Response(ManagedConfigSerializer(config.values()).data, headers=headers)


class PostureView(DeviceAPIView):
    """How the device is kept, and what it does of what is wanted."""

    # Each report may be an event, in a log that only grows.
    throttle_classes = (DeviceThrottle,)

    @extend_schema(
        operation_id="posture_report", request=PostureSerializer, responses=DeviationsSerializer
    )
    def put(self, request: Request) -> Response:
        """Report it, in place of the last report."""
        body = PostureSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        deviations = report_posture(device_id=self.credential.device_id, report=body.to_report())
        return Response(DeviationsSerializer({"deviations": deviations}).data)
