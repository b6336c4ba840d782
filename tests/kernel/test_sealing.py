"""What lies in the database sealed or hashed."""

from collections.abc import Iterator

import pytest
from cryptography.fernet import Fernet, InvalidToken
from pytest_django import Settings

from semafore.kernel import sealing

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


@pytest.fixture(autouse=True)
def fresh_keys() -> Iterator[None]:
    sealing._box_of_each.cache_clear()
    yield
    sealing._box_of_each.cache_clear()


def use(settings: Settings, *keys: str) -> None:
    settings.FIELD_KEYS = list(keys)
    sealing._box_of_each.cache_clear()


def test_what_is_sealed_comes_back_and_shows_nothing(settings: Settings) -> None:
    sealed = sealing.seal(b"a key")

    assert b"a key" not in sealed
    assert sealing.seal(b"a key") != sealed
    assert sealing.unseal(sealed) == b"a key"
    # As the database gives it.
    assert sealing.unseal(memoryview(sealed)) == b"a key"


def test_a_new_key_opens_what_the_old_one_sealed(settings: Settings) -> None:
    use(settings, OLD)
    sealed = sealing.seal(b"a key")
    use(settings, NEW, OLD)
    assert sealing.unseal(sealed) == b"a key"
    again = sealing.seal(b"a key")
    use(settings, NEW)
    assert sealing.unseal(again) == b"a key"
    with pytest.raises(InvalidToken):
        sealing.unseal(sealed)


def test_without_field_keys_the_secret_key_serves(settings: Settings) -> None:
    use(settings)
    sealed = sealing.seal(b"a key")
    settings.SECRET_KEY = "another " * 10
    sealing._box_of_each.cache_clear()
    with pytest.raises(InvalidToken):
        sealing.unseal(sealed)


def test_a_keyed_hash_serves_one_purpose_under_one_key(settings: Settings) -> None:
    known = sealing.keyed_hash("code", b"123456")

    assert len(known) == 32
    assert sealing.keyed_hash("code", b"123456") == known
    assert sealing.keyed_hash("code", b"123457") != known
    assert sealing.keyed_hash("link", b"123456") != known
    settings.SECRET_KEY = "another " * 10
    assert sealing.keyed_hash("code", b"123456") != known
