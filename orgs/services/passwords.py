"""Passwords: changed by who knows the old one, reset by mailed link and second factor."""

from uuid import UUID

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from audit.services.recording import record_platform
from orgs.errors import EmailTaken, LinkInvalid, PasswordRefused, SignInRefused
from orgs.events import sign_in as events
from orgs.models import Account, LinkPurpose
from orgs.selectors.sign_in import has_factor, needs_factor_link, usable_links
from orgs.services.accounts import create_account
from orgs.services.attempts import Stage, charge, give_back, refuse
from orgs.services.links import use_link
from orgs.services.mail import post_asked_mail, post_mail
from orgs.services.sessions import end_sessions
from orgs.services.sign_in import prove_factor


def check_password_rules(password: str, account: Account) -> None:
    """At least 12 characters, not common, not the email. Raises PasswordRefused."""
    try:
        validate_password(password, account)
    except ValidationError as error:
        raise PasswordRefused(" ".join(error.messages)) from None


@transaction.atomic
def create_console_account(*, email: str, password: str) -> Account:
    """The account of somebody who redeems an invitation that was mailed to this address.

    Its first sign-in leads to setting up a second factor. Raises PasswordRefused; EmailTaken when
    the email has an account: then its owner signs in instead.
    """
    email = email.strip().lower()
    check_password_rules(password, Account(email=email))
    try:
        with transaction.atomic():
            return create_account(email=email, password=password)
    except IntegrityError:
        raise EmailTaken from None


def change_password(*, account: Account, current: str, new: str, session_key: str) -> None:
    """Change the password; every session but this one ends.

    A wrong current password counts to the lock. Raises PasswordRefused, SignInRefused,
    SignInLocked.
    """
    check_password_rules(new, account)
    email = account.email or str(account.id)
    last = charge(email=email, stage=Stage.PASSWORD)
    if not account.check_password(current):
        problem = SignInRefused(detail="The current password is not right.")
        raise refuse(email=email, stage=Stage.PASSWORD, last=last, problem=problem)
    give_back(email=email, stage=Stage.PASSWORD)
    with transaction.atomic():
        _set(account, new)
        record_platform(events.PasswordChanged(account_id=account.id))
        end_sessions(account=account, reason="password changed", keep=session_key)


def _set(account: Account, password: str) -> None:
    account.set_password(password)
    account.save(update_fields=["password"])
    if account.email:
        post_mail(to=account.email, template="password_changed")


@transaction.atomic
def request_password_reset(*, email: str) -> None:
    """Have a link mailed, if it is somebody's address: the worker finds out, the page doesn't."""
    post_asked_mail(to=email.strip().lower(), template="password_reset", link=LinkPurpose.PASSWORD)


def reset_password(*, link_id: UUID, password: str, code: str) -> None:
    """Set a new password by a mailed link and the second factor; all sessions end.

    Only somebody who never had a second factor needs none; after a reset of the factor, the
    password is the second proof and can't be reset. Raises LinkInvalid, PasswordRefused,
    CodeRefused, SignInLocked.
    """
    link = usable_links(LinkPurpose.PASSWORD).filter(id=link_id).first()
    if link is None:
        raise LinkInvalid
    account = link.account
    if needs_factor_link(account):
        raise LinkInvalid(
            detail="The second factor of this account was reset: sign in with your password, by"
            " the link that was mailed to you then."
        )
    check_password_rules(password, account)
    if has_factor(account):
        prove_factor(account=account, code=code)
    with transaction.atomic():
        account = use_link(link_id=link_id, purpose=LinkPurpose.PASSWORD, account=account)
        _set(account, password)
        record_platform(events.PasswordReset(account_id=account.id))
        end_sessions(account=account, reason="password reset")
