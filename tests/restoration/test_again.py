"""A database that goes back more than once, and files that tell of more than one organisation."""

import io
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from audit.log_process import LogProcess
from audit.logs import Log, log_of
from audit.state import SignerState
from keys.models import OneTimePreKey
from orgs.models import Organisation
from restoration.models import Restoration
from semafore.kernel.closing import CLOSING
from tests import cast
from tests.cast import Phone, inside


@pytest.fixture
def folder(tmp_path: Path, settings: Settings) -> Path:
    settings.LOG_STATE_DIR = str(tmp_path / "log")
    return tmp_path / "log"


@pytest.fixture
def acme(committed: None) -> Iterator[Organisation]:
    yield cast.organisation("Acme")
    CLOSING.ask_anew()


@pytest.fixture
def phone(acme: Organisation) -> Phone:
    return cast.phone(cast.member(acme, "Alice"))


def drain(folder: Path) -> bool:
    with SignerState(folder) as state:
        return LogProcess(state).drain()


def go_back(folder: Path, *logs: Log) -> None:
    """Without another name, as a copy of the disk does: the signer's file knows of more."""
    assert drain(folder)
    with SignerState(folder) as state:
        for log in logs:
            last = state.last(log.log_id)
            assert last is not None
            state.remember(log.log_id, replace(last.head, size=last.head.size + 7))
    assert not drain(folder)
    CLOSING.ask_anew()


def after_restore(*files: str) -> str:
    said = io.StringIO()
    call_command("after_restore", reason="the disk of Monday", events=list(files), stdout=said)
    CLOSING.ask_anew()
    return said.getvalue()


def test_what_goes_back_twice_under_one_name_is_void_twice(
    acme: Organisation, phone: Phone, folder: Path
) -> None:
    log = log_of(acme.id)
    for _ in range(2):
        go_back(folder, log)
        assert "void are 20 one-time pre-keys" in after_restore()
        with inside(acme):
            assert not OneTimePreKey.objects.filter(claimed_at=None).exists()
        above = phone.api.status()["one_time_pre_keys"]["highest_key_id"]
        phone.api.publish(phone.keys.make_one_time_pre_keys(20, above=above))
    # The same call once more finds what it has done.
    assert "void" not in after_restore()
    assert Restoration.objects.get().finished_at


def lost(of: Organisation, seq: int, folder: Path) -> str:
    """A file with an event that names this organisation."""
    event = {
        "metadata": {
            "uid": str(uuid4()),
            "tenant_uid": str(of.id),
            "sequence": seq,
            "event_code": "message.accepted",
        },
        "unmapped": {"semafore": {}},
        "status_id": 1,
    }
    path = folder / f"{of.slug}.jsonl"
    path.write_text(json.dumps(event))
    return str(path)


def test_a_file_tells_of_the_organisation_that_gave_it(
    acme: Organisation, folder: Path, tmp_path: Path
) -> None:
    globex = cast.organisation("Globex")
    file = lost(globex, 0, tmp_path)
    for named in (file, f"nobody={file}"):
        with pytest.raises(CommandError, match="SLUG=FILE"):
            after_restore(named)
    with pytest.raises(CommandError, match="of another organisation"):
        after_restore(f"{acme.slug}={file}")

    both = (acme, globex)
    for one in both:
        cast.member(one, "Alice")
    assert drain(folder)
    with SignerState(folder) as state:
        heads = {one.slug: state.last(one.log_id) for one in both}
    go_back(folder, *(log_of(one.id) for one in both))
    sizes = {slug: last.head.size for slug, last in heads.items() if last}
    files = {one.slug: lost(one, sizes[one.slug] + 3, tmp_path) for one in both}
    after_restore(*(f"{slug}={path}" for slug, path in files.items()))
    for one in both:
        (event,) = cast.events(one, "database.reapplied")
        assert len(event["data"]["files"]) == 1, "of the others' files it learns nothing"
