"""Backups of a real cluster, made and restored by the files of `deploy/backup`."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

from semafore.local import privileges
from semafore.local.postgres import ADMINISTRATOR, PostgresCluster, programs
from semafore.local.servers import ROOT

SCRIPTS: Final = ROOT / "deploy" / "backup"

VERIFY: Final = r"""#!/bin/sh
# The wheel's own pg_verifybackup crashes (PostgreSQL 18.4); this checks the same manifest.
set -eu
cd "$2"
sed -n 's/.*"Path": "\([^"]*\)".*"Checksum": "\([0-9a-f]*\)".*/\2  \1/p' backup_manifest > ../files
[ -s ../files ]
sha256sum --check --quiet ../files
"""


class Backups:
    """A folder for backups and the archived log of one cluster."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.wal = folder / "wal"
        self.wal.mkdir(parents=True)
        # The scripts themselves, where PostgreSQL's own account can run them.
        shutil.copytree(SCRIPTS, folder / "scripts")
        verify = folder / "scripts" / "pg_verifybackup"
        verify.write_text(VERIFY)
        verify.chmod(0o755)
        self.account = privileges.server_account(folder / "none")
        for path in (self.wal, folder / "scripts" / "archive-wal"):
            privileges.make_reachable(path, self.account)
        privileges.give(folder, self.account)

    @property
    def settings(self) -> dict[str, str]:
        """Of a cluster that archives here."""
        script = self.folder / "scripts" / "archive-wal"
        return {
            "wal_level": "replica",
            "archive_mode": "on",
            "archive_command": f"{script} %p %f {self.wal}",
            "max_wal_senders": "4",
        }

    def run(
        self,
        script: str,
        *words: str,
        of: PostgresCluster,
        database: str = "postgres",
        role: str = ADMINISTRATOR,
    ) -> str:
        """Run a script as the cluster's administrator, or as this role; what it printed."""
        return subprocess.run(
            [self.folder / "scripts" / script, *words],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
            cwd=self.folder,
            env={
                "PATH": f"{self.folder / 'scripts'}:{programs()}:{os.environ['PATH']}",
                "PGHOST": str(of.socket_directory),
                "PGUSER": role,
                "PGDATABASE": database,
                "LC_ALL": "C",
            },
            **privileges.run_as(self.account),
        ).stdout.strip()

    def go_back(self, cluster: PostgresCluster, backup: str, time: str) -> None:
        """The stopped cluster as it was then; what it was is moved aside."""
        cluster.data.rename(cluster.directory / f"lost-{time.replace(' ', '-')}")
        cluster.data.mkdir(mode=0o700)
        privileges.give(cluster.data, self.account)
        self.run("restore-base", backup, str(self.wal), str(cluster.data), time, of=cluster)

    def standby(self, cluster: PostgresCluster, directory: Path) -> PostgresCluster:
        """A streaming replica of a running cluster, not yet started."""
        made = PostgresCluster(directory, settings=self.settings | {"archive_mode": "off"})
        made.data.mkdir(mode=0o700, parents=True)
        privileges.make_reachable(made.data, self.account)
        privileges.give(made.data, self.account)
        subprocess.run(
            [
                programs() / "pg_basebackup",
                "--write-recovery-conf",
                "--checkpoint=fast",
                f"--pgdata={made.data}",
            ],
            check=True,
            cwd=self.folder,
            env={"PGHOST": str(cluster.socket_directory), "PGUSER": ADMINISTRATOR, "LC_ALL": "C"},
            **privileges.run_as(self.account),
        )
        return made
