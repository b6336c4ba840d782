"""Mail in plain text, from `templates/mail/`: the first line of a template is the subject."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string


class MailError(OSError):
    """The mail server can't be reached or refuses; only the kind of the error is told.

    What mail servers answer names addresses, and workers log why they try again.
    """


def send_mail_to(address: str, template: str, context: Mapping[str, Any]) -> None:
    """Send now. For workers: a request never waits for a mail server.

    Raises MailError.
    """
    text = render_to_string(f"mail/{template}.txt", {"base_url": settings.BASE_URL, **context})
    subject, _, body = text.strip().partition("\n")
    message = EmailMessage(" ".join(subject.split()), body.strip() + "\n", to=[address])
    try:
        message.send()
    except OSError as error:  # so SMTPException too
        raise MailError(type(error).__name__) from None
