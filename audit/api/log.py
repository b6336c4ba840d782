"""The log for programs that check it (C2SP tlog-tiles)."""

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from audit.logs import current_log
from audit.selectors.checkpoints import latest_checkpoint
from audit.selectors.log_keys import checkpoint_vkeys
from audit.selectors.published import published_entries, published_tile
from audit.tile_paths import LEVELS, parse_place
from semafore.kernel.http.renderers import BinaryRenderer, TextRenderer
from semafore.kernel.http.service import ServiceAPIView
from semafore.kernel.permissions import Permission
from semafore.kernel.problems import NotFound

FOR_EVER = {"Cache-Control": "private, max-age=31536000, immutable"}
ASK_AGAIN = {"Cache-Control": "private, no-cache"}
TEXT = {(200, "text/plain"): OpenApiTypes.STR}
BINARY = {(200, "application/octet-stream"): OpenApiTypes.BINARY}
LEVEL = OpenApiParameter(
    "level", {"type": "integer", "minimum": 0, "maximum": 63}, OpenApiParameter.PATH
)
PLACE = OpenApiParameter(
    "place",
    {"type": "string", "minLength": 3, "maxLength": 40},
    OpenApiParameter.PATH,
    description="Index in groups of three digits, all but the last with x; .p/ and a width.",
)


class CheckpointView(ServiceAPIView):
    """The newest checkpoint."""

    requires = Permission.LOG_READ
    renderer_classes = (TextRenderer,)

    @extend_schema(operation_id="audit_log_checkpoint", responses=TEXT)
    def get(self, _request: Request) -> Response:
        """A signed note: origin, size, root. 404 before the first."""
        signed = latest_checkpoint(current_log())
        if signed is None:
            raise NotFound(detail="The log has no checkpoint yet.")
        return Response(signed.note, headers=ASK_AGAIN)


class KeysView(ServiceAPIView):
    """The keys of checkpoints."""

    requires = Permission.LOG_READ
    renderer_classes = (TextRenderer,)

    @extend_schema(operation_id="audit_log_keys", responses=TEXT)
    def get(self, _request: Request) -> Response:
        """A vkey a line: each key that signs or has signed the log's checkpoints. 404 before."""
        vkeys = checkpoint_vkeys(current_log())
        if not vkeys:
            raise NotFound(detail="The log has announced no key yet.")
        return Response("".join(f"{vkey}\n" for vkey in vkeys), headers=ASK_AGAIN)


class TileView(ServiceAPIView):
    """Hashes of the log's tree."""

    requires = Permission.LOG_READ
    renderer_classes = (BinaryRenderer,)

    @extend_schema(operation_id="audit_log_tile", parameters=[LEVEL, PLACE], responses=BINARY)
    def get(self, _request: Request, level: str, place: str) -> Response:
        """A tile: 256 hashes, or with `.p/<width>` its first ones. Of what is published alone."""
        if level not in LEVELS:
            raise NotFound
        index, width = parsed(place)
        tile = published_tile(current_log(), level=LEVELS[level], index=index, width=width)
        return Response(tile, headers=FOR_EVER)


class EntriesView(ServiceAPIView):
    """Entries of the log: hashes too, which tell nothing of an event."""

    requires = Permission.LOG_READ
    renderer_classes = (BinaryRenderer,)

    @extend_schema(operation_id="audit_log_entries", parameters=[PLACE], responses=BINARY)
    def get(self, _request: Request, place: str) -> Response:
        """An entry bundle: 256 entries, or the first ones, each after its length in 2 bytes."""
        index, width = parsed(place)
        return Response(
            published_entries(current_log(), index=index, width=width), headers=FOR_EVER
        )


def parsed(place: str) -> tuple[int, int]:
    """Index and width. Raises NotFound for another spelling than tlog-tiles'."""
    try:
        return parse_place(place)
    except ValueError:
        raise NotFound from None
