"""Copies of the log's tiles in a browser: it says what audit/verifier.py says of each."""

import base64
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from audit import verifier
from audit.verify_page import verify_page
from tests.audit.evidence_log import SIGNER, Log
from tests.audit.test_verifier_tiles import GROWN, SIZE, files, write
from tests.browser.browsers import look, watched
from tests.browser.test_verifier import MODULE

JUDGE = """
async ([source, mirror, keys, cases]) => {
  const verifier = await import(
    URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const found = [];
  for (const [changed, anchors] of cases) {
    const every = Object.entries({ ...mirror, ...changed }).filter(([, text]) => text !== null);
    const files = new Map(every.map(([path, text]) => [path, bytes(text)]));
    found.push(await verifier.verifyTiles(files, keys, { anchors }));
  }
  return found;
}
"""

Changed = dict[str, bytes | None]
"""Files by path, as they are instead; None for those that are gone."""
Case = tuple[Changed, list[tuple[str, str]]]


@pytest.fixture
def log() -> Log:
    log = Log()
    log.members(SIZE - 2)
    return log


@pytest.fixture
def mirror(tmp_path: Path, log: Log) -> Path:
    folder = tmp_path / "mirror"
    write(folder, log, GROWN)
    write(folder, log, SIZE)
    return folder


@pytest.fixture
def offline(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context(offline=True, locale="en-GB")
    with watched(context) as page:
        yield page
    context.close()


def paths(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files(folder)}


def cases(whole: dict[str, bytes], log: Log) -> Iterator[Case]:
    """Good, altered, missing, misnamed, of another log, and with checkpoints that were kept."""
    chance = random.Random(7)  # noqa: S311 - positions of a test
    another = Log(seed=1)
    another.members(SIZE - 2)
    anchors = [(f"of {size}", log.checkpoint(size)) for size in (1, 256, 257, SIZE)]
    yield {}, anchors
    yield {}, [("another", another.checkpoint(GROWN))]
    yield {"checkpoint": another.checkpoint().encode()}, []
    yield {"checkpoint": log.checkpoint(GROWN).encode()}, [("later", log.checkpoint())]
    for path, held in whole.items():
        yield {path: None}, []
        yield {path: held[:-1]}, []
        for at in (0, len(held) - 1, *(chance.randrange(len(held)) for _ in range(4))):
            flipped = held[at] ^ chance.randrange(1, 256)
            yield {path: held[:at] + bytes([flipped]) + held[at + 1 :]}, []
    for name in ("tile/0/2", "tile/0/002.p/088", "tile/64/000", "tile/0/x000/001", "tile/notes"):
        yield {name: whole["tile/0/000"]}, []


def judged(folder: Path, changed: Changed, anchors: list[tuple[str, str]]) -> dict[str, Any]:
    """What audit/verifier.py says of the folder with these changes, which are then undone."""
    held = paths(folder)
    for path, content in changed.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.unlink(missing_ok=True)
        if content is not None:
            file.write_bytes(content)
    report = verifier.verify_tiles(folder, anchors, [SIGNER.vkey])
    for path in changed:
        (folder / path).unlink(missing_ok=True)
        if path in held:
            (folder / path).write_bytes(held[path])
    verdict = "failed" if report.failed else "passed"
    return {
        "checked": report.checked,
        "notChecked": report.not_checked,
        "failed": report.failed,
        "verdict": verdict,
    }


def encoded(content: bytes | None) -> str | None:
    return None if content is None else base64.b64encode(content).decode()


def test_both_verifiers_say_the_same_of_tiles(offline: Page, mirror: Path, log: Log) -> None:
    blank = mirror.parent / "blank.html"
    blank.write_text("<!DOCTYPE html><title>Blank</title>")
    offline.goto(blank.as_uri())
    whole = paths(mirror)
    # A folder without a checkpoint is no mirror, and no file to open for the other verifier.
    every = [one for one in cases(whole, log) if one[0] != {"checkpoint": None}]
    sent = [
        [{path: encoded(content) for path, content in changed.items()}, anchors]
        for changed, anchors in every
    ]
    found = offline.evaluate(
        JUDGE,
        [
            MODULE.read_text("utf-8"),
            {path: encoded(content) for path, content in whole.items()},
            [SIGNER.vkey],
            sent,
        ],
    )

    for (changed, anchors), browser in zip(every, found, strict=True):
        assert browser == judged(mirror, changed, anchors), changed.keys()
    altered = [one["verdict"] for one, (changed, _) in zip(found, every, strict=True) if changed]
    # Of the earlier moment, and not needed any more, three may be gone; and one is a later moment.
    assert altered.count("passed") == 4
    assert len(altered) > 80


def test_a_folder_in_the_page(offline: Page, mirror: Path, log: Log) -> None:
    page = mirror.parent / "verify.html"
    page.write_text(verify_page(), "utf-8")
    offline.goto(page.as_uri())
    offline.get_by_role("button", name="Verify").click()
    expect(offline.locator("[data-findings=failed] li")).to_have_text(
        ["Choose a file or a folder first."]
    )
    offline.get_by_label("Keys that you know").fill(SIGNER.vkey)
    offline.get_by_label("Or a folder of tiles").set_input_files(mirror)
    offline.get_by_role("button", name="Verify").click()

    expect(offline.locator("[data-findings=checked] li")).to_contain_text(
        ["is signed by", "Each of the 10 tiles and entry bundles"]
    )
    expect(offline.locator("#verdict")).to_contain_text("Nothing failed.")
    look(offline, "verify-tiles")

    (mirror / "tile/0/001").write_bytes(bytes(8192))
    offline.get_by_label("Or a folder of tiles").set_input_files(mirror)
    offline.get_by_role("button", name="Verify").click()
    expect(offline.locator("[data-findings=failed] li")).to_have_text(
        ["tile/0/001: its hash 0 is not that of the entries."]
    )
