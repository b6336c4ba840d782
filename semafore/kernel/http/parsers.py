"""JSON in: strict, and with clear errors."""

import json
from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings
from rest_framework.parsers import BaseParser

from semafore.kernel.problems import BodyTooLarge, Malformed


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = dict(pairs)
    if len(names) != len(pairs):
        raise Malformed(detail="A name stands twice in one JSON object.")
    return names


def _no_constant(name: str) -> None:
    raise Malformed(detail=f"{name} is not JSON.")


class StrictJSONParser(BaseParser):
    """One JSON object; no repeated names, no NaN, no NUL."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """The object. Raises Malformed, which says where reading stopped."""
        del media_type, parser_context
        # DRF hands over the stream: Django's own limit holds only for `HttpRequest.body`.
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        body = stream.read(limit + 1)
        if len(body) > limit:
            raise BodyTooLarge
        try:
            document = json.loads(
                body, object_pairs_hook=_no_duplicates, parse_constant=_no_constant
            )
        except json.JSONDecodeError as error:
            raise Malformed(
                detail=f"Not JSON: {error.msg}, line {error.lineno} column {error.colno}."
            ) from None
        except (UnicodeDecodeError, RecursionError, ValueError) as error:
            raise Malformed(detail=f"Not JSON: {type(error).__name__}.") from None
        if not isinstance(document, dict):
            raise Malformed(detail="The body must be a JSON object.")
        return document
