"""Codes to a phone: asked for by rows, made and sent by a worker, checked under a lock."""

import hmac
import logging
import math
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from audit.services.recording import record
from invitations.errors import CodeLimit, CodeLocked, CodeWrong
from invitations.events import onboarding as events
from invitations.models import Delivery, Invitation, PhoneProof, PhoneQuota
from invitations.selectors.held import quota_key
from invitations.sms import backends
from invitations.sms.backends import SmsError, Template
from semafore.kernel import clock
from semafore.kernel.problems import Problem
from semafore.kernel.sealing import keyed_hash
from semafore.kernel.tasks import BATCH, delete_batch
from semafore.kernel.tenancy import current_organisation_id

logger = logging.getLogger(__name__)

CODE_LIFETIME = timedelta(minutes=5)
TRIES = 5
LOCKED_FOR = timedelta(minutes=15)

BETWEEN_REQUESTS = timedelta(seconds=30)
REQUESTS_PER_HOUR = 5
NUMBERS_PER_HOUR = 3
HOUR = timedelta(hours=1)
QUOTA_PER_HOUR = 20
"""From all organisations together: four times what one may ask for, so that it hits no person."""

FIRST_BACKOFF = timedelta(seconds=30)
GIVE_UP_AFTER = timedelta(minutes=10)
"""Nobody waits longer for a code."""


@dataclass(frozen=True, slots=True)
class Send:
    """A code that has been made and is now to be sent."""

    proof_id: UUID
    subject_id: UUID
    phone: str
    at: datetime
    code: str = field(repr=False)


def seconds_until(moment: datetime) -> int:
    """Whole seconds from now, at least one."""
    return max(1, math.ceil((moment - clock.now()).total_seconds()))


def _locked_proof(phone: str, subject_id: UUID) -> PhoneProof:
    """The number's row in the current organisation, made when there is none."""
    PhoneProof.objects.bulk_create(
        [PhoneProof(organisation_id=current_organisation_id(), phone=phone, subject_id=subject_id)],
        ignore_conflicts=True,
    )
    found = PhoneProof.objects.select_for_update().filter(phone=phone).first()
    # Retention may have taken an old one in between.
    return found or _locked_proof(phone, subject_id)


def want_code(*, phone: str, subject_id: UUID) -> UUID:
    """Have a code sent to a number for an onboarding or phone change; the id of its proof.

    In the caller's transaction. A code that is still good for the same subject stays good until the
    new one is made. Raises CodeLocked, CodeLimit.
    """
    proof = _locked_proof(phone, subject_id)
    now = clock.now()
    if proof.locked_until is not None and proof.locked_until > now:
        raise CodeLocked(retry_after=seconds_until(proof.locked_until))
    if proof.requests_since + HOUR <= now:
        proof.requests, proof.requests_since = 0, now
    earliest = proof.requested_at + BETWEEN_REQUESTS if proof.requested_at else now
    if earliest > now and proof.subject_id == subject_id:
        raise CodeLimit(retry_after=seconds_until(earliest))
    if proof.requests >= REQUESTS_PER_HOUR:
        raise CodeLimit(retry_after=seconds_until(proof.requests_since + HOUR))
    if proof.subject_id != subject_id:
        proof.subject_id, proof.code_hash = subject_id, None
    proof.requests += 1
    proof.requested_at = proof.wanted_at = now
    # The first code of another onboarding is put off: its device can't know of the one before.
    proof.send_after = max(now, earliest)
    proof.failures, proof.delivery = 0, Delivery.QUEUED
    proof.save()
    record(events.PhoneCodeRequested(subject_id=subject_id))
    return proof.id


def check_numbers_asked(*, subject_id: UUID, phone: str) -> None:
    """Raises CodeLimit when one subject has had codes sent to many other numbers lately.

    Each number has limits of its own; this one keeps a member from texting all the world.
    """
    lately = PhoneProof.objects.filter(
        subject_id=subject_id, requested_at__gt=clock.now() - HOUR
    ).exclude(phone=phone)
    times = list(lately.order_by("requested_at").values_list("requested_at", flat=True))
    if len(times) >= NUMBERS_PER_HOUR and times[0] is not None:
        raise CodeLimit(retry_after=seconds_until(times[0] + HOUR))


def _code_hash(subject_id: UUID, phone: str, code: str) -> bytes:
    return keyed_hash("phone-code", subject_id.bytes + phone.encode() + b"\0" + code.encode())


@transaction.atomic
def check_code(*, phone: str, subject_id: UUID, code: str) -> Problem | None:
    """None for the right code, which is then used up; else the refusal, for the caller to raise.

    Returned and not raised, because the try must stay counted: it is, before the comparison and
    under the row's lock, so guesses at the same time are no more than guesses one by one.
    """
    proof = _locked_proof(phone, subject_id)
    now = clock.now()
    if proof.locked_until is not None:
        if proof.locked_until > now:
            return CodeLocked(retry_after=seconds_until(proof.locked_until))
        proof.locked_until, proof.tries = None, 0
    proof.tries += 1
    right = (
        proof.code_hash is not None
        and proof.code_made_at is not None
        and proof.subject_id == subject_id
        and now < proof.code_made_at + CODE_LIFETIME
        and hmac.compare_digest(bytes(proof.code_hash), _code_hash(subject_id, phone, code))
    )
    if right:
        proof.code_hash, proof.tries, proof.wanted_at = None, 0, None
    elif proof.tries >= TRIES:
        proof.locked_until, proof.code_hash = now + LOCKED_FOR, None
    proof.save(update_fields=["tries", "locked_until", "code_hash", "wanted_at"])
    if right:
        return None
    if proof.locked_until is not None:
        return CodeLocked(retry_after=seconds_until(proof.locked_until))
    return CodeWrong(attempts_left=TRIES - proof.tries)


