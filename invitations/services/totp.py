"""The second factor on the way in: a new one, or the person's own."""

from datetime import timedelta
from uuid import UUID

from django.db import transaction

from audit.services.recording import record
from invitations.errors import CodeLocked, CodeWrong, OnboardingState
from invitations.events import onboarding as events
from invitations.models import Onboarding
from invitations.selectors.onboarding import holds_factor, known_account, person_name
from invitations.services.onboarding import locked_onboarding, onboarding_ref, refused
from invitations.services.phone_codes import seconds_until
from orgs.services.factors import verify_factor
from orgs.totp import check_totp, new_totp_key, otpauth_url
from semafore.kernel import clock
from semafore.kernel.problems import Problem
from semafore.kernel.sealing import seal, unseal

TRIES = 5
LOCKED_FOR = timedelta(minutes=15)


@transaction.atomic
def set_up_totp(*, onboarding_id: UUID) -> str:
    """The address of a new key for an authenticator app; the same again until it is proved.

    Raises NotFound, OnboardingState when it is proved, when the person has a second factor already,
    or when the device has registered; and as the invitation's state asks.
    """
    onboarding = locked_onboarding(onboarding_id)
    if onboarding.device_id is not None or onboarding.totp_proven_at is not None:
        raise OnboardingState(detail="The second factor is settled.")
    if holds_factor(onboarding):
        raise OnboardingState(detail="You have a second factor: prove it.")
    if onboarding.totp_key is None:
        onboarding.totp_key = seal(new_totp_key())
        onboarding.save(update_fields=["totp_key"])
        record(
            events.OnboardingTotpStarted(onboarding_id=onboarding.id),
            target=onboarding_ref(onboarding),
        )
    return otpauth_url(unseal(onboarding.totp_key), person_name(onboarding))


def prove_totp(*, onboarding_id: UUID, code: str) -> None:
    """Prove the person's own second factor, or the new one. Proved before, it changes nothing.

    Raises NotFound, OnboardingState, CodeWrong, CodeLocked, and as the invitation's state asks.
    """
    refusal = _prove(onboarding_id, code)
    if refusal is not None:
        raise refusal


@transaction.atomic
def _prove(onboarding_id: UUID, code: str) -> Problem | None:
    """The refusal is returned, so that the try stays counted: before the comparison, locked."""
    onboarding = locked_onboarding(onboarding_id)
    if onboarding.totp_proven_at is not None:
        return None
    held = holds_factor(onboarding)
    if onboarding.device_id is not None or not (held or onboarding.totp_key):
        raise OnboardingState(detail="There is no second factor to prove. Set one up first.")
    now = clock.now()
    if onboarding.totp_locked_until is not None:
        if onboarding.totp_locked_until > now:
            locked = CodeLocked(retry_after=seconds_until(onboarding.totp_locked_until))
            return refused(locked, onboarding, factor="totp")
        onboarding.totp_locked_until, onboarding.totp_tries = None, 0
    onboarding.totp_tries += 1
    right = _verify_held(onboarding, code) if held else _verify_new(onboarding, code)
    if right:
        onboarding.totp_proven_at, onboarding.totp_tries = now, 0
    elif onboarding.totp_tries >= TRIES:
        onboarding.totp_locked_until = now + LOCKED_FOR
    onboarding.save()
    if right:
        record(
            events.OnboardingTotpProved(onboarding_id=onboarding.id),
            target=onboarding_ref(onboarding),
        )
        return None
    problem: Problem = CodeWrong(attempts_left=TRIES - onboarding.totp_tries)
    if onboarding.totp_locked_until is not None:
        problem = CodeLocked(retry_after=seconds_until(onboarding.totp_locked_until))
    return refused(problem, onboarding, factor="totp")


def _verify_held(onboarding: Onboarding, code: str) -> bool:
    known = known_account(onboarding)
    return known is not None and verify_factor(account=known, code=code)


def _verify_new(onboarding: Onboarding, code: str) -> bool:
    if onboarding.totp_key is None:
        return False
    step = check_totp(unseal(onboarding.totp_key), code, onboarding.totp_last_step or 0)
    onboarding.totp_last_step = step
    return step is not None
