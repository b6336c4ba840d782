"""People who sign in."""

from collections.abc import Iterator

import pytest

from orgs.models import Membership
from tests.moments import MINUTE, beginning
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
    with beginning(MINUTE):
        yield
