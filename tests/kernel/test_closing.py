"""A closed server: who is turned away, with what, and who is not."""

from collections.abc import Iterator

import pytest
from django.db import OperationalError
from django.test import Client

from semafore.kernel import closing
from semafore.kernel.closing import CLOSING, Closing, Closure
from semafore.kernel.problems import Unavailable

DEVICES_ALONE = Closure(Unavailable("Closed to devices.", retry_after=60), everybody=False)
TO_ALL = Closure(Unavailable("Closed to all.", retry_after=600), everybody=True)


@pytest.fixture
def reasons() -> Iterator[list[Closure | None]]:
    """What the reasons of a deployment say, the first one's and the second one's."""
    said: list[Closure | None] = [None, None]
    register(CLOSING, said)
    yield said
    del CLOSING._reasons[-2:]


def register(closing: Closing, said: list[Closure | None]) -> None:
    closing.register(lambda: said[0])
    closing.register(lambda: said[1])


def test_devices_are_turned_away_and_people_not(
    client: Client, reasons: list[Closure | None], db: None
) -> None:
    reasons[0] = DEVICES_ALONE
    CLOSING.ask_anew()
    answer = client.get("/api/mobile/config")
    assert answer.status_code == 503
    assert answer["Retry-After"] == "60"
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["detail"] == "Closed to devices."
    assert client.get("/console/sign-in").status_code == 200


def test_everybody_but_operators_and_monitoring(
    client: Client, reasons: list[Closure | None], db: None
) -> None:
    reasons[:] = [DEVICES_ALONE, TO_ALL]
    CLOSING.ask_anew()
    for path in ("/api/mobile/config", "/api/audit/events", "/console/account/"):
        answer = client.get(path)
        assert answer.status_code == 503, path
        assert answer["Retry-After"] == "600"
    assert "Closed to all." in client.get("/console/account/").text
    for path in ("/healthz", "/readyz", "/operator/login/", "/console/sign-in"):
        assert client.get(path).status_code != 503, path


def test_it_is_open_again(
    client: Client, reasons: list[Closure | None], db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A second that lasts, however slow the machine.
    monkeypatch.setattr(closing, "FRESH_SECONDS", 600.0)
    reasons[0] = TO_ALL
    CLOSING.ask_anew()
    assert client.get("/api/mobile/config").status_code == 503
    reasons[0] = None
    assert client.get("/api/mobile/config").status_code == 503, "within the second"
    CLOSING.ask_anew()
    assert client.get("/api/mobile/config").status_code == 200


def test_a_database_that_is_away_closes_nothing_but_to_devices(client: Client, db: None) -> None:
    def away() -> Closure | None:
        raise OperationalError

    CLOSING.register(away)
    try:
        CLOSING.ask_anew()
        assert client.get("/console/sign-in").status_code == 200
        answer = client.get("/api/mobile/config")
        assert (answer.status_code, answer["Retry-After"]) == (503, "2")
    finally:
        CLOSING._reasons.remove(away)
