"""The bare address: a browser is shown the console, a terminal where to go."""

import pytest
from django.conf import settings
from django.test import Client

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


def test_a_browser_goes_to_the_console(client: Client) -> None:
    answer = client.get("/", headers={"Accept": BROWSER})

    assert (answer.status_code, answer["Location"]) == (302, "/console/")
    assert "Accept" in answer["Vary"]


@pytest.mark.parametrize("accept", ["*/*", "text/plain", "application/json", ""])
def test_a_terminal_reads_where_to_go(client: Client, accept: str) -> None:
    answer = client.get("/", headers={"Accept": accept})

    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    assert "Accept" in answer["Vary"]
    for address in ("/console/", "/api/mobile/", "/readyz"):
        assert f"{settings.BASE_URL}{address}" in answer.content.decode()
    assert settings.EVENTS_URL in answer.content.decode()
