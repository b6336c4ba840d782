"""The two steps of a sign-in, and the second one again later."""

from django.contrib.auth import authenticate
from django.db import transaction

from audit.registry import What
from audit.services.recording import record, record_platform
from orgs.errors import CodeRefused, SignInRefused
from orgs.events import sign_in as events
from orgs.models import Account
from orgs.services.attempts import Stage, charge, give_back, refuse
from orgs.services.factors import verify_factor

# Not `transaction.atomic` as a whole: a guess stays counted though it is refused.


def prove_password(*, email: str, password: str) -> Account:
    """The first step: the account of this email and password.

    The same work and the same answer whether the email is unknown or the password wrong: Django's
    `authenticate` hashes either way. Raises SignInRefused, SignInLocked.
    """
    last = charge(email=email, stage=Stage.PASSWORD)
    account = authenticate(username=email.strip().lower(), password=password)
    if not isinstance(account, Account):
        raise refuse(email=email, stage=Stage.PASSWORD, last=last, problem=SignInRefused())
    give_back(email=email, stage=Stage.PASSWORD)
    return account


def prove_factor(*, account: Account, code: str, failed: What | None = None) -> None:
    """A code of the authenticator, or a recovery code, counted by email over all sessions.

    `failed` is for an organisation's own log. Raises CodeRefused, SignInLocked.
    """
    email = account.email or str(account.id)
    last = charge(email=email, stage=Stage.CODE)
    if not verify_factor(account=account, code=code):
        raise refuse(email=email, stage=Stage.CODE, last=last, problem=CodeRefused(), failed=failed)
    give_back(email=email, stage=Stage.CODE)


def sign_in(*, account: Account, code: str) -> None:
    """The second step; the view then lets Django open the session.

    Raises CodeRefused, SignInLocked.
    """
    prove_factor(account=account, code=code)
    record_sign_in(account=account)


@transaction.atomic
def record_sign_in(*, account: Account) -> None:
    """Record a sign-in that password and second factor have earned."""
    record_platform(events.SignedIn(account_id=account.id))


def step_up(*, account: Account, code: str) -> None:
    """The second factor again, for the person's own pages. Raises CodeRefused, SignInLocked."""
    prove_factor(account=account, code=code)
    with transaction.atomic():
        record_platform(events.SteppedUp(account_id=account.id))


def step_up_in_console(*, account: Account, code: str) -> None:
    """The same for pages of the organisation in scope, in its own log.

    Raises CodeRefused, SignInLocked.
    """
    prove_factor(account=account, code=code, failed=events.ConsoleStepUpFailed())
    with transaction.atomic():
        record(events.ConsoleSteppedUp())
