"""Proofs of existence for programs."""

from typing import Any

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from audit.api.events import SOON
from audit.api.views import ReaderAPIView
from audit.models.retention import CASE_REFERENCE_LENGTH, REASON_LENGTH
from audit.selectors.existence import Asked
from audit.services.existence import Existence, prove_existence
from audit.statements import statement
from semafore.kernel.http.fields import StrictSerializer, StrictUUIDField
from semafore.kernel.permissions import Permission
from semafore.kernel.problems import NotFound

HASH_DIGITS = 64


class ExistenceProofQuestion(StrictSerializer):
    """Which message: exactly one of its id and the hash of a ciphertext."""

    message_id = StrictUUIDField(required=False)
    ciphertext_sha256 = serializers.RegexField(
        rf"\A[0-9a-fA-F]{{{HASH_DIGITS}}}\Z",
        required=False,
        trim_whitespace=False,
        help_text="64 hexadecimal digits, as sha256sum prints them.",
    )
    reason = serializers.CharField(required=False, default="", max_length=REASON_LENGTH)
    case_reference = serializers.CharField(
        required=False, default="", max_length=CASE_REFERENCE_LENGTH
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Raises ValidationError unless one of the two is there, and not both."""
        if ("message_id" in attrs) is ("ciphertext_sha256" in attrs):
            raise serializers.ValidationError(
                {"message_id": "Give either this or ciphertext_sha256."}, code="invalid"
            )
        return attrs

    def asked(self) -> Asked:
        """Of valid data."""
        digits = self.validated_data.get("ciphertext_sha256")
        return Asked(
            message_id=self.validated_data.get("message_id"),
            ciphertext_sha256=bytes.fromhex(digits) if digits else None,
        )


class ExistenceProof(serializers.Serializer[Any]):
    """A message that is proved to have transited."""

    event_id = serializers.UUIDField(help_text="The message's own event.")
    seq = serializers.IntegerField(help_text="Its place in the log, counted from 0.")
    proof = serializers.CharField(help_text="A C2SP tlog-proof (docs/evidence.md).")
    statement = serializers.CharField(help_text="What it shows and what it doesn't, in words.")


class ExistenceProofAnswer(serializers.Serializer[Any]):
    """Every message that fits, the oldest first."""

    proofs = ExistenceProof(many=True)
    found = serializers.IntegerField(
        help_text="Messages that fit: more than there are proofs where some aren't under a "
        "checkpoint yet, or over 50 fit."
    )


class ExistenceProofsView(ReaderAPIView):
    """That a message transited."""

    requires = Permission.AUDIT_READ_TRAFFIC

    @extend_schema(
        operation_id="audit_existence_proofs",
        request=ExistenceProofQuestion,
        responses={
            200: ExistenceProofAnswer,
            202: OpenApiResponse(description="Not yet under a checkpoint."),
        },
    )
    def post(self, request: Request) -> Response:
        """Proof and plain statement of each message that fits; 404 where none does."""
        question = ExistenceProofQuestion(data=request.data)
        question.is_valid(raise_exception=True)
        made = prove_existence(
            asked=question.asked(),
            reader=self.reader,
            reason=question.validated_data["reason"],
            case_reference=question.validated_data["case_reference"],
        )
        if not made.found:
            raise NotFound(detail="The log knows of no such message.")
        if not made.proved:
            return Response(status=202, headers=SOON)
        return Response(ExistenceProofAnswer(_answer(made)).data)


def _answer(made: Existence) -> dict[str, Any]:
    proofs = [
        {
            "event_id": one.transit.event.id,
            "seq": one.transit.proof.seq,
            "proof": one.transit.proof.text,
            "statement": statement(one.transit).as_text(),
        }
        for one in made.proved
    ]
    return {"proofs": proofs, "found": made.found}
