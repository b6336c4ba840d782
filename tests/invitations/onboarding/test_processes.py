"""A person at a terminal comes in: `bin/device enrol`, the web process, a Celery worker."""

import json
import subprocess
import sys
import time
from pathlib import Path

from semafore.local.client.demo import Demo
from semafore.local.servers import ROOT
from tests.deployment import deployed

INVITE = """
from datetime import timedelta
from invitations.models import Channel, Invitation, Purpose
from invitations.services.tokens import invitation_token
from orgs.models import Organisation
from semafore.kernel import clock
from semafore.kernel.tenancy import organisation_scope
of = Organisation.objects.get(slug="northgate")
with organisation_scope(of.id):
    print("token", invitation_token(Invitation.objects.create(
        organisation=of, purpose=Purpose.MEMBER, name="Dana", phone="+447700901001",
        channel=Channel.HAND, expires_at=clock.now() + timedelta(days=1))))
"""
WORKER = ("celery", "--quiet", "--app", "semafore", "worker", "--concurrency", "1")


def code_in(outbox: Path) -> str:
    """The code, once the worker has sent it."""
    for _ in range(1200):
        if outbox.exists() and outbox.read_text().endswith("\n"):
            return str(json.loads(outbox.read_text().splitlines()[-1])["text"])[:6]
        time.sleep(0.1)
    raise AssertionError("no message came")


def test_a_new_device_enrols_from_a_terminal(tmp_path: Path) -> None:
    outbox = tmp_path / "sms.jsonl"
    with deployed(tmp_path) as deployment:
        deployment.environment["SMS_FILE"] = str(outbox)
        token = deployment.manage("shell", "-v", "0", "-c", INVITE).split("token ")[1].strip()
        demo = tmp_path / "demo.json"
        client = ("-m", "semafore.local.client", "--demo", str(demo), "--as", "dana")
        with (
            deployment.web(),
            deployment.process(*WORKER),
            subprocess.Popen(
                [sys.executable, *client, "enrol", f"https://x.example/i/#{token}"],
                env=deployment.environment,
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            ) as terminal,
        ):
            said, _ = terminal.communicate(code_in(outbox) + "\n", timeout=120)
        assert terminal.returncode == 0, said
        assert "dana is registered and waits for an administrator" in said
        entry = Demo.load(demo).find("dana")
        status = deployment.query("SELECT id, status FROM keys_device WHERE name = 'dana'")
        assert status == [(entry.device_id, "pending")]
        assert entry.state_file.exists()
        assert token not in deployment.output()
