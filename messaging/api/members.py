"""Whom a device may message."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from keys.api import DeviceAPIView
from messaging.selectors.members import reached_members
from messaging.serializers.members import MembersSerializer
from messaging.serializers.pages import PageQuerySerializer
from semafore.kernel.paging import paginate


class MembersView(DeviceAPIView):
    """People and their devices."""

    @extend_schema(
        operation_id="members", parameters=[PageQuerySerializer], responses=MembersSerializer
    )
    def get(self, request: Request) -> Response:
        """The people whom this device may message; of guests, those of its rooms."""
        asked = PageQuerySerializer(data=request.query_params.dict())
        asked.is_valid(raise_exception=True)
        page = paginate(reached_members(self.credential), by=["id"], **asked.validated_data)
        return Response(MembersSerializer({"results": page.rows, "next": page.next}).data)
