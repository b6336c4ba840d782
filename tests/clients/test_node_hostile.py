"""What the device of clients/node believes of a server that lies to it (hostile.mjs)."""

import json
import subprocess
from typing import Any

import pytest

from semafore.local.servers import ROOT
from tests.clients.node_device import PATIENCE, installed


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What became of each lie."""
    client = installed(tmp_path_factory.mktemp("hostile"))
    command = ["node", str(ROOT / "tests" / "clients" / "hostile.mjs"), str(client)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_a_retired_key_is_not_believed_because_it_is_published(found: dict[str, Any]) -> None:
    assert found["retiredKeys"] == {
        "first": "believed",
        "kept": 1,
        "alone": "no key that was known before has signed this checkpoint",
    }


def test_what_does_not_fit_together_is_kept_and_ends_the_trust(found: dict[str, Any]) -> None:
    """Written before the accused server is told, which answers 500; and not overwritten later."""
    assert found["splitView"] == {
        "shown": ["believed", "distrusted", "distrusted"],
        "kept": True,
        "before": True,
        "written": True,
        "later": "distrusted",
    }


def test_a_checkpoint_of_nothing_is_looked_at_like_any(found: dict[str, Any]) -> None:
    assert found["empty"] == {"right": "believed", "wrong": "distrusted"}


def test_who_spoke_first_is_held_against_the_log_before_the_answer(found: dict[str, Any]) -> None:
    assert found["vouched"] == {"asked": 1, "sent": [1, 1], "said": ["believed", "believed"]}
    assert found["unknown"] == {"asked": 2, "sent": [0, 0], "said": ["believed", "believed"]}
    assert found["exchanged"]["sent"] == []
    assert found["exchanged"]["said"] == ["another identity key was approved"] * 2


def test_a_socket_without_tls_is_refused_where_the_server_speaks_it(found: dict[str, Any]) -> None:
    refused = "the server names a socket without TLS"
    assert found["sockets"] == ["believed", "believed", refused]
