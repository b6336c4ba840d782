"""Onboarding, linking and changes of number, as the API reads and writes them."""

from typing import Any
from uuid import UUID

from rest_framework import serializers

from invitations.selectors.onboarding import Status
from keys.models import Comparison, Device, Platform
from keys.serializers.bundles import OneTimePreKeySerializer, SignedPreKeySerializer
from keys.serializers.devices import OrganisationSerializer
from keys.services.enrolment import EndorsementUpload, Enrolment
from keys.uploads import OneTimePreKeyUpload, SignedPreKeyUpload
from orgs.models import MembershipKind
from semafore.kernel.http.fields import (
    Base64Field,
    StrictIntegerField,
    StrictSerializer,
    StrictUUIDField,
    UtcField,
)

HINT_DIGITS = 3


def phone_hint(phone: str) -> str:
    """The last digits: enough to know one's own number by, too few to learn another's."""
    return f"…{phone[-HINT_DIGITS:]}" if phone else ""


class OnboardingRequestSerializer(StrictSerializer):
    """Body of `POST onboarding`."""

    invitation_token = serializers.CharField(max_length=200)


class StepSerializer(serializers.Serializer[Any]):
    """A step that is still to come; `set_up`: of totp, whether a POST comes before the PUT."""

    step = serializers.CharField()
    required = serializers.BooleanField()  # type: ignore[assignment]
    set_up = serializers.BooleanField()


class SessionSerializer(serializers.Serializer[Any]):
    """A session token, good until the device is decided about."""

    session_token = serializers.CharField()
    steps = StepSerializer(many=True)


class OnboardingSerializer(serializers.Serializer[Any]):
    """A begun onboarding; `session` only where there is no phone to prove."""

    id = serializers.UUIDField()
    organisation = OrganisationSerializer()
    kind = serializers.ChoiceField(choices=MembershipKind.choices)
    phone_hint = serializers.CharField()
    expires_at = UtcField()
    session = SessionSerializer(allow_null=True)


class CodeSerializer(StrictSerializer):
    """Six digits."""

    code = serializers.RegexField(r"\A[0-9]{6}\Z")


class OtpauthSerializer(serializers.Serializer[Any]):
    """What an authenticator app reads."""

    otpauth_url = serializers.CharField()


class EndorsementUploadSerializer(StrictSerializer):
    """An approved device of the same person signs the new identity key."""

    device_id = StrictUUIDField()
    signature = Base64Field()


class EnrolmentSerializer(StrictSerializer):
    """Body of `POST onboarding/{id}/device`."""

    name = serializers.CharField(max_length=100)
    platform = serializers.ChoiceField(choices=Platform.choices)
    registration_id = StrictIntegerField(min_value=1, max_value=16380)
    identity_key = Base64Field()
    signed_pre_key = SignedPreKeySerializer()
    one_time_pre_keys = OneTimePreKeySerializer(many=True)
    proof = Base64Field()
    endorsement = EndorsementUploadSerializer(required=False)

    def to_enrolment(self) -> Enrolment:
        """For the service."""
        sent = self.validated_data
        endorsement = sent.get("endorsement")
        return Enrolment(
            name=sent["name"],
            platform=sent["platform"],
            registration_id=sent["registration_id"],
            identity_key=sent["identity_key"],
            signed_pre_key=SignedPreKeyUpload(**sent["signed_pre_key"]),
            one_time_pre_keys=[OneTimePreKeyUpload(**key) for key in sent["one_time_pre_keys"]],
            proof=sent["proof"],
            endorsement=EndorsementUpload(**endorsement) if endorsement else None,
        )


class RegisteredSerializer(serializers.Serializer[Any]):
    """A registered device, with the fingerprint to compare."""

    device_id = serializers.UUIDField()
    membership_id = serializers.UUIDField()
    fingerprint = serializers.CharField()
    status = serializers.ChoiceField(choices=[Status.AWAITING_APPROVAL.value])


class StandingSerializer(serializers.Serializer[Any]):
    """Where an onboarding stands; `poll_after` in seconds, null when nothing changes by itself."""

    status = serializers.ChoiceField(choices=[status.value for status in Status])
    reason = serializers.CharField()
    poll_after = serializers.IntegerField(allow_null=True)


class LinkTokenSerializer(serializers.Serializer[Any]):
    """What the new device sends as `invitation_token`."""

    link_token = serializers.CharField()
    expires_at = UtcField()


class ComparedSerializer(StrictSerializer):
    """Body of `POST devices/{id}/approve`."""

    compared = serializers.ChoiceField(choices=Comparison.choices)


class PhoneSerializer(StrictSerializer):
    """Body of `POST me/phone`."""

    phone = serializers.CharField(max_length=30)


class PhoneChangeSerializer(serializers.Serializer[Any]):
    """A change of number on its way."""

    phone_hint = serializers.CharField()
    status = serializers.ChoiceField(choices=["phone", "awaiting_approval"])


def registered(device: Device, fingerprint: str) -> dict[str, UUID | str]:
    """For `RegisteredSerializer`; a replay answers the same, whatever became of the device."""
    return {
        "device_id": device.id,
        "membership_id": device.membership_id,
        "fingerprint": fingerprint,
        "status": Status.AWAITING_APPROVAL,
    }