def send_code(*, proof_id: UUID) -> None:
    """Make the code that is wanted and send it; nothing when none is, or not yet.

    The hash is stored before the message leaves: no code arrives that doesn't count.
    """
    made = _make_code(proof_id)
    if made is None:
        return
    try:
        backends.send(to=made.phone, template=Template.PHONE_CODE, values={"code": made.code})
    except SmsError as error:
        logger.warning("a phone code was not taken (permanent: %s)", error.permanent)
        if _failed(made, permanent=error.permanent):
            _show_on_invitation(made.subject_id, Delivery.FAILED, str(error))
    else:
        _sent(made)
        _show_on_invitation(made.subject_id, Delivery.SENT, "")


@transaction.atomic
def _make_code(proof_id: UUID) -> Send | None:
    proof = PhoneProof.objects.select_for_update().filter(id=proof_id).first()
    now = clock.now()
    if proof is None or proof.wanted_at is None or proof.send_after is None:
        return None
    if proof.send_after > now:
        return None
    free_at = _take_from_quota(proof.phone)
    if free_at is not None:
        # Put off and not refused: a refusal would tell what other organisations do.
        proof.send_after = free_at
        proof.save(update_fields=["send_after"])
        return None
    code = f"{secrets.randbelow(10**6):06d}"
    proof.code_hash = _code_hash(proof.subject_id, proof.phone, code)
    proof.code_made_at, proof.wanted_at = now, None
    proof.save(update_fields=["code_hash", "code_made_at", "wanted_at"])
    return Send(proof.id, proof.subject_id, proof.phone, now, code)


def _take_from_quota(phone: str) -> datetime | None:
    """Count one message to the number; when there are too many, the time to try again."""
    phone_hash, now = quota_key(phone), clock.now()
    PhoneQuota.objects.bulk_create(
        [PhoneQuota(phone_hash=phone_hash, since=now)], ignore_conflicts=True
    )
    quota = PhoneQuota.objects.select_for_update().get(phone_hash=phone_hash)
    if quota.since + HOUR <= now:
        quota.since, quota.sent = now, 0
    if quota.sent >= QUOTA_PER_HOUR:
        return quota.since + HOUR
    quota.sent += 1
    quota.save(update_fields=["since", "sent"])
    return None


@transaction.atomic
def _sent(made: Send) -> None:
    current = PhoneProof.objects.filter(id=made.proof_id, code_made_at=made.at)
    current.update(delivery=Delivery.SENT, failures=0)
    record(events.PhoneCodeSent(subject_id=made.subject_id))


@transaction.atomic
def _failed(made: Send, *, permanent: bool) -> bool:
    """Try again later with a new code, or give up: then True."""
    proof = PhoneProof.objects.select_for_update().get(id=made.proof_id)
    if proof.wanted_at is not None or proof.code_made_at != made.at:
        return False  # another was asked for meanwhile
    proof.failures += 1
    again = clock.now() + FIRST_BACKOFF * 2 ** (proof.failures - 1)
    final = permanent or again > (proof.requested_at or made.at) + GIVE_UP_AFTER
    proof.code_hash = None
    if final:
        proof.delivery = Delivery.FAILED
    else:
        proof.wanted_at, proof.send_after = clock.now(), again
    proof.save(update_fields=["failures", "code_hash", "delivery", "wanted_at", "send_after"])
    record(events.PhoneCodeFailed(subject_id=made.subject_id, final=final))
    return final


@transaction.atomic
def _show_on_invitation(subject_id: UUID, delivery: Delivery, reason: str) -> None:
    """Show on the invitation that codes don't reach the number, or that they do again.

    In a transaction of its own: onboardings lock the invitation before the proof.
    """
    invitation = (
        Invitation.objects.select_for_update(of=("self",), no_key=True)
        .filter(onboardings__id=subject_id)
        .first()
    )
    # Sent alone says nothing new: `delivery` is about the link unless codes failed.
    if invitation is None or Delivery.FAILED not in (delivery, invitation.delivery):
        return
    invitation.delivery, invitation.delivery_error = delivery, reason[:300]
    invitation.delivery_at = clock.now()
    invitation.save(update_fields=["delivery", "delivery_error", "delivery_at"])


def send_due_codes() -> int:
    """Send the codes that no worker was told of, or that are due again; how many were looked at."""
    due = PhoneProof.objects.filter(wanted_at__isnull=False, send_after__lte=clock.now())
    ids = list(due.order_by("send_after").values_list("id", flat=True)[:BATCH])
    for proof_id in ids:
        send_code(proof_id=proof_id)
    return len(ids)


def drop_phone_quotas() -> int:
    """Delete counts whose hour is over; how many."""
    return delete_batch("invitations_phonequota", "since < %s", [clock.now() - HOUR])
