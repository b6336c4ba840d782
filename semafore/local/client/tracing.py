"""A request as a command for a shell, for those who want to see what a device does."""

import json
import shlex
from typing import Any, Final

import httpx

from semafore.local.client.wire import JsonObject

# What lets somebody in who reads over a shoulder; a trace shows `…` in its place.
_SECRET: Final = frozenset({"code", "invitation_token"})
_CIPHERTEXT_SHOWN: Final = 16


def as_curl(request: httpx.Request, body: JsonObject | None) -> str:
    """Return a request as a command for a shell where TOKEN holds the bearer token.

    Codes and invitations are left out of it, all but the first of many keys or envelopes, and most
    of a ciphertext.
    """
    parts = ["curl", "-sS"]
    if request.method != "GET":
        parts += ["-X", request.method]
    parts.append(shlex.quote(str(request.url)))
    # In double quotes, so that the shell puts the token there and nothing ever prints it.
    if "Authorization" in request.headers:
        parts += ["-H", '"Authorization: Bearer $TOKEN"']
    if "Idempotency-Key" in request.headers:
        parts += ["-H", shlex.quote(f"Idempotency-Key: {request.headers['Idempotency-Key']}")]
    if body is not None:
        parts += ["-H", "'Content-Type: application/json'"]
        shown = {name: _shown(name, value) for name, value in body.items()}
        parts += ["-d", shlex.quote(json.dumps(shown, ensure_ascii=False))]
    return " ".join(parts)


def _shown(name: str, value: Any) -> Any:
    if name in _SECRET:
        return "…"
    if name == "ciphertext":
        return f"{value[:_CIPHERTEXT_SHOWN]}…"
    if isinstance(value, dict):
        return {inner: _shown(inner, one) for inner, one in value.items()}
    if isinstance(value, list) and value:
        more = [f"… and {len(value) - 1} more"] if len(value) > 1 else []
        return [_shown(name, value[0]), *more]
    return value
