"""What the documents say in numbers and by names is what the code has.

A table of the columns *what*, *how much* and *in the code* names the constant or the setting; an
event, a frame or an error is named in backticks.
"""

import re
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from audit.registry import REGISTRY

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = ("key-lifecycle", "onboarding", "external-rooms", "auditing", "threat-model")

DEFAULTS = {
    name: int(number.replace("_", ""))
    for name, number in re.findall(
        r'environment\.integer\(\s*"(\w+)",\s*([\d_]+)', (ROOT / "semafore/settings.py").read_text()
    )
}
"""Of the variables that hold a number; the tests set some of them otherwise."""

UNITS = {
    "second": timedelta(seconds=1),
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
}
NAMED = re.compile(r"`([a-z_]+\.[a-z_]+)`")
FILES = {"py", "md", "html", "zip", "json", "jsonl", "bin", "js", "sh", "txt", "bundle"}


def page(name: str) -> str:
    return (DOCS / f"{name}.md").read_text(encoding="utf-8")


def stated(text: str) -> list[tuple[str, str]]:
    """The numbers of the tables, each with where it stands in the code."""
    rows = re.findall(r"^\|[^|]*\|([^|]*)\|\s*`([\w.]+)`\s*\|$", text, re.MULTILINE)
    return [(number.strip(), where) for number, where in rows if re.match(r"\s*\d", number)]


def value_of(words: str) -> int | timedelta:
    """A number, or a time in words such as `5 minutes`."""
    number, _, unit = words.partition(" ")
    one = UNITS.get(unit.rstrip("s"))
    return int(number) * one if one else int(number)


def found_at(where: str) -> Any:
    """A variable's default, a setting, a constant of a module, or the default of a field."""
    above, _, name = where.rpartition(".")
    if not above:
        return DEFAULTS.get(name) or getattr(settings, name)
    module, _, model = above.rpartition(".")
    if model[0].isupper():
        return getattr(import_module(module), model)._meta.get_field(name).default
    return getattr(import_module(above), name)


CASES = [
    pytest.param(number, where, id=f"{name} {where}")
    for name in PAGES
    for number, where in stated(page(name))
]


@pytest.mark.parametrize(("number", "where"), CASES)
def test_a_number_is_the_codes(number: str, where: str) -> None:
    meant, is_ = value_of(number), found_at(where)
    if isinstance(meant, timedelta) and isinstance(is_, int):
        meant = int(meant.total_seconds())
    assert meant == is_


def test_there_are_numbers() -> None:
    assert len(CASES) > 30
    assert stated("| a | 5 minutes | `x.y.Z` |\n| b | some | `x.Z` |") == [("5 minutes", "x.y.Z")]


@pytest.mark.parametrize("name", PAGES)
def test_what_is_named_exists(name: str) -> None:
    """Events are registered, frames stand in docs/socket.md."""
    frames = set(NAMED.findall(page("socket")))
    named = {one for one in NAMED.findall(page(name)) if one.rpartition(".")[2] not in FILES}
    scopes = {"audit.read", "audit.export", "log.read"}
    assert named - set(REGISTRY) - frames - scopes == set()


def test_an_event_that_there_is_not_is_noticed() -> None:
    assert "device.forgotten" not in REGISTRY
    assert NAMED.findall("`device.forgotten`, `device.approved`") == [
        "device.forgotten",
        "device.approved",
    ]
