"""The log process: gives events their places, signs, publishes; `manage.py audit_log run`.

It needs PostgreSQL and its own file, neither Celery nor Redis.
"""

import logging
import time
from dataclasses import dataclass
from functools import partial

from django.db import InterfaceError, OperationalError, connection
from psycopg_pool import PoolTimeout

from audit.logs import Log
from audit.selectors.incarnations import incarnation
from audit.selectors.tree import tree_head
from audit.selectors.waiting import begun_logs, logs_called, logs_that_wait, logs_unsigned
from audit.services.incarnations import mark_restored, vouch
from audit.services.keys import bring_keys_up_to_date
from audit.services.sequencer import sequence
from audit.services.signer import Refusal, RefusedError, check, halt, sign
from audit.state import SignerState

logger = logging.getLogger(__name__)

POLL = 0.25
"""Seconds between looks for work."""
APART = 1.0
"""Seconds between two checkpoints of a busy log."""
PATIENCE = 5.0
"""Seconds until a refused or failing log, or a database that is away, is tried again, at most."""
AWAY = (OperationalError, InterfaceError, PoolTimeout)
"""What is raised where a connection can't be had or breaks, and now and then for other reasons."""


class DatabaseAwayError(Exception):
    """The database doesn't answer."""


@dataclass(frozen=True, slots=True)
class _Rest:
    """A log that was refused or failed, and from when on it is tried again."""

    log: Log
    until: float


class LogProcess:
    """One process's work on all logs. Ends after the transaction in which `ask_to_end` came."""

    def __init__(self, state: SignerState) -> None:
        self._state = state
        self._ending = False
        self._looked_at: str | None = None
        """The database all of whose logs were looked at."""
        self._vouched: str | None = None
        self._lost: set[str] = set()
        self._keyed: set[tuple[str, int]] = set()
        self._signed_at: dict[str, float] = {}
        self._resting: dict[str, _Rest] = {}
        self._refused: dict[str, Refusal] = {}

    def ask_to_end(self, *_: object) -> None:
        """Also a signal's handler."""
        self._ending = True

    def run(self) -> None:
        """Work until asked to end; a database that is away is waited for."""
        pause = POLL
        away = False
        while not self._ending:
            try:
                busy = self._round(apart=APART)
            except (DatabaseAwayError, *AWAY) as error:
                connection.close()
                self._look_anew()
                if not away:
                    cause = str(error.__cause__).partition("\n")[0]
                    logger.warning("the database is away, and waited for: %s", cause)
                away, pause = True, min(pause * 2, PATIENCE)
            else:
                if away:
                    logger.warning("the database is back")
                away, pause = False, POLL
                if busy:
                    continue
            self._sleep(pause)

    def drain(self) -> bool:
        """Work until nothing waits; whether every log was willing."""
        while self._round(apart=0) and not self._ending:
            pass
        return not self._resting

    def _sleep(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not self._ending and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, POLL))

    def _round(self, *, apart: float) -> bool:
        """A batch of every log that has work, and a checkpoint where one is due; whether any grew.

        In a database that is new to it all logs are looked at: something may have been left half
        done, the database may have gone back, and keys may have changed. Where all is well it
        vouches for the database (ADR 0019).
        """
        database = incarnation()
        logs = {log.log_id: log for log in [*logs_that_wait(), *logs_unsigned()]}
        if self._looked_at != database:
            logs |= self._all_logs()
            self._looked_at = database
        logs |= {log_id: rest.log for log_id, rest in self._resting.items()}
        grown = False
        for log in logs.values():
            if self._ending:
                return False
            rest = self._resting.get(log.log_id)
            if rest is None or rest.until <= time.monotonic():
                grown |= self._guarded(log, apart)
        # A connection that broke meanwhile may have come back to another database.
        looked = self._looked_at == database and not self._resting and not self._lost
        if looked and self._vouched != database:
            vouch(database)
            self._vouched = database
        return grown

    def _all_logs(self) -> dict[str, Log]:
        """Those of the database; one that only the file knows is lost with its organisation."""
        signed = self._state.log_ids()
        logs = {log.log_id: log for log in [*begun_logs(), *logs_called(signed)]}
        self._resting = {id_: rest for id_, rest in self._resting.items() if id_ in logs}
        self._lost = set(signed) - logs.keys()
        if self._lost:
            mark_restored()
        return logs

    def _guarded(self, log: Log, apart: float) -> bool:
        """Whether the log grew; its trouble is logged, and stops no other."""
        try:
            grown = self._advance(log, apart)
        except RefusedError:
            return self._refuse(log)
        except Exception as error:
            if isinstance(error, AWAY):
                self._look_anew()
                if not _answers():
                    raise DatabaseAwayError from error
            logger.exception("the log %s failed, and is tried again", log.log_id)
            self._rest(log)
            return False
        self._resting.pop(log.log_id, None)
        self._refused.pop(log.log_id, None)
        return grown

    def _advance(self, log: Log, apart: float) -> bool:
        may_grow = partial(check, log, state=self._state)
        origin = log.log_id, tree_head(log).origin_number
        if origin not in self._keyed:
            bring_keys_up_to_date(log, check=may_grow)
            self._keyed.add(origin)
        grown = sequence(log, check=may_grow) > 0
        now = time.monotonic()
        if now - self._signed_at.get(log.log_id, -apart) >= apart:
            self._signed_at[log.log_id] = now
            sign(log, self._state)
        return grown

    def _refuse(self, log: Log) -> bool:
        """Halt the log, unless what was refused is over by now."""
        refused = halt(log, self._state)
        if refused is None:
            return True
        if self._refused.get(log.log_id) != refused.refusal:
            logger.error("the log %s is halted: %s", log.log_id, refused)
        self._refused[log.log_id] = refused.refusal
        self._rest(log)
        return False

    def _rest(self, log: Log) -> None:
        self._resting[log.log_id] = _Rest(log, time.monotonic() + PATIENCE)

    def _look_anew(self) -> None:
        """What comes back after a connection broke may be a copy of an earlier moment."""
        self._looked_at = self._vouched = None


def _answers() -> bool:
    """Whether the database does; a connection that broke is given up."""
    connection.close()
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except AWAY:
        connection.close()
        return False
    return True
