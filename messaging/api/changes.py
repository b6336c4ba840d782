"""What became different since a device looked last."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from keys.api import DeviceAPIView
from messaging.selectors.changes import changes
from messaging.serializers.changes import ChangesQuerySerializer, ChangesSerializer, render_changes


class ChangesView(DeviceAPIView):
    """The feed of changes."""

    @extend_schema(
        operation_id="changes", parameters=[ChangesQuerySerializer], responses=ChangesSerializer
    )
    def get(self, request: Request) -> Response:
        """Rooms, members and devices changed or removed since the cursor; without one, a cursor."""
        asked = ChangesQuerySerializer(data=request.query_params.dict())
        asked.is_valid(raise_exception=True)
        found = changes(self.credential, cursor=asked.validated_data.get("cursor"))
        return Response(render_changes(found))
