"""When the server turns devices away for a while, or everybody, and why.

Apps name the reasons at start-up: a maintenance window, a database that was restored. A process
asks again a second after it last asked: a closure is seen everywhere within that.
"""

import math
import random
import time
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from typing import Final

from semafore.kernel.problems import Problem

FRESH_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Closure:
    """Why the server is closed, as the answer to whoever comes."""

    problem: Problem
    """Of status 503, with `retry_after`."""
    everybody: bool
    """Consoles and the audit API too; else devices alone."""
    spread: int = 0
    """Over so many seconds those return who are turned away together."""
    ready: bool = True
    """False: nothing may build on the database either; `/readyz` fails, and sweeps wait."""

    def answer(self) -> Problem:
        """The problem for one of them, who is to come back at a moment of their own."""
        problem = copy(self.problem)
        if problem.retry_after is not None:
            problem.retry_after += random.randint(0, self.spread)  # noqa: S311 - no secret
        return problem


Reason = Callable[[], Closure | None]


class Closing:
    """What this process knows of closures."""

    def __init__(self) -> None:
        self._reasons: list[Reason] = []
        self._closure: Closure | None = None
        self._ready = True
        self._asked_at = -math.inf

    def register(self, reason: Reason) -> None:
        """Add a reason; it is asked in each process, about once a second, in no organisation."""
        self._reasons.append(reason)

    def closure(self) -> Closure | None:
        """The reason that closes most, the first of them; None while the server is open.

        Raises what a reason raises, such as OperationalError where the database is away.
        """
        now = time.monotonic()
        if now - self._asked_at >= FRESH_SECONDS:
            found = [closure for reason in self._reasons if (closure := reason())]
            self._closure = max(found, key=lambda one: one.everybody, default=None)
            self._ready = all(closure.ready for closure in found)
            # Not before: a reason that raised, or that another thread still asks, is no answer.
            self._asked_at = now
        return self._closure

    def ready(self) -> bool:
        """Whether the database may be built on. Raises what `closure` does."""
        self.closure()
        return self._ready

    def ask_anew(self) -> None:
        """Whoever has just closed or opened something sees it at once, in this process."""
        self._asked_at = -math.inf


CLOSING = Closing()
