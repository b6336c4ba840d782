"""Exports lie in a folder of the test's own."""

from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from orgs.models import Membership, Organisation, Role
from tests import cast


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, settings: Settings) -> Path:
    """Where the objects lie."""
    place = tmp_path / "exports"
    own: dict[str, Any] = dict(settings.STORAGES["exports"])
    own["OPTIONS"] = own["OPTIONS"] | {"location": str(place)}
    settings.STORAGES = {**settings.STORAGES, "exports": own}
    return place


@pytest.fixture
def erin(acme: Organisation) -> Membership:
    """An auditor of Acme."""
    return cast.member(acme, "Erin", Role.AUDITOR)


@pytest.fixture
def grace(globex: Organisation) -> Membership:
    """An auditor of Globex, who must see nothing of Acme."""
    return cast.member(globex, "Grace", Role.AUDITOR)
