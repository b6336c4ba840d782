"""The browser's verifier: it says what audit/verifier.py says, and its page works offline."""

from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path

import pytest
from django.conf import settings
from playwright.sync_api import Browser, Page, expect

from audit.verify_page import verify_page
from tests.audit.evidence_log import CIPHERTEXTS, SIGNER, a_log, unpacked
from tests.browser.browsers import look, watched
from tests.browser.verifier_cases import KEYS, bundles, consistencies, damaged, proofs

MODULE = Path(settings.ROOT) / "static/js/verifier.js"
JUDGE = """
async ([source, cases]) => {
  window.verifier ??= await import(
    URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const found = [];
  for (const { evidence, keys, anchors, content, receipt } of cases) {
    const options = { anchors, content: content && [content[0], bytes(content[1])], receipt };
    found.push(await verifier.verifyFile(bytes(evidence), keys, options));
  }
  return found;
}
"""


@pytest.fixture
def offline(chromium: Browser) -> Iterator[Page]:
    """A page of a browser without a network."""
    context = chromium.new_context(offline=True, locale="en-GB", timezone_id="Europe/Berlin")
    with watched(context) as page:
        page.on("request", _only_files)
        yield page
    context.close()


def _only_files(request: object) -> None:
    assert str(request.url).startswith(("file:", "blob:"))  # type: ignore[attr-defined]


@pytest.fixture
def blank(offline: Page, tmp_path: Path) -> Page:
    """An empty page where WebCrypto is to be had."""
    path = tmp_path / "blank.html"
    path.write_text("<!DOCTYPE html><title>Blank</title>")
    offline.goto(path.as_uri())
    return offline


def test_both_verifiers_say_the_same(blank: Page, tmp_path: Path) -> None:
    source, compared = MODULE.read_text("utf-8"), 0
    log = a_log()
    log.events[7].gone = {"who", "what"}
    every = chain(proofs(log), consistencies(log), bundles(), damaged())
    while cases := list(islice(every, 50)):
        found = blank.evaluate(JUDGE, [source, [case.as_json() for case in cases]])
        for case, browser in zip(cases, found, strict=True):
            ours = case.judged(tmp_path)
            good = ours is not None and not ours["failed"]
            verdict = "passed" if good else "failed"
            expected = None if ours is None else {**ours, "verdict": verdict}
            assert browser == expected, case.name
            assert not (good and case.name.startswith("altered")), case.name
            compared += 1
    assert compared > 1500


def verified(page: Page, evidence: Path) -> None:
    """Choose the file and press the button."""
    page.get_by_label("Evidence").set_input_files(evidence)
    page.get_by_role("button", name="Verify").click()


@pytest.fixture
def verify_html(offline: Page, tmp_path: Path) -> Page:
    """The page as a person opens it from a folder."""
    path = tmp_path / "verify.html"
    path.write_text(verify_page(), "utf-8")
    offline.goto(path.as_uri())
    return offline


def test_a_bundle_in_the_page(verify_html: Page, tmp_path: Path) -> None:
    log, page = a_log(), verify_html
    (tmp_path / "bundle.zip").write_bytes(log.bundle())
    (tmp_path / "kept.txt").write_text(log.checkpoint(7), "utf-8")
    look(page, "verify-empty")
    page.get_by_label("Keys that you know").fill(f"{SIGNER.vkey}\n")
    page.get_by_label("Checkpoints that you kept").set_input_files(tmp_path / "kept.txt")
    verified(page, tmp_path / "bundle.zip")

    expect(page.locator("#verdict")).to_be_focused()
    expect(page.locator("#verdict")).to_have_text(
        "Nothing failed. What was not checked is named below."
    )
    checked = page.locator("[data-findings=checked] li")
    expect(checked).to_contain_text(["kept.txt: its 7 entries are the first of this log"])
    expect(page.locator("[data-findings=failed]")).to_have_count(0)
    look(page, "verify-bundle")


def test_an_altered_bundle_in_the_page(verify_html: Page, tmp_path: Path) -> None:
    bundle = bytearray(a_log().bundle())
    bundle[bundle.index(b"Alice")] = ord("B")
    (tmp_path / "bundle.zip").write_bytes(bundle)
    verified(verify_html, tmp_path / "bundle.zip")

    expect(verify_html.locator("#verdict")).to_have_text("Failed. Do not rely on this file.")
    expect(verify_html.locator("[data-findings=failed] li")).to_have_text(
        ["the ZIP file, events.jsonl: was changed (CRC-32)."]
    )
    look(verify_html, "verify-failed")


def test_a_proof_with_its_ciphertext_and_receipt(verify_html: Page, tmp_path: Path) -> None:
    log, page = a_log(), verify_html
    files = {"p.tlog-proof": log.proof(6, content=CIPHERTEXTS[1]), "receipt": log.receipt(6)}
    for name, text in files.items():
        (tmp_path / name).write_text(text, "utf-8")
    (tmp_path / "received.bin").write_bytes(CIPHERTEXTS[1])
    page.get_by_label("Keys that you know").fill("\n".join(KEYS))
    page.get_by_label("Ciphertext").set_input_files(tmp_path / "received.bin")
    page.get_by_label("Receipt", exact=False).set_input_files(tmp_path / "receipt")
    verified(page, tmp_path / "p.tlog-proof")

    checked = page.locator("[data-findings=checked] li")
    expect(checked).to_contain_text(["received.bin is that ciphertext.", "The receipt is signed"])
    expect(page.locator("#verdict")).to_contain_text("Nothing failed.")


def test_something_else_in_the_page(verify_html: Page, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("Dear Sir", "utf-8")
    verified(verify_html, tmp_path / "letter.txt")

    expect(verify_html.locator("#verdict")).to_have_text("Could not be read.")


WITHOUT_ED25519 = """
const real = crypto.subtle.importKey.bind(crypto.subtle);
crypto.subtle.importKey = (form, key, algorithm, ...rest) => algorithm === "Ed25519"
  ? Promise.reject(new DOMException("Unrecognised name", "NotSupportedError"))
  : real(form, key, algorithm, ...rest);
"""


def test_a_browser_without_ed25519_does_not_pass_anything(offline: Page, tmp_path: Path) -> None:
    offline.add_init_script(WITHOUT_ED25519)
    path = tmp_path / "verify.html"
    path.write_text(verify_page(), "utf-8")
    offline.goto(path.as_uri())
    (tmp_path / "bundle.zip").write_bytes(a_log().bundle())
    verified(offline, tmp_path / "bundle.zip")

    expect(offline.locator("#verdict")).to_contain_text("Not finished")
    expect(offline.locator("[data-findings=notChecked] li")).to_contain_text(
        [f"The signature of {SIGNER.vkey}: this browser can't check Ed25519 signatures."]
    )


def test_the_statement_reads_well(offline: Page, tmp_path: Path) -> None:
    path = tmp_path / "statement.html"
    path.write_bytes(unpacked(a_log().bundle())["statement.html"])
    offline.goto(path.as_uri())

    expect(offline.get_by_role("heading", name="Audit evidence of Acme")).to_be_visible()
    look(offline, "statement")
