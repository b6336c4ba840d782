"""The pgbench scripts hold what the application runs: a limit of other statements is none."""

from bench.statements import drifted


def test_no_script_has_drifted_from_the_application() -> None:
    assert drifted() == []
