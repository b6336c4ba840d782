"""Guesses at passwords and codes: counted in rows before they are tried, locked after five.

A guess is charged before it is checked, and given back when it was right: so many guesses at once
are never more than five, and no lock is held while a password is hashed.
"""

import math
from datetime import datetime

from django.db import transaction
from django.db.models import TextChoices

from audit.registry import What
from audit.services.denials import Denial, count_denials
from audit.services.recording import record_platform
from orgs.errors import SignInLocked
from orgs.events import sign_in as events
from orgs.models import Account, Attempts
from orgs.selectors.sign_in import LOCKED_FOR, account_by_email, locked_until, subject_of
from semafore.kernel import clock
from semafore.kernel.problems import Problem
from semafore.kernel.tasks import delete_batch


class Stage(TextChoices):
    """What is guessed at."""

    PASSWORD = "password"  # noqa: S105 - a stage
    CODE = "code"


@transaction.atomic
def charge(*, email: str, stage: Stage) -> bool:
    """Count a guess that is about to be tried; whether it is the last before the lock.

    Raises SignInLocked, also for unknown emails.
    """
    subject, now = subject_of(email), clock.now()
    Attempts.objects.bulk_create([Attempts(subject=subject)], ignore_conflicts=True)
    attempts = Attempts.objects.select_for_update().get(subject=subject)
    until = locked_until(attempts)
    if until is not None:
        raise _locked(until)
    if now - attempts.last_at >= LOCKED_FOR:
        attempts.passwords = attempts.codes = 0
    if stage is Stage.PASSWORD:
        attempts.passwords += 1
    else:
        attempts.codes += 1
    attempts.last_at = now
    attempts.save(update_fields=["passwords", "codes", "last_at"])
    return locked_until(attempts) is not None


@transaction.atomic
def give_back(*, email: str, stage: Stage) -> None:
    """The guess was right: those before it are forgotten; the other kind's are not."""
    changed = {"passwords": 0} if stage is Stage.PASSWORD else {"codes": 0}
    Attempts.objects.filter(subject=subject_of(email)).update(**changed)


def refuse(
    *, email: str, stage: Stage, last: bool, problem: Problem, failed: What | None = None
) -> Problem:
    """The problem to raise for a wrong guess, once it is counted for the log.

    `failed` is what an organisation's log says of it, where the guess was made in its console.
    """
    account: Account | None = account_by_email(email)
    account_id = account.id if account else None
    what = failed or events.SignInFailed(account_id=account_id, stage=stage.value)
    count_denials([Denial(what)])
    if not last:
        return problem
    with transaction.atomic():
        record_platform(events.AccountLocked(account_id=account_id, stage=stage.value))
    return _locked(clock.now() + LOCKED_FOR)


def _locked(until: datetime) -> SignInLocked:
    wait = math.ceil((until - clock.now()).total_seconds())
    minutes = math.ceil(wait / 60)
    return SignInLocked(
        f"Too many wrong attempts. Try again at {until:%H:%M} UTC,"
        f" in {minutes} minute{'' if minutes == 1 else 's'}.",
        retry_after=wait,
    )


def drop_attempts() -> int:
    """Delete one batch of counts that no longer count; how many."""
    return delete_batch("orgs_attempts", "last_at < %s", [clock.now() - LOCKED_FOR])
