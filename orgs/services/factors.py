"""Second factors: set-up, checking, recovery codes.

A key that isn't confirmed yet is kept by whoever began the set-up, sealed (the session, the
onboarding), never on the account: somebody who has only the password must not get to see a key
that the person confirms later.
"""

import base64
import logging
import secrets
from uuid import UUID

from cryptography.fernet import InvalidToken
from django.db import transaction

from audit.services.recording import record_platform
from orgs.errors import CodeRefused, FactorExists
from orgs.events import sign_in as events
from orgs.models import Account, Factor, LinkPurpose, RecoveryCode
from orgs.services.links import use_link
from orgs.totp import CODE, check_totp
from semafore.kernel import clock
from semafore.kernel.sealing import keyed_hash, seal, unseal

logger = logging.getLogger(__name__)

RECOVERY_CODES = 10
RECOVERY_CODE_BYTES = 10
"""80 bits: 16 letters and digits."""


@transaction.atomic
def confirm_set_up(*, account: Account, key: bytes, code: str, replace: bool = False) -> list[str]:
    """Take a key on that a code proves to be in the person's authenticator; new recovery codes.

    Raises CodeRefused; FactorExists unless `replace`, which asks that the old one was just given.
    """
    step = check_totp(key, code)
    if step is None:
        raise CodeRefused(detail="The code is not right. Check the time of your device.")
    adopt_factor(account=account, sealed_key=seal(key), last_step=step, replace=replace)
    return make_recovery_codes(account=account)


@transaction.atomic
def set_up_by_link(*, link_id: UUID, account: Account, key: bytes, code: str) -> list[str]:
    """The same after a reset, with the link that was mailed then, which is used up.

    Raises LinkInvalid, CodeRefused, FactorExists.
    """
    use_link(link_id=link_id, purpose=LinkPurpose.FACTOR, account=account)
    return confirm_set_up(account=account, key=key, code=code)


@transaction.atomic
def adopt_factor(
    *, account: Account, sealed_key: bytes, last_step: int, replace: bool = False
) -> None:
    """Take on a key that was confirmed already, as in an onboarding. Raises FactorExists."""
    Factor.objects.bulk_create([Factor(account=account)], ignore_conflicts=True)
    factor = Factor.objects.select_for_update().get(account=account)
    replaced = factor.confirmed_at is not None
    if replaced and not replace:
        raise FactorExists
    factor.sealed_key, factor.last_step = sealed_key, last_step
    factor.confirmed_at, factor.set_up_by_link = clock.now(), False
    factor.save()
    record_platform(events.FactorSetUp(account_id=account.id, replaced=replaced))


@transaction.atomic
def verify_factor(*, account: Account, code: str) -> bool:
    """Whether it is a code of the authenticator or a recovery code; either is used up by it.

    The factor's row is locked: of two requests with one code, one is let in. Guesses are counted
    by the callers (`services/sign_in.py`).
    """
    factor = (
        Factor.objects.select_for_update()
        .filter(account=account, confirmed_at__isnull=False)
        .first()
    )
    if factor is None or factor.sealed_key is None:
        return False
    code = "".join(code.split()).replace("-", "").upper()
    if CODE.fullmatch(code) is None:
        return _use_recovery_code(account, code)
    try:
        key = unseal(factor.sealed_key)
    except InvalidToken:
        logger.error("FIELD_KEYS lacks the key that a second factor is sealed under")  # noqa: TRY400
        return False
    step = check_totp(key, code, factor.last_step)
    if step is None:
        return False
    factor.last_step = step
    factor.save(update_fields=["last_step"])
    return True


def _use_recovery_code(account: Account, code: str) -> bool:
    unused = RecoveryCode.objects.filter(account=account, used_at=None)
    if not unused.filter(code_hash=_code_hash(account, code)).update(used_at=clock.now()):
        return False
    record_platform(events.RecoveryCodeUsed(account_id=account.id, left=unused.count()))
    return True


def _code_hash(account: Account, code: str) -> bytes:
    return keyed_hash("recovery-code", account.id.bytes + code.encode())


@transaction.atomic
def make_recovery_codes(*, account: Account) -> list[str]:
    """Ten new codes, to be shown once; those before them are void."""
    Factor.objects.select_for_update().get(account=account)
    RecoveryCode.objects.filter(account=account).delete()
    codes = [
        base64.b32encode(secrets.token_bytes(RECOVERY_CODE_BYTES)).decode()
        for _ in range(RECOVERY_CODES)
    ]
    RecoveryCode.objects.bulk_create(
        [RecoveryCode(account=account, code_hash=_code_hash(account, code)) for code in codes]
    )
    record_platform(events.RecoveryCodesMade(account_id=account.id))
    return ["-".join(code[i : i + 4] for i in range(0, len(code), 4)) for code in codes]


@transaction.atomic
def remove_factor(*, account: Account) -> None:
    """Authenticator and recovery codes are gone; the next is set up by a mailed link."""
    Factor.objects.bulk_create([Factor(account=account)], ignore_conflicts=True)
    factor = Factor.objects.select_for_update().get(account=account)
    factor.sealed_key, factor.confirmed_at, factor.set_up_by_link = None, None, True
    factor.save()
    RecoveryCode.objects.filter(account=account).delete()
    record_platform(events.FactorRemoved(account_id=account.id))
