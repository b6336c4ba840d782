"""Where Django keeps sessions: in our table, under a hash of the cookie's key.

This is Django's own interface for it (`SESSION_ENGINE`); `services/sessions.py` ends sessions.
"""

from datetime import datetime
from hashlib import sha256
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import CreateError, SessionBase, UpdateError
from django.db import IntegrityError, transaction

from orgs.models import Session
from semafore.kernel import clock

ORIGIN = "origin"
"""Session key: address and user agent of the sign-in."""

SEEN_EVERY_SECONDS = 300
"""So seldom is it written down that a session is in use."""


def hashed(session_key: str) -> str:
    """What the table knows a session by: 64 hexadecimal digits."""
    return sha256(session_key.encode()).hexdigest()


def expiry(created_at: datetime, seen_at: datetime) -> datetime:
    """When a session ends: by disuse or by age, whichever comes first."""
    return min(seen_at + settings.SESSION_IDLE, created_at + settings.SESSION_LONGEST)


class SessionStore(SessionBase):
    """Sessions with their account, their last use and where they were opened."""

    def load(self) -> dict[str, Any]:
        """What the session holds; nothing of one that is unknown, ended or over."""
        now = clock.now()
        key = hashed(self.session_key or "")
        row = Session.objects.filter(session_key=key, expire_date__gt=now).first()
        if row is None:
            # A key that the server didn't make is never taken on.
            self._session_key = None
            return {}
        if (now - row.last_seen_at).total_seconds() >= SEEN_EVERY_SECONDS:
            Session.objects.filter(session_key=key).update(
                last_seen_at=now, expire_date=expiry(row.created_at, now)
            )
        return self.decode(row.session_data)

    def exists(self, session_key: str) -> bool:
        """Whether the key is taken."""
        return Session.objects.filter(session_key=hashed(session_key)).exists()

    def create(self) -> None:
        """Take a new key and write the session under it."""
        self._session_key = self._get_new_session_key()  # type: ignore[attr-defined]
        self.save(must_create=True)
        self.modified = True

    def save(self, must_create: bool = False) -> None:  # noqa: FBT001, FBT002 - Django's signature
        """Write what the session holds. Raises CreateError; UpdateError when it was ended."""
        if self.session_key is None:
            self.create()
            return
        data = self._get_session(no_load=must_create)  # type: ignore[attr-defined]
        values = {
            "session_data": self.encode(data),
            "account_id": data.get(SESSION_KEY),
            **data.get(ORIGIN, {}),
        }
        key = hashed(self.session_key)
        if must_create:
            now = clock.now()
            row = Session(
                session_key=key,
                created_at=now,
                last_seen_at=now,
                expire_date=expiry(now, now),
                **values,
            )
            try:
                with transaction.atomic():
                    row.save(force_insert=True)
            except IntegrityError:
                raise CreateError from None
        elif not Session.objects.filter(session_key=key).update(**values):
            raise UpdateError

    def delete(self, session_key: str | None = None) -> None:
        """End the session, or the one with this key."""
        key = session_key or self.session_key
        if key is not None:
            Session.objects.filter(session_key=hashed(key)).delete()

    @classmethod
    def clear_expired(cls) -> None:
        """Delete the sessions that are over."""
        Session.objects.filter(expire_date__lte=clock.now()).delete()
