"""Where text messages go. The worker calls; a request never waits for a network."""

import json
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

from django.conf import settings

from semafore.kernel import clock


class Template(StrEnum):
    """What a message says; GOV.UK Notify keeps the words itself, under an id for each."""

    PHONE_CODE = "phone_code"
    INVITATION = "invitation"
    APPROVAL_WAITING = "approval_waiting"


TEXTS = {
    Template.PHONE_CODE: "{code} is your SemaFore code, valid for 5 minutes. Don't pass it on.",
    Template.INVITATION: "{organisation} invites you to SemaFore: {link}",
    Template.APPROVAL_WAITING: "SemaFore: somebody waits for approval at {organisation}. {link}",
}


class SmsError(Exception):
    """The message was not taken. `permanent` ones are not tried again."""

    def __init__(self, reason: str, *, permanent: bool) -> None:
        super().__init__(reason)
        self.permanent = permanent


def send(*, to: str, template: Template, values: Mapping[str, str]) -> None:
    """Hand a message for an E.164 number to the backend. Raises SmsError."""
    text = TEXTS[template].format(**values)
    line = {"at": clock.now().isoformat(), "to": to, "template": template, "text": text}
    with Path(settings.SMS_FILE).open("a", encoding="utf-8") as outbox:
        outbox.write(json.dumps(line) + "\n")
