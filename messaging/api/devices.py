"""What a device says of itself: where it is woken, which screenshots were taken."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from keys.api import DeviceAPIView
from keys.models import Platform
from messaging.serializers.devices import (
    PushTokenSerializer,
    ReportedSerializer,
    ScreenshotSerializer,
)
from messaging.services.push_tokens import register_push_token, remove_push_token
from messaging.services.screenshots import report_screenshot
from semafore.kernel.http.idempotency import IDEMPOTENCY_HEADER, idempotent


class PushTokenView(DeviceAPIView):
    """Where the device is woken."""

    @extend_schema(
        operation_id="push_token_register", request=PushTokenSerializer, responses={204: None}
    )
    def put(self, request: Request) -> Response:
        """Wake it there from now on."""
        body = PushTokenSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        register_push_token(device_id=self.credential.device_id, target=body.to_target())
        return Response(status=204)

    @extend_schema(operation_id="push_token_remove", responses={204: None})
    def delete(self, _request: Request) -> Response:
        """Wake it no more."""
        remove_push_token(device_id=self.credential.device_id)
        return Response(status=204)


class ScreenshotReportsView(DeviceAPIView):
    """Screenshots that were taken in rooms."""

    @extend_schema(
        operation_id="screenshot_report",
        parameters=[IDEMPOTENCY_HEADER],
        request=ScreenshotSerializer,
        responses={201: ReportedSerializer},
    )
    @idempotent
    def post(self, request: Request) -> Response:
        """Report one."""
        body = ScreenshotSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        fields = body.validated_data
        report = report_screenshot(
            credential=self.credential,
            room_id=fields["room_id"],
            taken_at=fields["taken_at"],
            platform=Platform(fields["platform"]),
        )
        return Response(ReportedSerializer(report).data, status=201)
