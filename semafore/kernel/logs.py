"""Log lines carry the request id, and nothing that a request held."""

import logging
import re
from contextvars import ContextVar

request_id_var: ContextVar[str] = ContextVar("request_id", default="-")


TOKEN = re.compile(r"(?<=/link/)[^/\s]+")
"""What stands at the end of a mailed link (orgs/urls_account.py)."""


class TokenFilter(logging.Filter):
    """Takes the tokens of mailed links out: Django names the paths that it refuses."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Always lets the record through."""
        if isinstance(record.args, tuple):
            record.args = tuple(
                TOKEN.sub("…", one) if isinstance(one, str) else one for one in record.args
            )
        return True


class RequestIdFilter(logging.Filter):
    """Adds `request_id` to every record."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Always lets the record through."""
        # Django logs an answer of 4xx or 5xx after the middleware is through, with its request.
        request = getattr(record, "request", None)
        record.request_id = getattr(request, "request_id", None) or request_id_var.get()
        return True
