"""PostgreSQL restarts and is killed under senders: nothing accepted is lost or half there."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from django.conf import settings

from semafore.local.servers import ROOT, environment
from tests import migrated
from tests.messaging.senders import MESSAGES, SENDERS

ALL = SENDERS * MESSAGES


def test_what_was_accepted_survives_restarts_of_postgresql(tmp_path: Path) -> None:
    with migrated.cluster(tmp_path / "postgres", durable=False) as postgres:
        env = environment(DATABASE_URL=postgres.url, REDIS_URL=settings.REDIS_URL)
        manage = [sys.executable, "manage.py"]
        breaks = [
            (ALL // 8, postgres.stop),
            (ALL * 3 // 8, postgres.kill),
            (ALL * 5 // 8, postgres.stop),
        ]
        with subprocess.Popen(
            [
                *manage,
                "shell",
                "--no-imports",
                "-c",
                "from tests.messaging.senders import *; run()",
            ],
            env=env,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            said: dict[str, Any] = {}
            assert process.stdout is not None
            for line in process.stdout:
                said = json.loads(line)
                if breaks and said.get("accepted", 0) >= breaks[0][0]:
                    _, end = breaks.pop(0)
                    end()
                    postgres.start()
        assert process.returncode == 0
    print(said)  # noqa: T201 - for pytest -rP
    assert breaks == []
    failures = said.pop("failures")
    assert failures
    assert failures.keys() <= {"unavailable"}
    assert said == {
        "as_promised": ALL,
        "messages": ALL,
        "envelopes": ALL * (SENDERS - 1),
        "contents": ALL * (SENDERS - 1),
        "unlogged": 0,
    }
