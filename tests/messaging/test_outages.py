"""PostgreSQL restarts and is killed under senders: nothing accepted is lost or half there."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from django.conf import settings

from semafore.local.servers import ROOT, environment
from tests import migrated
from tests.messaging.senders import SENDERS

MESSAGES = 160
"""At least; from an eighth of them on, there are breaks."""


def test_what_was_accepted_survives_restarts_of_postgresql(tmp_path: Path) -> None:
    with migrated.cluster(tmp_path / "postgres", durable=False) as postgres:
        env = environment(
            DATABASE_URL=postgres.url,
            REDIS_URL=settings.REDIS_URL,
            MESSAGES_PER_DEVICE_PER_MINUTE="1000000",
        )
        manage = [sys.executable, "manage.py"]
        breaks = [
            (MESSAGES // 8, postgres.stop),
            (MESSAGES * 3 // 8, postgres.kill),
            (MESSAGES * 5 // 8, postgres.stop),
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
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            said: dict[str, Any] = {}
            accepted = 0
            assert process.stdin is not None
            assert process.stdout is not None
            for line in process.stdout:
                said = json.loads(line)
                accepted = said.get("accepted", accepted)
                if breaks and accepted >= breaks[0][0]:
                    _, end = breaks.pop(0)
                    end()
                    postgres.start()
                if accepted >= MESSAGES:
                    process.stdin.close()
        assert process.returncode == 0
    print(said)  # noqa: T201 - for pytest -rP
    assert breaks == []
    failures = said.pop("failures")
    assert failures
    assert failures.keys() <= {"unavailable"}
    assert said == {
        "as_promised": accepted,
        "messages": accepted,
        "envelopes": accepted * (SENDERS - 1),
        "contents": accepted * (SENDERS - 1),
        "unlogged": 0,
    }
