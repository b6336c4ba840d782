"""Proofs of random events from a log of a million entries: in the server, and through the API."""

import secrets
import statistics
import sys
import time
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from bench import load
from bench.deployment import DIRECTORY, THREADS, WORKERS, deployment, statements_of
from bench.report import Arguments, Bar, arguments, show

ENTRIES = 1_000_000
SAMPLE = 4000
LONG = "1000000"


def main() -> int:
    """Measures and prints; 1 when the bar is missed."""
    return measure(arguments("proof", __doc__ or "", workers=WORKERS, threads=THREADS))


def measure(given: Arguments) -> int:
    """Fills the log, then asks for proofs one after the other, and over connections."""
    with deployment(SERVICE_REQUESTS_PER_MINUTE=LONG) as made:
        from bench import data, long_log

        organisation_id = data.organisation()
        begin = time.perf_counter()
        sampled = long_log.fill(organisation_id, entries=ENTRIES, sample=SAMPLE)
        filled = time.perf_counter() - begin
        made.settle()
        part = given.seconds / 4
        alone = _times(organisation_id, part, [one.event_id for one in sampled])
        with_content = _times(
            organisation_id, part, [(one.event_id, one.content) for one in sampled]
        )
        token = _token(organisation_id)
        requests = [_request(one.event_id, token) for one in sampled]
        with made.web(workers=given.workers, threads=given.threads):
            statements = statements_of(made, requests[:50])
            made.settle()
            one = _load(made.port, [requests], part)
            made.settle()
            lanes = [requests[lane :: given.connections] for lane in range(given.connections)]
            many = _load(made.port, lanes, part)
    figures = {
        "entries": ENTRIES,
        "seconds_to_fill": filled,
        "in_the_server_p99_ms": _p99(alone),
        "with_a_ciphertext_p50_ms": statistics.median(with_content),
        "with_a_ciphertext_p99_ms": _p99(with_content),
        "http_one_connection_p50_ms": one.p50,
        "http_one_connection_p99_ms": one.p99,
        "connections": given.connections,
        "workers_x_threads": f"{given.workers} x {given.threads}",
        "http_proofs_a_second": many.per_second,
        "http_p50_ms": many.p50,
        "http_p99_ms": many.p99,
        "statements_a_request": statements,
    }
    median = statistics.median(alone)
    bars = [Bar("median in the server", median, 5, most=True, unit=" ms")]
    return show("proof", figures, bars, as_json=given.as_json)


def _times(
    organisation_id: UUID, seconds: float, asked: Sequence[UUID | tuple[UUID, bytes]]
) -> list[float]:
    """Milliseconds of each proof, drawn at random, the first hundred left out."""
    from audit.logs import log_of
    from audit.selectors.proofs import event_proof

    log, times = log_of(organisation_id), []
    deadline = time.perf_counter() + seconds
    while time.perf_counter() < deadline:
        chosen = secrets.choice(asked)
        event_id, content = chosen if isinstance(chosen, tuple) else (chosen, None)
        begin = time.perf_counter()
        proof = event_proof(log, event_id=event_id, open_parts={"who", "what"}, content=content)
        times.append(1000 * (time.perf_counter() - begin))
        assert proof is not None
    return times[100:]


def _p99(times: Sequence[float]) -> float:
    return statistics.quantiles(times, n=100)[98]


def _token(organisation_id: UUID) -> str:
    """A service token that may read events."""
    from orgs.models import Scope
    from orgs.services.service_tokens import issue_service_token
    from semafore.kernel import clock
    from semafore.kernel.actor import SYSTEM, acting_as
    from semafore.kernel.tenancy import organisation_scope

    with acting_as(SYSTEM), organisation_scope(organisation_id):
        issued = issue_service_token(
            name="Bench", scopes=[Scope.AUDIT_READ], expires_at=clock.now() + timedelta(days=1)
        )
    return issued.token


def _request(event_id: UUID, token: str) -> bytes:
    return (
        f"GET /api/audit/events/{event_id}/proof HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Authorization: Bearer {token}\r\n\r\n"
    ).encode()


def _load(port: int, lanes: list[list[bytes]], seconds: float) -> load.Result:
    result = load.start(DIRECTORY / "plan", port, lanes, seconds=seconds)
    if result.not_ok:
        raise RuntimeError(f"{result.not_ok} answers were not 200; the first: {result.sample}")
    return result


if __name__ == "__main__":
    sys.exit(main())
