"""The doctor's look at mail."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.core.mail import get_connection

from orgs.selectors.mail import mail_health
from semafore.kernel.doctor import Finding, doubtful, fine, wrong
from semafore.kernel.doctor.tasks import in_words

DELAYED: Final = timedelta(minutes=15)
SMTP: Final = "django.core.mail.backends.smtp.EmailBackend"


def mail_server() -> Iterator[Finding]:
    """It takes connections and our sign-in; nothing is sent."""
    if settings.EMAIL_BACKEND != SMTP:
        yield wrong(
            "mail is written to files, and reaches nobody",
            "Set EMAIL_URL to the mail server: smtp://user:password@host:587",
        )
        return
    try:
        with get_connection():
            pass
    except OSError as error:  # so SMTPException too; what it says may name the user
        yield wrong(
            f"the mail server takes no connection of ours ({type(error).__name__})",
            "See that EMAIL_URL names it, with a user and password that it takes.",
        )
    else:
        yield fine("it takes our connection")


def mail() -> Iterator[Finding]:
    """What is to be sent is sent."""
    health = mail_health()
    if health.oldest_age > DELAYED:
        yield wrong(
            f"{health.waiting} mails wait, the first for {in_words(health.oldest_age)}",
            'Look for "mail" in the worker\'s log: it says what the server refused them with.',
        )
    elif health.given_up:
        yield doubtful(
            f"{health.given_up} mails of the last two days were given up",
            'Look for "mail" in the worker\'s log; who waits for one can have it sent again.',
        )
    else:
        yield fine(f"{health.waiting} wait to be sent")
