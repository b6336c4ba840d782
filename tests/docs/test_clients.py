"""docs/clients: every route and refusal is there, and the examples run."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [DOCS / "clients.md", *sorted((DOCS / "clients").glob("*.md"))]
TEXT = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
RETRIES = (DOCS / "clients" / "retries.md").read_text(encoding="utf-8")
ROW = re.compile(
    r"^\| `([A-Z]+) ([^`]+)` \| (?:15|30 ◆) \| (as is|key|id|anew) \| .*\|$", re.MULTILINE
)

OF_CONSOLES = (
    "People and organisations",
    "Signing in at the console",
    "Security operations' systems",
    "Reports",
    "Wake-ups",
)
"""Sections of errors.md about acts that no device does; `phone_invalid` stands in the first."""
NOT_FOR_DEVICES = {
    # Requests and roles of the console.
    "form_expired", "own_request", "own_role", "own_membership", "role_above", "playbook_done",
    "retention_invalid", "retention_request_pending", "retention_request_decided",
    "hold_invalid", "hold_lifted", "export_invalid", "export_finished", "export_not_ready",
    # Invitations, as administrators handle them.
    "another_account", "sponsor_not_active", "not_known_before", "phone_in_use", "invitation_open",
    "member_has_device", "account_exists", "preview_expired", "invitation_terms", "csv_unreadable",
    # External rooms, as they are decided on.
    "approval_given", "room_request_decided",
}  # fmt: skip


def routes() -> set[tuple[str, str]]:
    """Method and path of each device route, as the document that is served has them."""
    document = yaml.safe_load((DOCS / "openapi.yaml").read_text(encoding="utf-8"))
    return {
        (method.upper(), re.sub(r"\{[^}]*\}", "{id}", path.removeprefix("/api/mobile/")))
        for path, methods in document["paths"].items()
        if path.startswith("/api/mobile/")
        for method in methods
        if method in {"get", "post", "put", "patch", "delete"}
    }


def test_every_route_says_how_it_is_repeated() -> None:
    rows = {(method, path) for method, path, _ in ROW.findall(RETRIES)}
    assert rows == routes()
    assert len(rows) == len(ROW.findall(RETRIES))


def test_what_takes_an_idempotency_key_says_so() -> None:
    document = yaml.safe_load((DOCS / "openapi.yaml").read_text(encoding="utf-8"))
    keyed = {
        re.sub(r"\{[^}]*\}", "{id}", path.removeprefix("/api/mobile/"))
        for path, methods in document["paths"].items()
        if path.startswith("/api/mobile/") and "post" in methods
        if any(one["name"] == "Idempotency-Key" for one in methods["post"].get("parameters", ()))
    }
    said = {path for method, path, way in ROW.findall(RETRIES) if way == "key"}
    assert said == keyed


def test_every_route_is_explained() -> None:
    pages = "\n".join(page.read_text("utf-8") for page in PAGES if page.stem != "retries")
    for _, path in routes():
        # `{id}` stands for whatever a page calls the parameter.
        pattern = re.escape(path).replace(r"\{id\}", r"\{[^}]+\}")
        assert re.search(rf"\b{pattern}(?![a-z-])|…/{re.escape(path.rpartition('/')[2])}", pages), (
            path
        )


def codes() -> set[str]:
    found: set[str] = set()
    for part in (DOCS / "errors.md").read_text(encoding="utf-8").split("\n## ")[1:]:
        if part.partition("\n")[0] not in OF_CONSOLES:
            found |= set(re.findall(r"^\| `([a-z_]+)` \| [0-9]{3} \|", part, re.MULTILINE))
    return found


def test_every_refusal_of_a_device_is_there() -> None:
    assert codes() >= NOT_FOR_DEVICES
    missing = {code for code in codes() - NOT_FOR_DEVICES if f"`{code}`" not in TEXT}
    assert not missing
    assert "`phone_invalid`" in TEXT
    unknown = NOT_FOR_DEVICES & set(re.findall(r"`([a-z_]+)`", RETRIES))
    assert not unknown


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_examples_run(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of a page in turn, as a reader would type them in."""
    blocks = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    if page.stem in {"messages", "retries"}:
        assert not blocks
        return
    assert blocks
    monkeypatch.chdir(ROOT)
    compiled = compile("\n".join(blocks), str(page), "exec")
    exec(compiled, {"__name__": "example"})  # noqa: S102 - our own documents


@pytest.mark.parametrize("page", [*PAGES, DOCS / "socket.md"], ids=lambda page: page.stem)
def test_links_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
        if not link.startswith("https://"):
            assert (page.parent / link).exists(), link
