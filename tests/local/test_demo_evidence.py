"""What the demo shows of part 5: searches, a closed case, a report, an export that was written."""

from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from pytest_django import Settings

from audit.models import Export, ExportStatus, Hold, SavedSearch
from audit.selectors.events import EventFilter, events
from audit.selectors.reading import Reader
from audit.services.exports.work import write_exports
from orgs.models import Membership, Organisation, Role
from orgs.roles import ROLE_PERMISSIONS
from semafore.kernel.actor import SYSTEM, acting_as
from semafore.kernel.tenancy import organisation_scope
from semafore.local.management.commands.load_demo import Command


@pytest.fixture
def folder(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where everything of this demo lies."""
    monkeypatch.setenv("SEMAFORE_LOCAL_DIR", str(tmp_path))
    settings.DEBUG = True
    settings.LOG_STATE_DIR = str(tmp_path / "log")
    own: dict[str, Any] = dict(settings.STORAGES["exports"])
    own["OPTIONS"] = own["OPTIONS"] | {"location": str(tmp_path / "exports")}
    settings.STORAGES = {**settings.STORAGES, "exports": own}
    return tmp_path


@pytest.mark.usefixtures("committed", "folder")
def test_a_newcomer_sees_evidence_go_out() -> None:
    call_command(Command())
    call_command(Command())

    northgate = Organisation.objects.get(slug="northgate")
    with organisation_scope(northgate.id), acting_as(SYSTEM):
        assert set(SavedSearch.objects.values_list("shared", flat=True)) == {True}
        (case,) = Hold.objects.all()
        assert case.lifted_at
        (export,) = Export.objects.all()
        write_exports()
        export.refresh_from_db()
        assert (export.status, export.done) == (ExportStatus.DONE, export.stated)
        assert export.done
        owner = Membership.objects.get(name="Amara Osei")
        reader = Reader(ROLE_PERMISSIONS[Role.OWNER], owner.id)
        (report,) = events(reader, EventFilter(action="report.requested"))
        assert report.actor_member == owner.id
