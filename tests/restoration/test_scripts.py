"""What the files of `deploy/backup` write, without a server: the programs they call stand in."""

import os
import subprocess
from pathlib import Path

import pytest

from semafore.local.servers import ROOT

SCRIPTS = ROOT / "deploy" / "backup"
STAND_INS = {
    "pg_verifybackup": "exit 0",
    "pg_dump": 'for last; do :; done; echo dumped > "${last#--file=}"',
}


@pytest.fixture
def path(tmp_path: Path) -> str:
    """With the stand-ins first."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, does in STAND_INS.items():
        (folder / name).write_text(f"#!/bin/sh\n{does}\n")
        (folder / name).chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


def settings_of(data: Path) -> dict[str, str]:
    """As PostgreSQL takes them: the last of each counts."""
    lines = (data / "postgresql.auto.conf").read_text().splitlines()
    return {name: value for name, _, value in (line.partition(" = ") for line in lines)}


@pytest.mark.parametrize(("time", "target"), [((), "''"), (("2026-11-22",), "'2026-11-22'")])
def test_a_cluster_that_went_back_before_goes_where_it_is_told(
    tmp_path: Path, path: str, time: tuple[str, ...], target: str
) -> None:
    """Its settings are in the backup, and hold the moment of that time."""
    backup, data = tmp_path / "backup", tmp_path / "data"
    backup.mkdir()
    (backup / "postgresql.auto.conf").write_text("recovery_target_time = '2020-01-01'\n")
    subprocess.run(
        [SCRIPTS / "restore-base", backup, tmp_path / "wal", data, *time],
        check=True,
        env={"PATH": path},
    )
    assert settings_of(data)["recovery_target_time"] == target


def test_nobody_else_reads_a_dump(tmp_path: Path, path: str) -> None:
    made = tmp_path / "semafore.dump"
    subprocess.run([SCRIPTS / "dump", made], check=True, env={"PATH": path}, umask=0o022)
    assert made.stat().st_mode & 0o777 == 0o600
