"""Twilio's HTTP interface, which other services copy (TWILIO_BASE_URL)."""

from collections.abc import Mapping
from typing import Any

import httpx
from django.conf import settings

from invitations.sms.messages import TEXTS, SmsError, Template, refused

SERVICE = "The SMS service"


def deliver(to: str, template: Template, values: Mapping[str, str]) -> None:
    """Create a message. Raises SmsError.

    Exceptions of httpx are not chained: their requests hold the text and the credentials.
    """
    sender = settings.TWILIO_FROM
    message = {
        "To": to,
        "MessagingServiceSid" if sender.startswith("MG") else "From": sender,
        "Body": TEXTS[template].format(**values),
    }
    try:
        answer = httpx.post(
            f"{settings.TWILIO_BASE_URL}/2010-04-01/Accounts/"
            f"{settings.TWILIO_ACCOUNT_SID}/Messages.json",
            auth=(settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKEN),
            data=message,
            timeout=settings.SMS_TIMEOUT_SECONDS,
        )
    except httpx.HTTPError:
        raise SmsError(f"{SERVICE} could not be reached.", permanent=False) from None
    document = _document(answer)
    if not answer.is_success:
        code = document.get("code")
        raise refused(SERVICE, answer.status_code, str(code) if isinstance(code, int) else "")
    if not isinstance(document.get("sid"), str):
        raise SmsError(f"{SERVICE} gave an answer that makes no sense.", permanent=False)


def _document(answer: httpx.Response) -> dict[str, Any]:
    try:
        document = answer.json()
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}
