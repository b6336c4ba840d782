"""What one organisation holds on a person, on every one of their devices, and on a number."""

from base64 import b64encode
from collections.abc import Collection, Iterator
from uuid import UUID

from django.db.models import Q

from audit.models import Denial, Event, Pending
from audit.selectors.held import event_holdings
from audit.selectors.held_of_reading import reading_holdings
from audit.selectors.reading import Reader
from invitations.models import Invitation, Onboarding, PhoneChange, PhoneProof
from keys.models import Device, SignedPreKey
from semafore.kernel import hooks
from semafore.kernel.hooks import HeldOnPerson, Holding
from semafore.kernel.models import IdempotentAnswer
from semafore.kernel.permissions import Permission

Row = tuple[object, ...]

EVERYTHING = Reader(frozenset(Permission))


def membership_holdings(membership_ids: Collection[UUID]) -> list[Holding]:
    """Of the organisation in scope: what a subject access export has, public keys, what passes."""
    held = HeldOnPerson(frozenset(membership_ids))
    hooks.held_on_person(held)
    known = held.membership_ids | held.also
    return [
        *held.holdings,
        *event_holdings(held, EVERYTHING),
        *reading_holdings(held, EVERYTHING),
        Holding(
            title="Public keys of devices",
            name="public_keys",
            columns=("Device", "Key", "Number", "Public key"),
            rows=_public_keys(held),
            note="One-time pre-keys are counted. Their private halves never leave the device.",
        ),
        Holding(
            title="Entries that wait for their place in the audit log",
            name="events_waiting",
            columns=("Event",),
            rows=_waiting(known),
        ),
        Holding(
            title="Refusals on their way to the audit log, within a minute",
            name="denials",
            columns=("First", "Last"),
            rows=_denials(known),
        ),
        Holding(
            title="Answers kept for a retry, for a day",
            name="idempotent_answers",
            columns=("At",),
            rows=IdempotentAnswer.objects.filter(caller_id__in=known).values_list("at"),
        ),
    ]


def number_holdings(
    phone: str, emails: Collection[str], membership_ids: Collection[UUID]
) -> list[Holding]:
    """What bears the number, or an address of the person, and leads to none of their memberships.

    Of the organisation in scope.
    """
    to_them = Q(phone=phone) | Q(email__in=emails)
    invited = Invitation.objects.filter(to_them).exclude(membership_id__in=membership_ids)
    changes = PhoneChange.objects.filter(phone=phone).exclude(membership_id__in=membership_ids)
    begun = Onboarding.objects.filter(Q(phone=phone) | Q(invitation__in=invited)).exclude(
        membership_id__in=membership_ids
    )
    return [
        Holding(
            title="Invitations to the number or an address of the person",
            name="invitations_by_number",
            columns=("Invitation", "Name", "Phone", "Email", "State", "Issued", "Expires"),
            rows=invited.order_by("issued_at").values_list(
                "id", "name", "phone", "email", "state", "issued_at", "expires_at"
            ),
        ),
        Holding(
            title="Onboardings with the number",
            name="onboardings_by_number",
            columns=("Onboarding", "Begun", "Phone proved", "Expires"),
            rows=begun.order_by("created_at").values_list(
                "id", "created_at", "phone_verified_at", "expires_at"
            ),
        ),
        Holding(
            title="Changes of others to the number",
            name="phone_changes_by_number",
            columns=("Requested", "Proved", "Decided"),
            rows=changes.order_by("requested_at").values_list(
                "requested_at", "proved_at", "decided_at"
            ),
        ),
        Holding(
            title="Codes sent to the number",
            name="phone_proofs_by_number",
            columns=("Requests", "Since", "Tries", "Locked until"),
            rows=PhoneProof.objects.filter(phone=phone)
            .order_by("id")
            .values_list("requests", "requests_since", "tries", "locked_until"),
            note="Of a code there is a keyed hash.",
        ),
    ]


def _public_keys(held: HeldOnPerson) -> Iterator[Row]:
    own = Device.objects.filter(membership_id__in=held.membership_ids)
    for device in own.order_by("enrolled_at", "id"):
        yield device.id, "identity key", None, _text(device.identity_key)
    signed = SignedPreKey.objects.filter(
        device__membership_id__in=held.membership_ids, public_key__isnull=False
    ).order_by("device_id", "key_id")
    for one in signed:
        yield one.device_id, "signed pre-key", one.key_id, _text(one.public_key or b"")


def _text(key: bytes | memoryview) -> str:
    return b64encode(bytes(key)).decode()


def _waiting(known: Collection[UUID]) -> Iterator[Row]:
    waiting = Event.objects.filter(id__in=Pending.objects.values("event_id"))
    for event_id, who in waiting.values_list("id", "who"):
        if _names(bytes(who or b"").decode(), known):
            yield (event_id,)


def _denials(known: Collection[UUID]) -> Iterator[Row]:
    for first_at, last_at, who in Denial.objects.values_list("first_at", "last_at", "who"):
        if _names(str(who), known):
            yield first_at, last_at


def _names(text: str, known: Collection[UUID]) -> bool:
    return any(str(one) in text for one in known)
