"""GOV.UK Notify, by its official client (requirements/notify.txt). It keeps the texts itself."""

from collections.abc import Mapping

from django.conf import settings
from notifications_python_client.errors import APIError, InvalidResponse
from notifications_python_client.notifications import NotificationsAPIClient

from invitations.sms.messages import SmsError, Template, refused

SERVICE = "GOV.UK Notify"


def deliver(to: str, template: Template, values: Mapping[str, str]) -> None:
    """Create a notification. Raises SmsError.

    The client's exceptions are not chained: their requests hold the values and the credentials.
    """
    client = NotificationsAPIClient(  # type: ignore[no-untyped-call]
        settings.NOTIFY_API_KEY,
        base_url=settings.NOTIFY_BASE_URL,
        timeout=settings.SMS_TIMEOUT_SECONDS,
    )
    try:
        answer = client.send_sms_notification(  # type: ignore[no-untyped-call]
            to, settings.NOTIFY_TEMPLATES[template], personalisation=dict(values)
        )
    except InvalidResponse:
        answer = None
    except APIError as error:
        if error.response is None:
            raise SmsError(f"{SERVICE} could not be reached.", permanent=False) from None
        raise refused(SERVICE, error.status_code) from None
    if not isinstance(answer, dict) or "id" not in answer:
        raise SmsError(f"{SERVICE} gave an answer that makes no sense.", permanent=False)
