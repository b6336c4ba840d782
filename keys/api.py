"""REST views of devices, key bundles and device authentication (api.md, `/api/mobile/`)."""

from typing import Any, cast
from uuid import UUID

from django.conf import settings
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from keys.authentication import DeviceTokenAuthentication
from keys.models import RevocationReason
from keys.selectors.bundles import bundle_status
from keys.selectors.credentials import DeviceCredential
from keys.selectors.devices import devices_of, own_device
from keys.serializers.bundles import (
    BundleStatusSerializer,
    PublishSerializer,
    SignedPreKeySerializer,
    render_status,
)
from keys.serializers.claims import (
    BulkClaimResultsSerializer,
    BulkClaimSerializer,
    BundleSerializer,
    render_bundle,
)
from keys.serializers.devices import (
    ChallengeRequestSerializer,
    ChallengeSerializer,
    ConfigSerializer,
    DevicesSerializer,
    MeSerializer,
    TokenRequestSerializer,
    TokenSerializer,
)
from keys.services import bundles, claiming, revocation, tokens
from keys.uploads import BATCH_MAX
from orgs.selectors.maintenance import windows_ahead
from semafore.kernel import clock
from semafore.kernel.http.idempotency import idempotency_key
from semafore.kernel.http.throttles import AddressThrottle
from semafore.kernel.http.views import BaseAPIView, PublicAPIView
from semafore.kernel.permissions import Permission
from semafore.kernel.problems import NotFound, Problem

IDEMPOTENCY_HEADER = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    description="A retry with the same key within 24 hours gets the same one-time pre-keys.",
)


class DeviceAPIView(BaseAPIView):
    """A route for devices with a token."""

    authentication_classes = (DeviceTokenAuthentication,)
    requires = Permission.DEVICE_OWN

    @property
    def credential(self) -> DeviceCredential:
        """Who asks."""
        return cast("DeviceCredential", self.request.auth)

    def own(self, device_id: UUID) -> UUID:
        """The id, if it is the asking device's own. Raises NotFound."""
        if device_id != self.credential.device_id:
            raise NotFound
        return device_id


class ConfigView(PublicAPIView):
    """What a device needs to know before it signs in."""

    throttle_classes = (AddressThrottle,)

    @extend_schema(operation_id="config", responses=ConfigSerializer)
    def get(self, _request: Request) -> Response:
        """Limits, addresses, the server's time."""
        config = {
            "server_time": clock.now(),
            "events_url": settings.EVENTS_URL,
            "spk_max_age_hours": settings.SPK_MAX_AGE.total_seconds() // 3600,
            "spk_grace_period_hours": settings.SPK_GRACE_PERIOD.total_seconds() // 3600,
            "replenishment_threshold": settings.KEY_BUNDLE_REPLENISHMENT_THRESHOLD,
            "one_time_pre_key_batch_max": BATCH_MAX,
            "envelope_max_bytes": settings.ENVELOPE_MAX_BYTES,
            "envelopes_max": settings.ENVELOPES_MAX,
            "room_max_devices": settings.ROOM_MAX_DEVICES,
            "capabilities": [
                "key-bundles",
                "rooms",
                "external-rooms",
                "messages",
                "changes",
                "broadcasts",
                "push",
                "screenshot-reports",
                "log",
                "managed-config",
            ],
            "min_app_version": settings.MIN_APP_VERSION,
            "maintenance": windows_ahead(),
        }
        return Response(ConfigSerializer(config).data)


class ChallengeView(PublicAPIView):
    """The first half of device authentication."""

    throttle_classes = (AddressThrottle,)

    @extend_schema(
        operation_id="auth_challenge",
        request=ChallengeRequestSerializer,
        responses={201: ChallengeSerializer},
    )
    def post(self, request: Request) -> Response:
        """A challenge to sign within 60 seconds; the same for an unknown device."""
        body = ChallengeRequestSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        challenge = tokens.issue_challenge(**body.validated_data)
        return Response(ChallengeSerializer(challenge).data, status=201)


class TokenView(PublicAPIView):
    """The second half of device authentication."""

    throttle_classes = (AddressThrottle,)

    @extend_schema(
        operation_id="auth_token", request=TokenRequestSerializer, responses=TokenSerializer
    )
    def post(self, request: Request) -> Response:
        """An access token against a signed challenge."""
        body = TokenRequestSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        return Response(TokenSerializer(tokens.issue_token(**body.validated_data)).data)


class MeView(DeviceAPIView):
    """The device itself."""

    @extend_schema(operation_id="me", responses=MeSerializer)
    def get(self, _request: Request) -> Response:
        """Device, membership with status, organisation."""
        device = own_device(self.credential.device_id)
        me = {
            "device": device,
            "membership": device.membership,
            "organisation": device.organisation,
        }
        return Response(MeSerializer(me).data)


