"""A change of FIELD_KEYS, and what is sealed all over the database."""

from collections.abc import Iterator

import pytest
from cryptography.fernet import Fernet, InvalidToken
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db.models import BinaryField
from pytest_django import Settings

from messaging.models import PushToken
from orgs.models import Factor, Membership
from semafore.kernel import sealing
from semafore.kernel.models import SealedField
from tests import cast
from tests.orgs.sign_in.people import Person, person, platform_events

OLD, NEW = (Fernet.generate_key().decode() for _ in range(2))


@pytest.fixture(autouse=True)
def fresh_keys() -> Iterator[None]:
    sealing._box_of_each.cache_clear()
    yield
    sealing._box_of_each.cache_clear()


def use(settings: Settings, *keys: str) -> None:
    settings.FIELD_KEYS = list(keys)
    sealing._box_of_each.cache_clear()


@pytest.fixture
def alice_signs_in(alice: Membership, settings: Settings) -> Person:
    """Her second factor is sealed under the old key."""
    use(settings, OLD)
    return person(alice)


def push_token(of: Membership, value: bytes) -> PushToken:
    device = cast.phone(of).device
    with cast.inside(of.organisation):
        return PushToken.objects.create(
            organisation_id=of.organisation_id,
            device=device,
            service="apns",
            environment="production",
            token=sealing.seal(value),
        )


def test_then_the_old_key_may_go(
    alice_signs_in: Person,
    bob: Membership,
    charlie: Membership,
    settings: Settings,
    capsys: pytest.CaptureFixture[str],
) -> None:
    tokens = [push_token(bob, b"of bob"), push_token(charlie, b"of charlie")]
    use(settings, NEW, OLD)
    call_command("reseal")
    assert "3 sealed anew, 0 under the first" in capsys.readouterr().out
    call_command("reseal")
    assert "0 sealed anew, 3 under the first" in capsys.readouterr().out

    use(settings, NEW)
    sealed = Factor.objects.get(account=alice_signs_in.account).sealed_key
    assert sealing.unseal(sealed or b"") == alice_signs_in.key
    for token, value in zip(tokens, (b"of bob", b"of charlie"), strict=True):
        with cast.inside(token.organisation):
            token.refresh_from_db()
        assert sealing.unseal(token.token) == value
    assert [what["data"]["anew"] for what in platform_events("secrets.resealed")] == [3, 0]


def test_what_cannot_be_opened_is_left_and_said(
    alice_signs_in: Person, bob: Membership, settings: Settings
) -> None:
    use(settings, NEW)
    push_token(bob, b"of bob")
    with pytest.raises(CommandError, match="1 are sealed under a key"):
        call_command("reseal")
    sealed = Factor.objects.get(account=alice_signs_in.account).sealed_key
    with pytest.raises(InvalidToken):
        sealing.unseal(sealed or b"")
    use(settings, OLD)
    assert sealing.unseal(sealed or b"") == alice_signs_in.key


def test_whatever_is_called_sealed_is_found() -> None:
    """A secret in a plain column would be left behind."""
    plain = {
        f"{model.__name__}.{field.name}"
        for model in apps.get_models()
        for field in model._meta.local_concrete_fields
        if isinstance(field, BinaryField) and not isinstance(field, SealedField)
    }
    assert not {name for name in plain if "sealed" in name or "totp" in name}
