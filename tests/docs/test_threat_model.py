"""docs/threat-model.md: behind each claim stands a test that there is."""

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "threat-model.md"

REFERENCE = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
CLAIMS = "| claim | shown by |"


def tables(text: str) -> list[list[str]]:
    """The rows of each table of claims."""
    found: list[list[str]] = []
    inside = False
    for line in text.splitlines():
        if line.startswith(CLAIMS):
            found.append([])
        elif inside and line.startswith("|") and not line.startswith("| ---"):
            found[-1].append(line)
        inside = line.startswith(CLAIMS) or (inside and line.startswith("|"))
    return found


@cache
def names_in(path: Path) -> frozenset[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = [one for one in ast.walk(tree) if isinstance(one, FUNCTIONS)]
    return frozenset(one.name for one in functions if one.name.startswith("test_"))


def missing(text: str) -> list[str]:
    """The tests that the text names and that there are not."""
    return [
        f"{path}::{name}"
        for path, name in REFERENCE.findall(text)
        if not (ROOT / path).is_file() or name not in names_in(ROOT / path)
    ]


def test_every_test_that_is_named_exists() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert len(REFERENCE.findall(text)) > 100
    assert missing(text) == []


def test_every_claim_has_a_test() -> None:
    found = tables(PAGE.read_text(encoding="utf-8"))
    assert len(found) > 10
    assert [row for rows in found for row in rows if not REFERENCE.search(row)] == []


def test_whatever_is_called_a_test_is_named_in_full() -> None:
    """A path of another spelling would not be looked up."""
    text = PAGE.read_text(encoding="utf-8")
    named = re.findall(r"`[^`]*\btest_\w+[^`]*`", text)
    assert [one for one in named if not REFERENCE.fullmatch(one)] == []


def test_a_test_that_there_is_not_is_noticed() -> None:
    here = "tests/docs/test_threat_model.py"
    gone, good = f"`{here}::test_gone`", f"`{here}::test_every_claim_has_a_test`"
    assert missing(f"{gone} {good} `tests/nowhere/test_x.py::test_x`") == [
        f"{here}::test_gone",
        "tests/nowhere/test_x.py::test_x",
    ]
    assert tables(f"{CLAIMS}\n| --- | --- |\n| a | b |\n\n| c | d |") == [["| a | b |"]]
