"""Refusals as problem documents, and docs/errors.md, which lists them all."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from django.conf import settings as django_settings
from pytest_django import Settings

from semafore.kernel import clock
from semafore.kernel.http.handler import as_problem
from semafore.kernel.http.pages import ReporterFilter
from semafore.kernel.problems import Problem
from semafore.local.client.wire import encode
from semafore.wsgi import application
from tests.cast import Phone

CHALLENGE = "/api/mobile/auth/challenge"
DOCUMENT = Path(__file__).parents[2] / "docs" / "errors.md"
ROW = re.compile(r"^\| `(?P<code>[a-z_]+)` \| (?P<status>\d{3}) \| (?P<meaning>.+?) \|(.*)\|$")
MEMBERS = {"type", "title", "status", "detail", "code", "request_id"}


@pytest.fixture
def web() -> Iterator[httpx.Client]:
    """Anybody, without a token."""
    transport = httpx.WSGITransport(app=application, raise_app_exceptions=False)
    with httpx.Client(transport=transport, base_url=django_settings.BASE_URL) as client:
        yield client


@pytest.fixture
def alices(alice_phone: Phone, web: httpx.Client) -> httpx.Client:
    """Alice's device."""
    web.headers["Authorization"] = f"Bearer {alice_phone.api.token()}"
    return web


