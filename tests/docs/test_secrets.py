"""docs/secrets.md names every secret that the settings read."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
SETTINGS = (ROOT / "semafore" / "settings.py").read_text(encoding="utf-8")
PAGE = (ROOT / "docs" / "secrets.md").read_text(encoding="utf-8")

READERS = {"environment", "redis_url"}
SOUNDS_SECRET = re.compile(r"KEY|TOKEN|SECRET|PASSWORD|CREDENTIALS|_SID$")
SECRET_READERS = {"key", "keys", "ec_key", "service_account", "mail"}
WITH_PASSWORD = {"DATABASE_URL", "REDIS_URL"}
"""Addresses that may hold a password."""


def variables(source: str) -> dict[str, str]:
    """Each variable that is read from the environment, and by which reader."""
    found = {}
    for call in ast.walk(ast.parse(source)):
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
            continue
        of, first = call.func.value, call.args[0] if call.args else None
        if isinstance(of, ast.Name) and of.id in READERS and isinstance(first, ast.Constant):
            found[str(first.value)] = call.func.attr
    return found


def secret(source: str) -> set[str]:
    """Those that hold a secret, or are called as if they did."""
    return {
        name
        for name, reader in variables(source).items()
        if reader in SECRET_READERS or name in WITH_PASSWORD or SOUNDS_SECRET.search(name)
    }


def test_no_secret_of_the_settings_is_missing() -> None:
    found = secret(SETTINGS)
    assert {"SECRET_KEY", "FIELD_KEYS", "CHECKPOINT_KEYS", "DATABASE_URL", "EMAIL_URL"} <= found
    assert {name for name in found if f"`{name}`" not in PAGE} == set()


def test_no_variable_is_named_that_nothing_reads() -> None:
    named = set(re.findall(r"`([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)`", PAGE))
    assert named - set(variables(SETTINGS)) == set()


def test_a_new_secret_is_noticed() -> None:
    made = 'A = environment.text("NEW_TOKEN")\nB = environment.key("SEED")\n'
    assert secret(made + 'C = environment.text("LOG_HOST")') == {"NEW_TOKEN", "SEED"}
