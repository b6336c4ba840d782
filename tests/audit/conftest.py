"""Fixtures of the verifier's tests."""

from pathlib import Path

import pytest

from audit import verifier
from audit.verifier import Report
from tests.audit.evidence_log import Check, Log, a_log


@pytest.fixture
def log() -> Log:
    return a_log()


@pytest.fixture
def check(tmp_path: Path) -> Check:
    """The findings on the bytes of a bundle."""

    def findings(bundle: bytes, *anchors: tuple[str, str], keys: list[str] | None = None) -> Report:
        path = tmp_path / "bundle.zip"
        path.write_bytes(bundle)
        return verifier.verify_bundle(path, anchors, keys or [])

    return findings
