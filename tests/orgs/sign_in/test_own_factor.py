"""One's own second factor, once signed in: replaced, and new recovery codes."""

import base64
import re
from datetime import timedelta
from urllib.parse import unquote

import pytest

from orgs.errors import FactorExists, LinkInvalid
from orgs.models import Factor, LinkPurpose, RecoveryCode
from orgs.selectors.sign_in import find_link, has_factor
from orgs.services.factors import adopt_factor, confirm_set_up, remove_factor, set_up_by_link
from orgs.services.links import make_link
from orgs.totp import check_totp, new_totp_key, otpauth_url
from semafore.kernel import clock
from semafore.kernel.actor import SYSTEM, acting_as
from semafore.kernel.sealing import seal, unseal
from tests.orgs.sign_in.people import STEP, Person, code_of, key_on, platform_events

FACTOR = "/console/account/factor"
CODES = "/console/account/recovery-codes"
LIST_OF_CODES = re.compile(r'<code class="fingerprint">((?:[A-Z2-7]{4}-){3}[A-Z2-7]{4})</code>')


def test_rfc_6238s_own_vector() -> None:
    """SHA-1, at second 59: 94287082, of which we take six digits."""
    key = b"12345678901234567890"
    with clock.moved_by(timedelta(seconds=59) - timedelta(seconds=clock.now().timestamp())):
        assert check_totp(key, "287082") == 1
        assert check_totp(key, "287082", last_step=1) is None
        assert check_totp(key, "287083") is None


def test_what_the_qr_code_holds() -> None:
    url = otpauth_url(bytes(20), "a+b@acme.example")
    assert url.startswith("otpauth://totp/SemaFore%3Aa%2Bb%40acme.example?secret=AAAA")
    assert "issuer=SemaFore" in url


def test_keys_are_sealed_and_codes_hashed(owner: Person) -> None:
    row = Factor.objects.get()
    assert owner.key not in bytes(row.sealed_key or b"")
    assert len(owner.recovery_codes) == len(set(owner.recovery_codes)) == 10
    hashes = {bytes(code.code_hash) for code in RecoveryCode.objects.all()}
    assert {len(one) for one in hashes} == {32}
    for code in owner.recovery_codes:
        assert len(code.replace("-", "")) * 5 >= 80


def test_another_authenticator_takes_the_place_of_the_first(owner: Person) -> None:
    owner.sign_in()
    key = key_on(owner.browser.get(FACTOR))
    assert "The code is not right" in owner.browser.post(FACTOR, {"code": "0"}).content.decode()
    page = owner.browser.post(FACTOR, {"code": code_of(key)}).content.decode()
    codes = LIST_OF_CODES.findall(page)
    assert len(codes) == 10
    assert set(codes).isdisjoint(owner.recovery_codes)

    with clock.moved_by(2 * STEP):
        old, new = (Person(owner.account, one, []) for one in (owner.key, key))
        old.give_password()
        assert old.give_code().status_code == 200
        assert old.give_code(owner.recovery_codes[0]).status_code == 200
        assert new.sign_in().status_code == 302
    assert platform_events("account.factor_set_up")[-1]["data"]["replaced"] is True


def test_new_recovery_codes_void_the_old_ones(owner: Person) -> None:
    owner.sign_in()
    assert "You have 10 unused recovery codes" in owner.browser.get(CODES).content.decode()
    answer = owner.browser.post(CODES)
    codes = LIST_OF_CODES.findall(answer.content.decode())
    assert answer["Cache-Control"] == "private, no-store"
    downloaded = re.findall(r'href="data:([^"]+)"', answer.content.decode())[0]
    assert all(code in unquote(downloaded) for code in codes)

    again = Person(owner.account, owner.key, [])
    again.give_password()
    assert again.give_code(owner.recovery_codes[0]).status_code == 200
    assert again.give_code(codes[0]).status_code == 302


@pytest.mark.parametrize("page", [FACTOR, CODES, "/console/account/password"])
def test_sensitive_pages_ask_again(owner: Person, page: str) -> None:
    owner.sign_in()
    with clock.moved_by(timedelta(minutes=16)):
        assert owner.browser.get(page)["Location"].startswith("/console/step-up?")
        assert owner.browser.post(page)["Location"].startswith("/console/step-up?")


def test_a_factor_is_not_taken_over(owner: Person) -> None:
    key = new_totp_key()
    with acting_as(SYSTEM):
        with pytest.raises(FactorExists):
            adopt_factor(account=owner.account, sealed_key=seal(key), last_step=0)
        with pytest.raises(FactorExists):
            confirm_set_up(account=owner.account, key=key, code=code_of(key))
    assert RecoveryCode.objects.filter(used_at=None).count() == 10


def test_the_pending_key_is_sealed_in_the_session(owner: Person) -> None:
    owner.sign_in()
    key = key_on(owner.browser.get(FACTOR))
    held = owner.browser.session["pending_totp_key"]
    assert key not in base64.b64decode(held)
    assert unseal(base64.b64decode(held)) == key


def test_a_link_is_not_for_another_account(owner: Person, outsider: Person) -> None:
    key = new_totp_key()
    with acting_as(SYSTEM):
        remove_factor(account=owner.account)
        token = make_link(account=outsider.account, purpose=LinkPurpose.FACTOR)
        link = find_link(token, LinkPurpose.FACTOR)
        assert link is not None
        with pytest.raises(LinkInvalid):
            set_up_by_link(link_id=link.id, account=owner.account, key=key, code=code_of(key))
    assert not has_factor(owner.account)
    assert find_link(token, LinkPurpose.PASSWORD) is None
