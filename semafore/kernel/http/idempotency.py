"""`Idempotency-Key`: a POST that creates, sent again, answers the same and creates nothing."""

import json
import re
from collections.abc import Callable
from functools import wraps
from hashlib import sha256
from typing import Any

from django.db import transaction
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from semafore.kernel.actor import current_actor
from semafore.kernel.models import IdempotentAnswer
from semafore.kernel.problems import IdempotencyKeyReused, Invalid
from semafore.kernel.tenancy import current_organisation_id

IDEMPOTENCY_KEY = re.compile(r"[\x21-\x7e]{1,100}")

IDEMPOTENCY_HEADER = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    description="A retry with the same key within 24 hours gets the same answer.",
)


def idempotency_key(request: Request) -> str | None:
    """The header's value, None without one. Raises Invalid."""
    value = request.headers.get("Idempotency-Key")
    if value is None or IDEMPOTENCY_KEY.fullmatch(value):
        return value
    raise Invalid(detail="Idempotency-Key must be 1 to 100 visible ASCII characters.")


Post = Callable[..., Response]


def idempotent(post: Post) -> Post:
    """Of a `post` whose answer holds no secret: keep the answer, in the transaction of the act.

    Of two at once the second waits for the first. A refusal is not kept: the retry is a new try.
    Raises IdempotencyKeyReused for the same key with another request.
    """

    @wraps(post)
    def kept(view: Any, request: Request, **arguments: Any) -> Response:
        key = idempotency_key(request)
        if key is None:
            return post(view, request, **arguments)
        with transaction.atomic():
            answer = _answer(key, _request_hash(request))
            if answer.status is None:
                response = post(view, request, **arguments)
                answer.status, answer.body = response.status_code, response.data
                answer.save(update_fields=["status", "body"])
            return Response(answer.body, status=answer.status)

    return kept


def _request_hash(request: Request) -> bytes:
    body = json.dumps(request.data, sort_keys=True)
    return sha256(f"{request.path}\0{body}".encode()).digest()


def _answer(key: str, request_hash: bytes) -> IdempotentAnswer:
    """The row of this caller's key; without a status when it is new."""
    answer, _ = IdempotentAnswer.objects.get_or_create(
        organisation_id=current_organisation_id(),
        caller_id=current_actor().id,
        key=key,
        defaults={"request_hash": request_hash},
    )
    if bytes(answer.request_hash) != request_hash:
        raise IdempotencyKeyReused
    return answer


def forget_answers() -> None:
    """Forget the organisation's: what they tell of may be undone."""
    IdempotentAnswer.objects.all().delete()
