"""What a device says of itself: where it is woken, which screenshots were taken."""

import re
from datetime import datetime, timedelta
from typing import Any

from django.db.models import TextChoices
from rest_framework import serializers

from keys.models import Platform
from messaging.models import Environment, PushService, ScreenshotReport
from messaging.push.outcomes import Target
from semafore.kernel import clock
from semafore.kernel.http.fields import MomentField, StrictSerializer, StrictUUIDField

APNS_TOKEN = re.compile(r"([0-9a-fA-F]{2}){32,100}")
"""Apple's are 32 bytes and may grow; it stands in an address."""
FCM_TOKEN = re.compile(r"[A-Za-z0-9_:.-]{1,2000}")

FAST_BY = timedelta(minutes=5)
REPORTED_WITHIN = timedelta(days=30)


class PushPlatform(TextChoices):
    """Whose push service a device has."""

    IOS = "ios", "iOS"
    ANDROID = "android"


OF_PLATFORM = {
    PushPlatform.IOS: (PushService.APNS, APNS_TOKEN),
    PushPlatform.ANDROID: (PushService.FCM, FCM_TOKEN),
}


class PushTokenSerializer(StrictSerializer):
    """Body of `PUT push-token`; the environment is Apple's affair alone."""

    platform = serializers.ChoiceField(choices=PushPlatform.choices)
    token = serializers.CharField(max_length=2000)
    environment = serializers.ChoiceField(
        choices=Environment.choices, default=Environment.PRODUCTION
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """A token as this platform's service gives them. Raises ValidationError."""
        _, pattern = OF_PLATFORM[attrs["platform"]]
        if pattern.fullmatch(attrs["token"]) is None:
            raise serializers.ValidationError(
                {"token": serializers.ErrorDetail("Not a token of this platform.", "token_invalid")}
            )
        return attrs

    def to_target(self) -> Target:
        """For the service."""
        service, _ = OF_PLATFORM[self.validated_data["platform"]]
        environment = Environment(self.validated_data["environment"])
        return Target(service, environment, self.validated_data["token"])


class ScreenshotSerializer(StrictSerializer):
    """Body of `POST screenshot-reports`."""

    room_id = StrictUUIDField()
    taken_at = MomentField()
    platform = serializers.ChoiceField(choices=Platform.choices)

    def validate_taken_at(self, taken_at: datetime) -> datetime:
        """By the device's clock, which may be a little fast. Raises ValidationError."""
        now = clock.now()
        if taken_at > now + FAST_BY:
            raise serializers.ValidationError("This is in the future.", code="in_the_future")
        if taken_at < now - REPORTED_WITHIN:
            raise serializers.ValidationError("This is too long ago.", code="too_long_ago")
        return taken_at


class ReportedSerializer(serializers.Serializer[ScreenshotReport]):
    """The report's id."""

    id = serializers.UUIDField()
