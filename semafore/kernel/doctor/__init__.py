"""What `manage.py doctor` looks at: small looks that apps register, each with its remedy."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

import redis
from django.db import DatabaseError, InterfaceError
from kombu.exceptions import OperationalError as BrokerAway
from psycopg_pool import PoolTimeout


class State(StrEnum):
    """How something is. What can't be looked at is no better than wrong."""

    OK = "ok"
    WARNING = "warning"
    WRONG = "wrong"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line, and what to do about it; neither names a person or an organisation."""

    state: State
    says: str
    remedy: str = ""


def fine(says: str) -> Finding:
    """All is well; with what was found."""
    return Finding(State.OK, says)


def doubtful(says: str, remedy: str) -> Finding:
    """Nothing is broken yet, or nothing that the whole server needs."""
    return Finding(State.WARNING, says, remedy)


def wrong(says: str, remedy: str) -> Finding:
    """Something doesn't work, or can't be trusted."""
    return Finding(State.WRONG, says, remedy)


Look = Callable[[], Iterable[Finding]]

DATABASE_AWAY = (DatabaseError, InterfaceError, PoolTimeout)
REDIS_AWAY = (redis.RedisError, BrokerAway)


class Doctor:
    """The looks, in the order of their registration."""

    def __init__(self) -> None:
        self._looks: dict[str, tuple[Look, bool]] = {}

    def register(self, about: str, look: Look, *, needs_database: bool = True) -> None:
        """Add a look. One that needs the database isn't asked while that is away."""
        if about in self._looks:
            raise ValueError(f"somebody looks at {about} already")
        self._looks[about] = (look, needs_database)

    def findings(self) -> Iterator[tuple[str, Finding]]:
        """What each look finds, as it finds it; none of them stops the others."""
        away = False
        for about, (look, needs_database) in self._looks.items():
            if away and needs_database:
                yield about, _not_seen("the database is away")
                continue
            try:
                for finding in look():
                    yield about, finding
            except DATABASE_AWAY:
                away = True
                yield about, _not_seen("the database is away")
            except REDIS_AWAY:
                yield about, _not_seen("Redis is away")
            except Exception as error:  # noqa: BLE001 - whatever it is, the others go on
                # Its words could hold an address or a password of the configuration.
                yield about, _not_seen(f"the look failed ({type(error).__name__})")


def _not_seen(why: str) -> Finding:
    return Finding(State.UNKNOWN, f"can't be looked at: {why}", "Mend that first, then look again.")


DOCTOR = Doctor()
