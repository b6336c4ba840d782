"""What no organisation holds: the account, what goes with it, and the platform's own log."""

from collections.abc import Collection, Iterator
from uuid import UUID

from django.contrib.admin.models import LogEntry
from django.db import connection
from django.db.models import Q

from audit.models import PlatformDenial
from invitations.models import PhoneQuota
from invitations.selectors.held import quota_key
from orgs.models import Account, Attempts, Factor, Mail, MailedLink, RecoveryCode, Session
from orgs.selectors.sign_in import subject_of
from semafore.kernel.hooks import Holding

Row = tuple[object, ...]

NOT_LISTED = "That there is one; what it is made of is not listed."

# Ids as canonical JSON writes them: the account's, and whichever of its memberships acted.
PLATFORM_EVENTS = """
SELECT (said->>'time')::timestamptz, said->>'type' FROM (
    SELECT id, convert_from(what, 'UTF8')::jsonb AS said FROM audit_platformevent
    WHERE EXISTS (
        SELECT FROM unnest(%(ids)s::text[]) AS one(id)
        WHERE position(convert_to(one.id, 'UTF8') IN coalesce(what, '')) > 0
           OR position(convert_to(one.id, 'UTF8') IN coalesce(who, '')) > 0
    )
) AS named ORDER BY id
"""


def account_holdings(
    account: Account, membership_ids: Collection[UUID], emails: Collection[str]
) -> list[Holding]:
    """Of the account; `emails` are all addresses by which anybody knows the person."""
    ids = [str(account.id), *map(str, membership_ids)]
    return [
        Holding(
            title="Account",
            name="account",
            columns=(
                *("Account", "Phone", "Email", "Created", "Last sign-in", "Active", "Operator"),
                "Password",
            ),
            rows=[_account(account)],
            note="Of a password there is an Argon2 hash.",
        ),
        Holding(
            title="Sessions at the console",
            name="sessions",
            columns=("Session", "Began", "Last seen", "Ends", "Address", "Program"),
            rows=Session.objects.filter(account=account)
            .order_by("created_at")
            .values_list(
                "id", "created_at", "last_seen_at", "expire_date", "address", "user_agent"
            ),
        ),
        Holding(
            title="Second factor",
            name="factor",
            columns=("Set up", "Set up by a mailed link"),
            rows=Factor.objects.filter(account=account).values_list(
                "confirmed_at", "set_up_by_link"
            ),
            note=NOT_LISTED,
        ),
        Holding(
            title="Recovery codes",
            name="recovery_codes",
            columns=("Used",),
            rows=RecoveryCode.objects.filter(account=account)
            .order_by("used_at")
            .values_list("used_at"),
            note="Of each there is a keyed hash.",
        ),
        Holding(
            title="Links that were mailed",
            name="mailed_links",
            columns=("Purpose", "Expires", "Used"),
            rows=MailedLink.objects.filter(account=account)
            .order_by("expires_at")
            .values_list("purpose", "expires_at", "used_at"),
            note="Of each there is a hash.",
        ),
        Holding(
            title="Mails to the person",
            name="mails",
            columns=("To", "About", "Written", "Sent"),
            rows=Mail.objects.filter(to__in=emails)
            .order_by("created_at")
            .values_list("to", "template", "created_at", "sent_at"),
            note="What stands in it is kept for two days and not listed: it may name others.",
        ),
        Holding(
            title="Wrong guesses at the person's sign-in",
            name="attempts",
            columns=("Passwords", "Codes", "Last"),
            rows=Attempts.objects.filter(subject__in=[subject_of(one) for one in emails])
            .order_by("last_at")
            .values_list("passwords", "codes", "last_at"),
        ),
        Holding(
            title="Acts at the operator's site",
            name="operator_acts",
            columns=("At", "On what"),
            rows=LogEntry.objects.filter(Q(user_id=account.pk) | Q(object_id=str(account.pk)))
            .order_by("action_time")
            .values_list("action_time", "object_repr"),
        ),
        Holding(
            title="Entries of the platform's own log",
            name="platform_events",
            columns=("At", "Type"),
            rows=_platform_events(ids),
        ),
        Holding(
            title="Refusals on their way to the platform's own log, within a minute",
            name="platform_denials",
            columns=("First", "Last"),
            rows=_platform_denials(ids),
        ),
    ]


def quota_holding(phone: str) -> Holding:
    """Of a number, whosever it is."""
    return Holding(
        title="Codes sent to the number lately, by all organisations together",
        name="phone_quota",
        columns=("Since", "Sent"),
        rows=PhoneQuota.objects.filter(phone_hash=quota_key(phone)).values_list("since", "sent"),
        note="The number stands there as a keyed hash.",
    )


def _account(account: Account) -> Row:
    return (
        *(account.id, account.phone, account.email, account.created_at, account.last_login),
        *(account.is_active, account.is_operator),
        "set" if account.has_usable_password() else "none",
    )


def _platform_events(ids: list[str]) -> Iterator[Row]:
    with connection.cursor() as cursor:
        cursor.execute(PLATFORM_EVENTS, {"ids": ids})
        yield from cursor.fetchall()


def _platform_denials(ids: list[str]) -> Iterator[Row]:
    found = PlatformDenial.objects.values_list("first_at", "last_at", "who", "data")
    for first_at, last_at, *said in found:
        if any(one in str(said) for one in ids):
            yield first_at, last_at
