"""Errors as RFC 9457 problems. Services raise them; the base views render them.

Every app lists its own in `errors.py`; `docs/errors.md` lists them all and a test compares.
"""

from typing import Any, ClassVar


class Problem(Exception):  # noqa: N818 - the RFC's word; these are answers, not faults
    """A refusal with a stable code.

    `members` are the extra fields of the answer; `retry_after` is in whole seconds; `denial` is
    what the audit log is to say of the attempt (`audit.services.denials.Denial`), None for nothing.
    """

    status: ClassVar[int]
    code: ClassVar[str]
    title: ClassVar[str]

    def __init__(
        self,
        detail: str | None = None,
        *,
        retry_after: int | None = None,
        denial: object | None = None,
        **members: Any,
    ) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.retry_after = retry_after
        self.denial = denial
        self.members = members

    def body(self, request_id: str) -> dict[str, Any]:
        """The `application/problem+json` document."""
        return {
            "type": f"urn:semafore:problem:{self.code}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            "request_id": request_id,
            **({"retry_after": self.retry_after} if self.retry_after is not None else {}),
            **self.members,
        }


class NotFound(Problem):
    """Does not exist, or belongs to somebody else: the two are never told apart."""

    status, code, title = 404, "not_found", "Not found."


class NotAuthenticated(Problem):
    """No token, or one that is not valid."""

    status, code, title = 401, "token_invalid", "A valid token is needed."


class NotPermitted(Problem):
    """The role does not allow it."""

    status, code, title = 403, "not_permitted", "Your role does not allow this."


class FormExpired(Problem):
    """A page's form without its CSRF token, or with one of another session."""

    status, code, title = 403, "form_expired", "This form is out of date."


class Malformed(Problem):
    """The body could not be parsed."""

    status, code, title = 400, "malformed", "The request could not be read."


class Invalid(Problem):
    """The body was parsed and a field is wrong; `errors` names each."""

    status, code, title = 422, "invalid", "Some fields are not valid."


class MethodNotAllowed(Problem):
    """The route exists, the method doesn't."""

    status, code, title = 405, "method_not_allowed", "This method is not allowed here."


class MediaTypeUnsupported(Problem):
    """Only JSON is read and written."""

    status, code, title = 415, "media_type_unsupported", "Send application/json."


class NotAcceptable(Problem):
    """The client accepts nothing that this route writes."""

    status, code, title = 406, "not_acceptable", "This route writes application/json."


class BodyTooLarge(Problem):
    """Larger than the route reads."""

    status, code, title = 413, "body_too_large", "The request body is too large."


class IdempotencyKeyReused(Problem):
    """The key came before with another body."""

    status, code, title = (
        422,
        "idempotency_key_reused",
        "This Idempotency-Key was used for another request.",
    )


class ClientTooOld(Problem):
    """The `User-Agent` names a version below the least supported one."""

    status, code, title = 426, "client_too_old", "This version of the app is no longer supported."


class Throttled(Problem):
    """Too many requests from this address."""

    status, code, title = 429, "throttled", "Too many requests. Try again later."


class ServerError(Problem):
    """A fault of ours; the log has it under the request id."""

    status, code, title = 500, "server_error", "Something went wrong on our side."


class Unavailable(Problem):
    """The database can't be reached just now; nothing was changed."""

    status, code, title = 503, "unavailable", "The service is not available just now. Try again."