def problem(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The body, once everything that holds for any problem has been seen."""
    assert response.status_code == status, response.text
    assert response.headers["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert set(body) >= MEMBERS
    assert body["code"] == code
    assert body["type"] == f"urn:semafore:problem:{code}"
    assert body["status"] == status
    assert body["request_id"] == response.headers["X-Request-ID"]
    assert str(UUID(body["request_id"])) == body["request_id"]
    assert response.headers.get("Retry-After") == (
        str(body["retry_after"]) if "retry_after" in body else None
    )
    return body


def fields(body: dict[str, Any]) -> list[tuple[str, str]]:
    return [(error["field"], error["code"]) for error in body["errors"]]


# What can be wrong with any request


def test_every_request_has_an_id_of_its_own(db: None, web: httpx.Client) -> None:
    first, second = web.get("/api/mobile/config"), web.get("/api/mobile/config")

    assert UUID(first.headers["X-Request-ID"]) != UUID(second.headers["X-Request-ID"])


def test_a_caller_cannot_choose_the_id(db: None, web: httpx.Client) -> None:
    mine = "00000000-0000-4000-8000-000000000000"
    response = web.get("/api/mobile/me", headers={"X-Request-ID": mine})

    assert problem(response, 401, "token_invalid")["request_id"] != mine


@pytest.mark.parametrize(
    "path",
    [
        "/nowhere",
        "/api/mobile/nowhere",
        "/api/mobile/me/",
        "/api/mobile/key-bundles/not-a-uuid",
        "/api/mobile/devices/00000000-0000-4000-8000-00000000000G",
    ],
)
def test_a_path_without_a_route_is_not_found(db: None, web: httpx.Client, path: str) -> None:
    assert set(problem(web.get(path), 404, "not_found")) == MEMBERS


def test_a_host_that_is_not_ours_is_refused(db: None, web: httpx.Client) -> None:
    problem(web.get("/api/mobile/config", headers={"Host": "evil.example"}), 400, "malformed")


@pytest.mark.parametrize("path", ["/api/mobile/config", CHALLENGE, "/api/schema/"])
def test_a_method_that_a_route_lacks_is_refused_with_those_it_has(
    db: None, web: httpx.Client, path: str
) -> None:
    response = web.patch(path, json={})

    problem(response, 405, "method_not_allowed")
    assert response.headers["Allow"]
    assert "PATCH" not in response.headers["Allow"]


def test_who_is_not_signed_in_does_not_learn_the_methods(db: None, web: httpx.Client) -> None:
    response = web.patch("/api/mobile/me")

    problem(response, 401, "token_invalid")
    assert response.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "text/xml"])
def test_only_json_is_read(db: None, web: httpx.Client, kind: str) -> None:
    response = web.post(CHALLENGE, content=b"{}", headers={"Content-Type": kind})

    problem(response, 415, "media_type_unsupported")


@pytest.mark.parametrize("path", ["/api/mobile/config", "/api/schema/"])
def test_only_json_is_written(db: None, web: httpx.Client, path: str) -> None:
    problem(web.get(path, headers={"Accept": "text/html"}), 406, "not_acceptable")


def test_a_body_beyond_the_limit_is_refused(db: None, web: httpx.Client) -> None:
    limit = django_settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    body = b'{"device_id": "' + b"x" * limit + b'"}'
    response = web.post(CHALLENGE, content=body, headers={"Content-Type": "application/json"})

    problem(response, 413, "body_too_large")


def test_a_body_within_the_limit_is_read(db: None, web: httpx.Client) -> None:
    body = b'{"device_id": "' + b"x" * 7_000_000 + b'"}'
    response = web.post(CHALLENGE, content=body, headers={"Content-Type": "application/json"})

    assert fields(problem(response, 422, "invalid")) == [("device_id", "invalid")]


# What can be wrong with JSON


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"{'device_id': 1}",
        b'{"device_id": 1,}',
        b'{"device_id": 1} {}',
        b"\xff\xfe\x00",
        b'{"device_id": "\xff"}',
        b"[" * 100_000,
        b'{"device_id": ' + b"9" * 5000 + b"}",
        b'{"device_id": "\n"}',
    ],
)
def test_what_is_not_json_is_malformed(db: None, web: httpx.Client, body: bytes) -> None:
    response = web.post(CHALLENGE, content=body, headers={"Content-Type": "application/json"})

    problem(response, 400, "malformed")


@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"-Infinity"])
def test_nan_and_infinity_are_malformed(db: None, web: httpx.Client, number: bytes) -> None:
    body = b'{"device_id": ' + number + b"}"
    response = web.post(CHALLENGE, content=body, headers={"Content-Type": "application/json"})

    problem(response, 400, "malformed")


@pytest.mark.parametrize(
    "body",
    [
        b'{"device_id": 1, "device_id": 2}',
        b'{"x": [{"a": 1, "a": 1}]}',
        b'{"device_id": 1, "devic\\u0065_id": 1}',
    ],
)
def test_a_name_that_stands_twice_is_malformed(db: None, web: httpx.Client, body: bytes) -> None:
    response = web.post(CHALLENGE, content=body, headers={"Content-Type": "application/json"})

    assert "twice" in problem(response, 400, "malformed")["detail"]


@pytest.mark.parametrize("body", [b"null", b"[]", b'"text"', b"7", b"true"])
def test_what_is_no_object_is_malformed(db: None, web: httpx.Client, body: bytes) -> None:
    response = web.post(CHALLENGE, content=body, headers={"Content-Type": "application/json"})

    problem(response, 400, "malformed")


@pytest.mark.parametrize("name", ['"\\ud800"', '"\\u0000"', '"\\u202e\\n"', '"%s"' % ("x" * 5000)])
def test_whatever_name_comes_the_answer_is_json(db: None, web: httpx.Client, name: str) -> None:
    """A lone surrogate is legal JSON and no text that UTF-8 can write."""
    response = web.post(
        CHALLENGE, content=f"{{{name}: 1}}", headers={"Content-Type": "application/json"}
    )

    assert response.status_code in {400, 422}
    problem(response, response.status_code, response.json()["code"])


# What can be wrong with fields


def test_a_missing_field_is_named(db: None, web: httpx.Client) -> None:
    assert fields(problem(web.post(CHALLENGE, json={}), 422, "invalid")) == [
        ("device_id", "required")
    ]


def test_unknown_fields_are_named(db: None, web: httpx.Client) -> None:
    body = {"device_id": "00000000-0000-4000-8000-000000000000", "b": 1, "a": None}

    assert fields(problem(web.post(CHALLENGE, json=body), 422, "invalid")) == [
        ("a", "unknown_field"),
        ("b", "unknown_field"),
    ]


def test_an_unknown_field_deep_inside_is_named(alices: httpx.Client, alice_phone: Phone) -> None:
    body = {
        "identity_key": encode(alice_phone.keys.identity_key),
        "one_time_pre_keys": [
            {"key_id": 1, "public_key": "AAAA"},
            {"key_id": 2, "public_key": "AAAA", "private_key": "AAAA"},
        ],
    }
    answer = alices.put(f"/api/mobile/key-bundles/{alice_phone.id}", json=body)

    assert fields(problem(answer, 422, "invalid")) == [
        ("one_time_pre_keys[1].private_key", "unknown_field")
    ]


@pytest.mark.parametrize(
    "value",
    [
        None,
        5,
        True,
        7.5,
        [],
        {},
        "",
        "x",
        "00000000-0000-4000-8000-00000000000g",
        "urn:uuid:00000000-0000-4000-8000-000000000000",
        "{00000000-0000-4000-8000-000000000000}",
    ],
)
def test_what_is_no_uuid_is_refused(db: None, web: httpx.Client, value: object) -> None:
    body = problem(web.post(CHALLENGE, json={"device_id": value}), 422, "invalid")

    assert fields(body) == [("device_id", "null" if value is None else "invalid")]


@pytest.mark.parametrize("value", [None, 5, True, [], {}, ["AAAA"]])
def test_what_is_no_text_is_no_base64(
    alices: httpx.Client, alice_phone: Phone, value: object
) -> None:
    path = f"/api/mobile/key-bundles/{alice_phone.id}"
    body = problem(alices.put(path, json={"identity_key": value}), 422, "invalid")

    assert fields(body) == [("identity_key", "null" if value is None else "not_base64")]


@pytest.mark.parametrize(
    "text",
    [
        "AAA",  # no padding
        "AAAA=",
        "AAB=",  # stray bits: AAA= says the same
        "AB==",
        "AA-_",  # the alphabet of URLs
        "AAAA\n",
        " AAAA",
        "AA AA",
        "AAAAé",
        "A" * 20_000,
    ],
)
def test_base64_has_one_spelling(alices: httpx.Client, alice_phone: Phone, text: str) -> None:
    path = f"/api/mobile/key-bundles/{alice_phone.id}"
    body = problem(alices.put(path, json={"identity_key": text}), 422, "invalid")

    assert fields(body) == [("identity_key", "not_base64")]


@pytest.mark.parametrize("value", ["1", 1.0, True, None, [1], 0, -1, 2**31])
def test_a_key_id_is_a_json_integer_in_its_range(
    alices: httpx.Client, alice_phone: Phone, value: object
) -> None:
    path = f"/api/mobile/key-bundles/{alice_phone.id}/signed-pre-key"
    body = {"key_id": value, "public_key": "AAAA", "signature": "AAAA"}
    ((field, code),) = fields(problem(alices.put(path, json=body), 422, "invalid"))

    assert field == "key_id"
    assert code in {"invalid", "null", "min_value", "max_value"}


@pytest.mark.parametrize("value", [None, {}, "", "x", 1, {"0": {}}, [1], [None], [[]]])
def test_a_list_of_keys_is_a_list_of_objects(
    alices: httpx.Client, alice_phone: Phone, value: object
) -> None:
    body = {"identity_key": encode(alice_phone.keys.identity_key), "one_time_pre_keys": value}
    answer = alices.put(f"/api/mobile/key-bundles/{alice_phone.id}", json=body)

    ((field, _),) = fields(problem(answer, 422, "invalid"))
    assert field.startswith("one_time_pre_keys")


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ([], "min_length"),
        (None, "null"),
        ({}, "not_a_list"),
        ("x", "not_a_list"),
        (["x"], "invalid"),
    ],
)
def test_a_list_of_devices_is_a_list_of_ids(alices: httpx.Client, value: object, code: str) -> None:
    answer = alices.post("/api/mobile/key-bundles/claim", json={"device_ids": value})
    ((field, said),) = fields(problem(answer, 422, "invalid"))

    assert field in {"device_ids", "device_ids[0]"}
    assert said == code


def test_a_list_of_devices_has_each_once_and_at_most_100(alices: httpx.Client) -> None:
    path = "/api/mobile/key-bundles/claim"
    twice = {"device_ids": [str(UUID(int=1, version=4))] * 2}
    many = {"device_ids": [str(UUID(int=n, version=4)) for n in range(101)]}

    assert fields(problem(alices.post(path, json=twice), 422, "invalid")) == [
        ("device_ids", "not_distinct")
    ]
    assert fields(problem(alices.post(path, json=many), 422, "invalid")) == [
        ("device_ids", "max_length")
    ]


@pytest.mark.parametrize("key", ["", " ", "a b", "é".encode("latin-1").hex() * 51, "\t"])
def test_an_idempotency_key_is_visible_ascii(
    alices: httpx.Client, bob_phone: Phone, key: str
) -> None:
    answer = alices.post(
        f"/api/mobile/key-bundles/{bob_phone.id}/claim", headers={"Idempotency-Key": key}
    )

    problem(answer, 422, "invalid")


# Tokens, versions, throttles


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic eDp5", "Bearer x", "x"])
def test_a_token_that_is_none_is_invalid(db: None, web: httpx.Client, header: str) -> None:
    response = web.get("/api/mobile/me", headers={"Authorization": header})

    problem(response, 401, "token_invalid")
    assert response.headers["WWW-Authenticate"] == "Bearer"


def test_a_token_that_is_over_says_so(alices: httpx.Client) -> None:
    with clock.moved_by(timedelta(hours=1, seconds=1)):
        problem(alices.get("/api/mobile/me"), 401, "token_expired")


@pytest.mark.parametrize("agent", ["SemaFore/0.9.9", "SemaFore/0.99.0 (iOS 26)", "SemaFore/0.0.1"])
@pytest.mark.parametrize("path", ["/api/mobile/config", "/api/mobile/me", "/api/mobile/nowhere"])
def test_an_app_that_is_too_old_hears_it_on_every_route(
    db: None, web: httpx.Client, agent: str, path: str
) -> None:
    body = problem(web.get(path, headers={"User-Agent": agent}), 426, "client_too_old")

    assert body["min_app_version"] == django_settings.MIN_APP_VERSION


@pytest.mark.parametrize(
    "agent",
    ["SemaFore/1.0.0", "SemaFore/1.0.0 (iOS)", "SemaFore/10.0.0", "curl/8", "", "Semafore/0.1"],
)
def test_other_agents_pass(db: None, web: httpx.Client, agent: str) -> None:
    assert web.get("/api/mobile/config", headers={"User-Agent": agent}).status_code == 200


def test_an_old_app_is_let_in_beyond_the_device_api(db: None, web: httpx.Client) -> None:
    assert web.get("/healthz", headers={"User-Agent": "SemaFore/0.1.0"}).status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/mobile/config"),
        ("POST", "/api/mobile/auth/challenge"),
        ("POST", "/api/mobile/auth/token"),
        ("GET", "/api/schema/"),
    ],
)
def test_every_route_without_a_token_is_throttled_by_address(
    db: None, settings: Settings, method: str, path: str
) -> None:
    settings.UNAUTHENTICATED_PER_MINUTE = 2

    def ask(address: str) -> httpx.Response:
        transport = httpx.WSGITransport(app=application, remote_addr=address)
        with httpx.Client(transport=transport, base_url=django_settings.BASE_URL) as client:
            return client.request(method, path)

    crowd, stranger = f"crowd-{method}{path}", f"stranger-{method}{path}"
    refused = [answer for answer in (ask(crowd) for _ in range(6)) if answer.status_code == 429]
    assert refused
    body = problem(refused[0], 429, "throttled")
    assert 1 <= body["retry_after"] <= 60
    assert ask(stranger).status_code != 429


# The document


def documented() -> list[tuple[int, str]]:
    rows = [ROW.match(line) for line in DOCUMENT.read_text(encoding="utf-8").splitlines()]
    return sorted((int(row["status"]), row["code"]) for row in rows if row)


def problems(of: type[Problem] = Problem) -> Iterator[type[Problem]]:
    for kind in of.__subclasses__():
        yield kind
        yield from problems(kind)


def test_every_problem_is_listed_and_nothing_else() -> None:
    ours = [kind for kind in problems() if not kind.__module__.startswith("tests")]

    assert documented() == sorted({(kind.status, kind.code) for kind in ours})


def test_a_code_is_listed_once_for_each_status() -> None:
    assert len(documented()) == len(set(documented())) > 30


@pytest.mark.parametrize("kind", list(problems()), ids=lambda kind: kind.__name__)
def test_a_problem_has_a_status_a_code_and_a_title(kind: type[Problem]) -> None:
    assert 400 <= kind.status <= 599
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", kind.code)
    assert kind.title.endswith((".", "!"))
    assert kind().body("r")["detail"] == kind.title


def test_no_member_hides_one_of_the_standard_ones() -> None:
    body = Problem.body(type("P", (Problem,), {"status": 400, "code": "c", "title": "T."})(), "r")

    assert set(body) == MEMBERS


def test_a_fault_of_ours_says_nothing_of_itself() -> None:
    body = as_problem(RuntimeError("the password is hunter2")).body("r")

    assert body["status"] == 500
    assert "hunter2" not in str(body)


def test_an_error_page_of_a_developers_machine_shows_no_password(db: None) -> None:
    shown = ReporterFilter().get_safe_settings()

    for name in ("REDIS_URL", "CELERY_BROKER_URL", "DATABASE_URL", "DATABASES", "SECRET_KEY"):
        assert shown[name] == ReporterFilter.cleansed_substitute
    assert shown["TIME_ZONE"] == "UTC"
