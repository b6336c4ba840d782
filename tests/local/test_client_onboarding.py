"""The device client on its way in: what it asks a person, and what a trace tells of it."""

import httpx
import pytest

from semafore.local.client.api import ApiProblem
from semafore.local.client.commands import token_of
from semafore.local.client.onboarding import until_right
from semafore.local.client.tracing import as_curl


def refused(code: str) -> ApiProblem:
    return ApiProblem(403, code, {})


def test_a_wrong_code_is_asked_for_again() -> None:
    answers, asked = iter(["12345", "000000", "123456"]), []

    def ask(question: str) -> str:
        asked.append(question)
        return next(answers)

    def prove(code: str) -> None:
        if code != "123456":
            raise refused("invalid" if len(code) < 6 else "code_wrong")

    until_right("The code", ask, prove)

    assert asked == ["The code", "That is not the code. Again", "That is not the code. Again"]


def test_a_locked_number_is_not_asked_for_again() -> None:
    def prove(_code: str) -> None:
        raise refused("code_locked")

    with pytest.raises(ApiProblem, match="code_locked"):
        until_right("The code", lambda _question: "000000", prove)


def test_a_trace_tells_no_code_and_no_token() -> None:
    headers = {"Authorization": "Bearer sfo_secret"}
    request = httpx.Request(
        "POST", "http://127.0.0.1/api/mobile/onboarding/1/phone", headers=headers
    )
    for body in ({"code": "123456"}, {"invitation_token": "123456"}):
        told = as_curl(request, body)
        assert "123456" not in told
        assert "sfo_secret" not in told
        assert '"Authorization: Bearer $TOKEN"' in told


def test_a_trace_shows_the_first_of_many_keys() -> None:
    request = httpx.Request("PUT", "http://127.0.0.1/")

    assert '[1, "… and 2 more"]' in as_curl(request, {"one_time_pre_keys": [1, 2, 3]})
    assert "[1]" in as_curl(request, {"one_time_pre_keys": [1]})


@pytest.mark.parametrize("given", ["abc-_9", "http://127.0.0.1:8000/i/#abc-_9"])
def test_a_link_or_its_token_will_do(given: str) -> None:
    assert token_of(given) == "abc-_9"
