"""REST views of onboarding, linking and changes of number (api.md, `/api/mobile/`)."""

from typing import cast
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from invitations.authentication import OnboardingAuthentication
from invitations.selectors.onboarding import OnboardingCredential, standing_of
from invitations.serializers import (
    CodeSerializer,
    ComparedSerializer,
    EnrolmentSerializer,
    LinkTokenSerializer,
    OnboardingRequestSerializer,
    OnboardingSerializer,
    OtpauthSerializer,
    PhoneChangeSerializer,
    PhoneSerializer,
    RegisteredSerializer,
    SessionSerializer,
    StandingSerializer,
    phone_hint,
    registered,
)
from invitations.services import (
    approvals,
    linking,
    onboarding,
    phone_changes,
    registration,
    totp,
)
from keys.api import DeviceAPIView
from keys.fingerprint import fingerprint
from keys.serializers.devices import DeviceSerializer
from semafore.kernel.http.idempotency import IDEMPOTENCY_HEADER, idempotent
from semafore.kernel.http.throttles import AddressThrottle
from semafore.kernel.http.views import BaseAPIView, PublicAPIView
from semafore.kernel.permissions import Access
from semafore.kernel.problems import NotFound


class OnboardingsView(PublicAPIView):
    """The way in."""

    throttle_classes = (AddressThrottle,)

    @extend_schema(
        operation_id="onboarding_start",
        request=OnboardingRequestSerializer,
        responses={201: OnboardingSerializer},
    )
    def post(self, request: Request) -> Response:
        """Open an invitation or a link; a code goes to the number that it names."""
        body = OnboardingRequestSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        started = onboarding.start_onboarding(token=body.validated_data["invitation_token"])
        answer = {
            "id": started.onboarding.id,
            "organisation": started.onboarding.organisation,
            "kind": started.kind,
            "phone_hint": phone_hint(started.onboarding.phone),
            "expires_at": started.onboarding.expires_at,
            "session": started.session,
        }
        return Response(OnboardingSerializer(answer).data, status=201)


class PhoneCodeView(PublicAPIView):
    """The code to the phone."""

    throttle_classes = (AddressThrottle,)

    @extend_schema(operation_id="onboarding_phone_code", request=None, responses={202: None})
    def post(self, _request: Request, onboarding_id: UUID) -> Response:
        """Have another one sent."""
        onboarding.send_phone_code_again(onboarding_id=onboarding_id)
        return Response(status=202)


class PhoneView(PublicAPIView):
    """The proof of the phone."""

    throttle_classes = (AddressThrottle,)

    @extend_schema(
        operation_id="onboarding_phone", request=CodeSerializer, responses=SessionSerializer
    )
    def post(self, request: Request, onboarding_id: UUID) -> Response:
        """The code against a session token, and what is to come."""
        body = CodeSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        session = onboarding.prove_phone(
            onboarding_id=onboarding_id, code=body.validated_data["code"]
        )
        return Response(SessionSerializer(session).data)


class SessionView(BaseAPIView):
    """A route for the holder of an onboarding's session token."""

    authentication_classes = (OnboardingAuthentication,)
    requires = Access.ONBOARDING

    def own(self, onboarding_id: UUID) -> UUID:
        """The id, if it is the session's own. Raises NotFound."""
        if onboarding_id != cast("OnboardingCredential", self.request.auth).onboarding_id:
            raise NotFound
        return onboarding_id


class TotpView(SessionView):
    """The second factor."""

    @extend_schema(
        operation_id="onboarding_totp_set_up", request=None, responses={201: OtpauthSerializer}
    )
    def post(self, _request: Request, onboarding_id: UUID) -> Response:
        """A new key for an authenticator app."""
        url = totp.set_up_totp(onboarding_id=self.own(onboarding_id))
        return Response(OtpauthSerializer({"otpauth_url": url}).data, status=201)

    @extend_schema(
        operation_id="onboarding_totp_prove", request=CodeSerializer, responses={200: None}
    )
    def put(self, request: Request, onboarding_id: UUID) -> Response:
        """Prove the new key, or the person's own."""
        self.own(onboarding_id)
        body = CodeSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        totp.prove_totp(onboarding_id=onboarding_id, code=body.validated_data["code"])
        return Response(status=200)


class RegistrationView(SessionView):
    """The device with its keys."""

    @extend_schema(
        operation_id="onboarding_device",
        request=EnrolmentSerializer,
        responses={201: RegisteredSerializer},
    )
    def post(self, request: Request, onboarding_id: UUID) -> Response:
        """Register; then an administrator compares the fingerprint."""
        self.own(onboarding_id)
        body = EnrolmentSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        device = registration.register_device(
            onboarding_id=onboarding_id, enrolment=body.to_enrolment()
        )
        words = fingerprint(bytes(device.identity_key), device.id)
        return Response(RegisteredSerializer(registered(device, words)).data, status=201)


class OnboardingView(SessionView):
    """One onboarding."""

    @extend_schema(operation_id="onboarding_status", responses=StandingSerializer)
    def get(self, _request: Request, onboarding_id: UUID) -> Response:
        """Where it stands."""
        return Response(StandingSerializer(standing_of(self.own(onboarding_id))).data)


class LinkTokenView(DeviceAPIView):
    """A second device of the same person."""

    @extend_schema(
        operation_id="device_link_token", request=None, responses={201: LinkTokenSerializer}
    )
    def post(self, _request: Request) -> Response:
        """A token that the new device redeems within 10 minutes, once."""
        issued = linking.issue_link_token(device_id=self.credential.device_id)
        return Response(LinkTokenSerializer(issued).data, status=201)


class DeviceApprovalView(DeviceAPIView):
    """The approval of a linked device by the person's own, where the policy lets it."""

    @extend_schema(
        operation_id="device_approve", request=ComparedSerializer, responses=DeviceSerializer
    )
    def post(self, request: Request, device_id: UUID) -> Response:
        """Let it in."""
        body = ComparedSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        device = approvals.approve_own_device(
            membership_id=self.credential.membership_id,
            device_id=device_id,
            compared=body.validated_data["compared"],
        )
        return Response(DeviceSerializer(device).data)


class MyPhoneView(DeviceAPIView):
    """The person's own number."""

    @extend_schema(
        operation_id="me_phone",
        parameters=[IDEMPOTENCY_HEADER],
        request=PhoneSerializer,
        responses={202: PhoneChangeSerializer},
    )
    @idempotent
    def post(self, request: Request) -> Response:
        """Ask for another one: a code goes there, then an administrator decides."""
        body = PhoneSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        change = phone_changes.request_phone_change(
            membership_id=self.credential.membership_id, phone=body.validated_data["phone"]
        )
        answer = {"phone_hint": phone_hint(change.phone), "status": "phone"}
        return Response(PhoneChangeSerializer(answer).data, status=202)


class MyPhoneCodeView(DeviceAPIView):
    """The proof of the new number."""

    @extend_schema(
        operation_id="me_phone_code", request=CodeSerializer, responses=PhoneChangeSerializer
    )
    def post(self, request: Request) -> Response:
        """The code; then the change waits for approval."""
        body = CodeSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        change = phone_changes.prove_phone_change(
            membership_id=self.credential.membership_id, code=body.validated_data["code"]
        )
        answer = {"phone_hint": phone_hint(change.phone), "status": "awaiting_approval"}
        return Response(PhoneChangeSerializer(answer).data)
