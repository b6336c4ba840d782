"""Text messages and mail of the demo's past: nobody gets them, and the codes can be read."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from django.conf import settings
from django.test.utils import override_settings

from invitations.models import Delivery, Invitation
from invitations.services.delivery import GIVE_UP_AFTER, deliver
from invitations.services.phone_codes import send_due_codes
from semafore.kernel import clock
from semafore.kernel.actor import SYSTEM, acting_as

NOBODY_LISTENS = {
    "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
    "EMAIL_HOST": "127.0.0.1",
    "EMAIL_PORT": 1,
}


@contextmanager
def past_post() -> Iterator[None]:
    """Within the block, whatever is sent goes to a file that is gone after it."""
    with (
        TemporaryDirectory() as folder,
        override_settings(
            SMS_BACKEND="file",
            SMS_FILE=str(Path(folder) / "sms.jsonl"),
            EMAIL_BACKEND="django.core.mail.backends.dummy.EmailBackend",
        ),
    ):
        yield


def receive_code() -> str:
    """Send the code that was just asked for, as the worker would, and read it."""
    with acting_as(SYSTEM):
        send_due_codes()
    *_, message = Path(settings.SMS_FILE).read_text(encoding="utf-8").splitlines()
    return str(json.loads(message)["text"]).partition(" ")[0]


def deliver_all() -> None:
    """Carry every invitation that waits to be sent."""
    for invitation in Invitation.objects.filter(delivery=Delivery.QUEUED):
        carry(invitation, arrives=True)


def carry(invitation: Invitation, *, arrives: bool) -> None:
    """Send the link, as the worker would; or fail at it until the worker gave up."""
    queued = Invitation.objects.select_related("organisation").get(id=invitation.id)
    with acting_as(SYSTEM):
        if arrives:
            deliver(invitation=queued)
        else:
            with clock.moved_by(GIVE_UP_AFTER), override_settings(**NOBODY_LISTENS):
                deliver(invitation=queued)
