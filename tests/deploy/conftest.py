"""Deployments, one a file."""

import subprocess
import sys
from collections.abc import Iterator

import pytest

from semafore.local.servers import ROOT
from tests.deploy.people import People
from tests.deploy.production import Production, produced


@pytest.fixture(scope="module")
def production(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Production]:
    """Everything runs behind nginx."""
    with produced(tmp_path_factory.mktemp("production")) as running:
        yield running


@pytest.fixture(scope="module")
def people(production: Production) -> People:
    """Acme's people and Charlie are there."""
    # The tests' own modules and real clients are in no release: it is done from here.
    subprocess.run(
        [sys.executable, "-m", "tests.deploy.people", production.folder / "home"],
        env=production.environment | {"DJANGO_SETTINGS_MODULE": "semafore.settings"},
        cwd=ROOT,
        check=True,
    )
    return People.load(production.folder / "home")