class DevicesView(DeviceAPIView):
    """The person's devices."""

    @extend_schema(operation_id="devices", responses=DevicesSerializer)
    def get(self, _request: Request) -> Response:
        """All of them in this organisation."""
        devices = devices_of(self.credential.membership_id)
        return Response(DevicesSerializer({"results": devices, "next": None}).data)


class DeviceView(DeviceAPIView):
    """One of the person's devices."""

    @extend_schema(operation_id="device_revoke", responses={204: None})
    def delete(self, _request: Request, device_id: UUID) -> Response:
        """Revoke it: lost, stolen, or no longer used."""
        revocation.revoke_device(
            device_id=device_id,
            reason=RevocationReason.OWNER,
            membership_id=self.credential.membership_id,
        )
        return Response(status=204)


class KeyBundleView(DeviceAPIView):
    """The device's own bundle."""

    @extend_schema(operation_id="key_bundle_status", responses=BundleStatusSerializer)
    def get(self, _request: Request, device_id: UUID) -> Response:
        """Status and digest."""
        return Response(render_status(bundle_status(self.own(device_id))))

    @extend_schema(
        operation_id="key_bundle_publish",
        request=PublishSerializer,
        responses=BundleStatusSerializer,
    )
    def put(self, request: Request, device_id: UUID) -> Response:
        """Append one-time pre-keys; optionally a new signed pre-key."""
        self.own(device_id)
        body = PublishSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        bundles.publish(
            device_id=device_id,
            identity_key=body.validated_data["identity_key"],
            signed_pre_key=body.signed_upload(),
            one_time_pre_keys=body.one_time_uploads(),
        )
        return Response(render_status(bundle_status(device_id)))


class SignedPreKeyView(DeviceAPIView):
    """Rotation (seed, Rotation Schedule)."""

    @extend_schema(
        operation_id="signed_pre_key_rotate",
        request=SignedPreKeySerializer,
        responses=BundleStatusSerializer,
    )
    def put(self, request: Request, device_id: UUID) -> Response:
        """Make this the current signed pre-key."""
        self.own(device_id)
        body = SignedPreKeySerializer(data=request.data)
        body.is_valid(raise_exception=True)
        bundles.rotate(device_id=device_id, signed_pre_key=body.to_upload())
        return Response(render_status(bundle_status(device_id)))


class OneTimePreKeysView(DeviceAPIView):
    """The stock of one-time pre-keys."""

    @extend_schema(
        operation_id="one_time_pre_keys_withdraw", responses={200: BundleStatusSerializer}
    )
    def delete(self, _request: Request, device_id: UUID) -> Response:
        """Withdraw all unclaimed ones."""
        bundles.withdraw(device_id=self.own(device_id))
        return Response(render_status(bundle_status(device_id)))


class ClaimView(DeviceAPIView):
    """One bundle of another device."""

    requires = Permission.KEY_BUNDLE_CLAIM

    @extend_schema(
        operation_id="key_bundle_claim",
        parameters=[IDEMPOTENCY_HEADER],
        request=None,
        responses=BundleSerializer,
    )
    def post(self, request: Request, device_id: UUID) -> Response:
        """Identity key, signed pre-keys, and one one-time pre-key for this claimant alone."""
        claimed = claiming.claim(
            credential=self.credential,
            device_id=device_id,
            idempotency_key=idempotency_key(request),
        )
        return Response(render_bundle(claimed))


class BulkClaimView(DeviceAPIView):
    """Bundles of up to 100 devices."""

    requires = Permission.KEY_BUNDLE_CLAIM

    @extend_schema(
        operation_id="key_bundle_claim_bulk",
        parameters=[IDEMPOTENCY_HEADER],
        request=BulkClaimSerializer,
        responses=BulkClaimResultsSerializer,
    )
    def post(self, request: Request) -> Response:
        """One bad device never fails the rest."""
        body = BulkClaimSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        outcomes = claiming.claim_all(
            credential=self.credential,
            device_ids=body.validated_data["device_ids"],
            idempotency_key=idempotency_key(request),
        )
        return Response(
            {"results": [_result(device_id, one) for device_id, one in outcomes.items()]}
        )


def _result(device_id: UUID, outcome: claiming.Outcome) -> dict[str, Any]:
    if isinstance(outcome, Problem):
        error: dict[str, Any] = {"code": outcome.code}
        if outcome.retry_after is not None:
            error["retry_after"] = outcome.retry_after
        return {"device_id": str(device_id), "error": error}
    return {"device_id": str(device_id), "bundle": render_bundle(outcome)}
