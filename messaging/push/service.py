"""The real thing: each token goes to the service that gave it to its device."""

from messaging.models import PushService
from messaging.push import apns, fcm
from messaging.push.outcomes import Target

DELIVER = {PushService.APNS: apns.deliver, PushService.FCM: fcm.deliver}


def deliver(target: Target) -> None:
    """Send it by Apple's or Google's service. Raises PushError, TokenGoneError."""
    DELIVER[target.service](target)
