"""docs/README.md lists every page, and no link of a page leads nowhere."""

import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), ROOT / "README.md"])

LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)


def links(page: Path) -> list[str]:
    """Where the page leads to within the project."""
    text = CODE.sub("", page.read_text(encoding="utf-8"))
    found = [link or image for link, image in LINK.findall(text)]
    return [one for one in found if not re.match(r"[a-z]+:", one)]


@cache
def anchors(page: Path) -> frozenset[str]:
    """What its headings are called in an address, as code hosts make it."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    headings = re.findall(r"^#+ +(.+)$", text, re.MULTILINE)
    plain = [re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in headings]
    return frozenset(plain)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    broken = []
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        there = target.exists() and (not anchor or anchor in anchors(target))
        if not there:
            broken.append(link)
    assert broken == []


def test_every_page_is_in_the_index() -> None:
    index = DOCS / "README.md"
    listed = {(DOCS / link.partition("#")[0]).resolve() for link in links(index)}
    pages = {one for one in DOCS.iterdir() if one.is_file() and one != index}
    assert {one.name for one in pages - listed} == set()
    assert DOCS / "adr" / "README.md" in listed
