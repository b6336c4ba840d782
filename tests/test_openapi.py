"""The OpenAPI document: as committed, as generated, and as the server keeps it."""

import importlib
import io
import pkgutil
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
import yaml
from django.conf import settings as django_settings
from django.core.management import call_command
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_django import Settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from semafore.kernel.checks import walk_routes
from semafore.local.client.wire import encode
from semafore.local.servers import ROOT
from semafore.wsgi import application
from tests import cast
from tests.api_rows import Ids, ids_of
from tests.audit.programs import issue
from tests.audit.published import announce, publish
from tests.cast import Phone

DOCUMENT = Path(__file__).parents[1] / "docs" / "openapi.yaml"
SCHEMA = schemathesis.openapi.from_path(DOCUMENT, config=SchemathesisConfig())
SCHEMA.app = application
FOUND: list[Any] = list(SCHEMA.get_all_operations())
OPERATIONS = {operation.label: operation for operation in (found.ok() for found in FOUND)}
EXAMPLES = 12
TILE = {"level": "0", "place": "000.p/1"}
"""The path parameters of a tile that any log has."""

NOT_BY_CHANCE = {
    # Sizes that were published: tests/keys/test_log_checkpoints.py.
    "GET /api/mobile/log/consistency",
    # A message that was really sent: tests/messaging/test_message_proofs.py.
    "GET /api/mobile/messages/{message_id}/proof",
    # An export of the token's own, written whole: tests/audit/exports.
    "GET /api/audit/exports/{export_id}",
    "GET /api/audit/exports/{export_id}/file",
    # One of a person, a room and a party, and only one: tests/reports/test_api.py.
    "GET /api/audit/reports/communication-graph",
}
"""What answers 200 only to what no generator comes upon."""

every_operation = pytest.mark.parametrize("label", OPERATIONS)


def generated() -> str:
    written = io.StringIO()
    call_command("spectacular", "--validate", "--fail-on-warn", stdout=written)
    return written.getvalue()


def test_the_committed_document_is_the_generated_one(db: None) -> None:
    """If not: manage.py spectacular --file docs/openapi.yaml, and read what changed."""
    assert DOCUMENT.read_text(encoding="utf-8").strip() == generated().strip()


def test_the_served_document_is_the_committed_one(db: None) -> None:
    transport = httpx.WSGITransport(app=application)
    with httpx.Client(transport=transport, base_url=django_settings.BASE_URL) as client:
        served = client.get("/api/schema/").text

    assert yaml.safe_load(served) == yaml.safe_load(DOCUMENT.read_text(encoding="utf-8"))


def test_every_route_of_the_api_is_documented() -> None:
    routes = {
        "/" + re.sub(r"<\w+:(\w+)>", r"{\1}", path)
        for path, _ in walk_routes()
        if path.startswith(("api/mobile/", "api/audit/"))
    }

    assert set(yaml.safe_load(DOCUMENT.read_text(encoding="utf-8"))["paths"]) == routes


def test_every_operation_also_answers_problems() -> None:
    for label, operation in OPERATIONS.items():
        default = operation.definition.raw["responses"]["default"]
        assert list(default["content"]) == ["application/problem+json"], label


def test_only_public_routes_need_no_token() -> None:
    public = {
        label
        for label, operation in OPERATIONS.items()
        if not operation.definition.raw.get("security")
    }

    assert public == {
        "GET /api/mobile/config",
        "POST /api/mobile/auth/challenge",
        "POST /api/mobile/auth/token",
        "POST /api/mobile/onboarding",
        "POST /api/mobile/onboarding/{onboarding_id}/phone",
        "POST /api/mobile/onboarding/{onboarding_id}/phone-code",
    }


CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


def exercise(
    label: str, mode: GenerationMode, phone: Phone, real: list[Ids], checks: list[Any]
) -> set[int]:
    """Send what the document allows, or doesn't, as an authenticated device; statuses seen."""
    seen: set[int] = set()
    audit = "/api/audit/" in label
    token = issue(phone.device.organisation).token if audit else phone.api.token()
    headers = {"Authorization": f"Bearer {token}"}
    documented = OPERATIONS[label].definition.raw["responses"]

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(
        case=OPERATIONS[label].as_strategy(generation_mode=mode),
        ids=st.sampled_from(real),
        own_key=st.booleans(),
    )
    def holds(case: Any, ids: Ids, own_key: bool) -> None:
        if mode is GenerationMode.POSITIVE:
            for name in case.path_parameters or {}:
                case.path_parameters[name] = TILE.get(name) or str(getattr(ids, name))
        if own_key and isinstance(case.body, dict) and "identity_key" in case.body:
            case.body["identity_key"] = encode(phone.keys.identity_key)
        with transaction.atomic():
            answer = case.call(headers=headers, base_url=django_settings.BASE_URL)
            transaction.set_rollback(True)
        seen.add(answer.status_code)
        # `default` stands for the problems; what is none has its own place in the document.
        assert answer.status_code >= 400 or str(answer.status_code) in documented
        case.validate_response(answer, checks=checks)

    holds()
    return seen


@pytest.fixture(scope="module")
def every_module() -> None:
    """Hypothesis tries constants of our modules that are loaded: here all, whatever ran before."""
    for folder in {file.parent.name for file in ROOT.glob("*/__init__.py")} - {"tests", "bench"}:
        root = importlib.import_module(folder)
        for module in pkgutil.walk_packages(root.__path__, f"{folder}."):
            if not module.name.endswith(".__main__"):
                importlib.import_module(module.name)


@pytest.fixture
def unthrottled(every_module: None, settings: Settings) -> None:
    settings.UNAUTHENTICATED_PER_MINUTE = 1_000_000


@every_operation
def test_what_the_document_allows_is_answered_as_it_says(
    unthrottled: None,
    label: str,
    alice_phone: Phone,
    bob_phone: Phone,
    charlie_phone: Phone,
) -> None:
    own = ids_of(alice_phone, bob_phone)
    announce(alice_phone.device.organisation)
    publish(alice_phone.device.organisation)
    spare = cast.phone(alice_phone.device.membership, name="Tablet")
    others = [replace(own, device_id=one.id) for one in (bob_phone, charlie_phone, spare)]
    seen = exercise(label, GenerationMode.POSITIVE, alice_phone, [own, own, own, *others], CHECKS)

    assert seen
    # A device's token is none of an onboarding: tests/invitations/onboarding has those.
    if label.startswith("GET") and "{onboarding_id}" not in label and label not in NOT_BY_CHANCE:
        assert 200 in seen


@pytest.mark.parametrize(
    "label",
    [
        label
        for label, operation in OPERATIONS.items()
        if operation.body or operation.path_parameters
    ],
)
def test_what_the_document_forbids_is_refused(
    unthrottled: None, label: str, alice_phone: Phone
) -> None:
    seen = exercise(
        label, GenerationMode.NEGATIVE, alice_phone, [Ids()], [*CHECKS, negative_data_rejection]
    )

    assert seen
