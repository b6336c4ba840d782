"""People who sign in."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from orgs.models import Membership
from semafore.kernel import clock
from tests.orgs.sign_in.people import Person, person


@pytest.fixture
def owner(alice: Membership) -> Person:
    """Alice, who has a password and an authenticator."""
    return person(alice)


@pytest.fixture
def outsider(charlie: Membership) -> Person:
    """Charlie, likewise."""
    return person(charlie)


@pytest.fixture
def early_in_a_minute() -> Iterator[None]:
    """No minute that a page names, and no step of an authenticator, ends within the test."""
    now = clock.now()
    following = now.replace(second=0, microsecond=0) + timedelta(minutes=1)
    with clock.moved_by(following - now):
        yield
