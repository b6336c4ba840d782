"""Ends of sessions. They begin in Django's `login()`, and are stored by `orgs/sessions.py`."""

from uuid import UUID

from django.db import transaction
from django.db.models import Exists

from audit.services.recording import record, record_platform
from orgs.events import sign_in as events
from orgs.models import Account, Session
from orgs.selectors.seats import entering
from orgs.sessions import hashed
from semafore.kernel import clock
from semafore.kernel.problems import NotFound
from semafore.kernel.tasks import delete_batch


@transaction.atomic
def end_session(*, account: Account, session_id: UUID) -> None:
    """End one of the person's own sessions. Raises NotFound, also for somebody else's."""
    deleted, _ = Session.objects.filter(account=account, id=session_id).delete()
    if not deleted:
        raise NotFound
    record_platform(
        events.SessionsEnded(account_id=account.id, count=1, reason="ended by the person")
    )


@transaction.atomic
def end_sessions(*, account: Account, reason: str, keep: str | None = None) -> int:
    """End all sessions of an account, but the one with the key `keep`; how many."""
    sessions = Session.objects.filter(account=account)
    if keep is not None:
        sessions = sessions.exclude(session_key=hashed(keep))
    count, _ = sessions.delete()
    if count:
        record_platform(events.SessionsEnded(account_id=account.id, count=count, reason=reason))
    return count


@transaction.atomic
def end_sessions_without_seat(*, account: Account) -> None:
    """End all sessions of an account that may enter no console any more.

    The same statements whether or not it may: the organisation that asks can't time it.
    """
    seatless = Session.objects.filter(~Exists(entering(account)), account=account)
    count, _ = seatless.delete()
    record_platform(
        events.SessionsEnded(account_id=account.id, count=count, reason="no console is left")
    )


@transaction.atomic
def sign_out(*, account: Account) -> None:
    """Record that the person ends their session; Django's `logout()` ends it."""
    record_platform(events.SignedOut(account_id=account.id))


@transaction.atomic
def enter_console() -> None:
    """Record that the current actor opened the console of the organisation in scope."""
    record(events.ConsoleEntered())


def delete_expired_sessions() -> int:
    """Delete one batch of sessions that are over; how many."""
    return delete_batch("orgs_session", "expire_date <= %s", [clock.now()])
