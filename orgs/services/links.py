"""Single-use links that go by mail: the token is in the mail alone."""

import secrets
from datetime import timedelta
from uuid import UUID

from django.db import transaction

from audit.services.recording import record_platform
from orgs.errors import LinkInvalid
from orgs.events import sign_in as events
from orgs.models import Account, LinkPurpose, MailedLink
from orgs.selectors.sign_in import token_hash, usable_links
from semafore.kernel import clock
from semafore.kernel.tasks import delete_batch

LIFETIMES = {LinkPurpose.PASSWORD: timedelta(hours=1), LinkPurpose.FACTOR: timedelta(hours=24)}


@transaction.atomic
def make_link(*, account: Account, purpose: LinkPurpose) -> str:
    """A new link's token, to be mailed and forgotten; those before it are void."""
    MailedLink.objects.filter(account=account, purpose=purpose).delete()
    token = secrets.token_urlsafe(32)
    MailedLink.objects.create(
        account=account,
        purpose=purpose,
        token_hash=token_hash(token),
        expires_at=clock.now() + LIFETIMES[purpose],
    )
    record_platform(events.LinkMailed(account_id=account.id, purpose=purpose))
    return token


@transaction.atomic
def use_link(*, link_id: UUID, purpose: LinkPurpose, account: Account | None = None) -> Account:
    """Use a link up, in the transaction of what it is for; whose it is.

    Raises LinkInvalid, also when it isn't `account`'s.
    """
    usable = usable_links(purpose).select_for_update(of=("self",))
    link = usable.filter(id=link_id).first()
    if link is None or (account is not None and link.account_id != account.id):
        raise LinkInvalid
    link.used_at = clock.now()
    link.save(update_fields=["used_at"])
    return link.account


def drop_links() -> int:
    """Delete one batch of expired links; how many."""
    return delete_batch("orgs_mailedlink", "expires_at < %s", [clock.now()])
