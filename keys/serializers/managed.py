"""What an organisation wants of the app, and what a device says of itself."""

from typing import Any

from rest_framework import serializers

from keys.models import Deviation
from keys.services.posture import PostureReport
from orgs.managed_app import LOCK_MINUTES
from semafore.kernel.app_version import TEXT, version_of
from semafore.kernel.http.fields import (
    StrictBooleanField,
    StrictIntegerField,
    StrictSerializer,
)

OS_VERSION = r"^[0-9]{1,5}(\.[0-9]{1,5}){0,3}\Z"
CONFIG_VERSION_MAX = 2**31 - 1


class ManagedConfigSerializer(serializers.Serializer[Any]):
    """`ManagedConfig.values`."""

    organisation_id = serializers.UUIDField()
    config_version = serializers.IntegerField()
    backup_allowed = serializers.BooleanField()
    screenshots_allowed = serializers.BooleanField()
    clipboard_allowed = serializers.BooleanField()
    min_app_version = serializers.CharField(allow_blank=True)
    lock_after_minutes = serializers.IntegerField()
    wipe_on_revocation = serializers.BooleanField()


class InForceSerializer(StrictSerializer):
    """The settings that the app keeps to just now, whoever asked for them."""

    backup_allowed = StrictBooleanField()
    screenshots_allowed = StrictBooleanField()
    clipboard_allowed = StrictBooleanField()
    lock_after_minutes = StrictIntegerField(min_value=LOCK_MINUTES[0], max_value=LOCK_MINUTES[1])
    wipe_on_revocation = StrictBooleanField()


class PostureSerializer(StrictSerializer):
    """Body of `PUT posture`: numbers and yes or no, no text of anybody's."""

    app_version = serializers.RegexField(f"^{TEXT.pattern}\\Z", max_length=14)
    os_version = serializers.RegexField(OS_VERSION, max_length=30)
    passcode_set = StrictBooleanField(allow_null=True)
    encrypted = StrictBooleanField(allow_null=True)
    managed = StrictBooleanField()
    config_version = StrictIntegerField(min_value=0, max_value=CONFIG_VERSION_MAX)
    in_force = InForceSerializer()

    def to_report(self) -> PostureReport:
        """For the service."""
        fields = dict(self.validated_data)
        return PostureReport(
            app_version=version_of(fields.pop("app_version")), **fields.pop("in_force"), **fields
        )


class DeviationsSerializer(serializers.Serializer[Any]):
    """In what the device differs from what its organisation wants."""

    deviations = serializers.ListField(child=serializers.ChoiceField(choices=Deviation.choices))
