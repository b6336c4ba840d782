"""Mailboxes: what expires, and what was heard."""

from messaging.services import expiry, notices
from semafore.kernel.tasks import system_task

expire_envelopes = system_task("messaging.expire_envelopes")(expiry.expire_envelopes)
drop_heard_notices = system_task("messaging.drop_heard_notices")(notices.drop_heard_notices)
