"""People who sign in."""

import pytest

from orgs.models import Membership
from tests.orgs.sign_in.people import Person, person


@pytest.fixture
def owner(alice: Membership) -> Person:
    """Alice, who has a password and an authenticator."""
    return person(alice)


@pytest.fixture
def outsider(charlie: Membership) -> Person:
    """Charlie, likewise."""
    return person(charlie)
