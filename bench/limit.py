"""The limit: pgbench with the same statements, connections and data, without the application."""

import os
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import psycopg

from bench.deployment import Deployment
from bench.statements import HERE
from semafore.local.postgres import DATABASE, ROLE, programs

TPS = re.compile(r"^tps = ([\d.]+)", re.MULTILINE)
FAILED = re.compile(r"number of failed transactions: (\d+)")
THREADS = 2


@dataclass(frozen=True, slots=True)
class Ask:
    """Whose bundles a claimant asks for, or where a device publishes."""

    targets: Sequence[UUID]
    claimant: UUID
    account: UUID
    token_hash: bytes


class Limit:
    """Runs one committed script against the database of a deployment."""

    def __init__(
        self,
        made: Deployment,
        script: str,
        *,
        organisation_id: UUID,
        connections: int,
        slots: dict[str, str],
    ) -> None:
        """`slots` are the script's own variables and their first values."""
        self.made = made
        self.script = HERE / script
        self.connections = connections
        self.organisation_id = organisation_id
        self.slots = slots
        self.protocol = ""

    def plan(self, plans: Sequence[Sequence[Ask]]) -> None:
        """Puts what each transaction asks for where pgbench can fetch it.

        A plan of several asks serves as many transactions, a plan of one ask a whole bulk call.
        """
        self.plans = plans

    def _write_plans(self, *, quoted: bool) -> None:
        """With the simple protocol pgbench pastes values into the text, so they bring quotes."""
        rows = []
        for number, asks in enumerate(self.plans, 1):
            targets = [str(target) for ask in asks for target in ask.targets]
            columns = [
                "{" + ",".join(values) + "}"
                for values in (
                    targets,
                    [str(ask.claimant) for ask in asks],
                    [str(ask.account) for ask in asks],
                    [f'"\\\\x{ask.token_hash.hex()}"' for ask in asks],
                )
            ]
            rows.append([number, *(f"'{value}'" if quoted else value for value in columns)])
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute("DROP TABLE IF EXISTS bench_plan")
            cursor.execute(
                "CREATE TABLE bench_plan (n int PRIMARY KEY, targets text NOT NULL,"
                " claimants text NOT NULL, accounts text NOT NULL, token_hashes text NOT NULL)"
            )
            cursor.executemany("INSERT INTO bench_plan VALUES (%s, %s, %s, %s, %s)", rows)
            cursor.execute("ANALYZE bench_plan")

    def connect(self) -> psycopg.Connection[tuple[object, ...]]:
        """As the application connects."""
        return psycopg.connect(self.made.postgres.url, autocommit=True)

    def _event(self, *, quoted: bool) -> dict[str, str]:
        """The newest event's parts: what pgbench writes is as long as what the server wrote."""
        with self.connect() as connection:
            row = connection.execute(
                "SELECT class, who, who_opening, c_who, what, c_what FROM audit_event"
                " ORDER BY id DESC LIMIT 1"
            ).fetchone()
        if row is None:
            raise RuntimeError("no event has been recorded yet")
        parts = dict(zip(("who", "opening", "c_who", "what", "c_what"), row[1:], strict=True))
        parts["entry"] = bytes(34)
        mark = "'" if quoted else ""
        found = {
            name: f"{mark}\\x{value.hex()}{mark}"
            for name, value in parts.items()
            if isinstance(value, bytes)
        }
        return found | {"class": str(row[0])}

    def run(self, *, seconds: float, protocol: str) -> float:
        """Transactions a second."""
        quoted = protocol == "simple"
        if protocol != self.protocol:
            self._write_plans(quoted=quoted)
            self.protocol = protocol
        organisation = f"'{self.organisation_id}'" if quoted else str(self.organisation_id)
        variables = {
            "organisation": organisation,
            "plans": str(len(self.plans)),
            **self._event(quoted=quoted),
            **self.slots,
        }
        # fmt: off
        command = [
            str(programs() / "pgbench"), "--no-vacuum", f"--client={self.connections}",
            f"--jobs={min(THREADS, self.connections)}", f"--time={max(1, round(seconds))}",
            f"--protocol={protocol}", f"--file={self.script}",
            *(f"--define={name}={value}" for name, value in variables.items()),
            "--host", str(self.made.postgres.socket_directory), "--username", ROLE, DATABASE,
        ]
        # fmt: on
        environment = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
        done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
        speed, failed = TPS.search(done.stdout), FAILED.search(done.stdout)
        if done.returncode or speed is None or failed is None or int(failed.group(1)):
            raise RuntimeError(f"pgbench failed:\n{done.stdout}\n{done.stderr}")
        return float(speed.group(1))

    def forget_published(self) -> None:
        """Takes away what pgbench published, so that the next run begins as this one did."""
        with self.connect() as connection:
            connection.execute(
                "DELETE FROM keys_onetimeprekey WHERE device_id = ANY(%s)",
                [[target for asks in self.plans for ask in asks for target in ask.targets]],
            )
