"""A proof of existence by the file of a ciphertext, from the console to a computer offline."""

import re
from hashlib import sha256
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from audit.logs import log_of
from audit.selectors.log_keys import checkpoint_vkeys
from tests.browser.browsers import BrowserAs, look, watched
from tests.browser.scene import Scene

CIPHERTEXT = b"proved"
"""As in scene_log.py."""


def downloaded(page: Page, link: str, to: Path) -> Path:
    """What a link of the page gives, as a file of its own name."""
    with page.expect_download() as download:
        page.get_by_role("link", name=link, exact=True).click()
    path = to / download.value.suggested_filename
    download.value.save_as(path)
    return path


def test_a_file_is_proved_without_leaving_the_computer(
    browser_as: BrowserAs, scene: Scene, chromium: Browser, tmp_path: Path
) -> None:
    page, sent = browser_as(scene.alice), list[bytes]()
    page.on("request", lambda request: sent.append(request.post_data_buffer or b""))
    file = tmp_path / "received.bin"
    file.write_bytes(CIPHERTEXT)

    page.goto("/console/northgate/proofs/new")
    look(page, "proof-new")
    page.get_by_label("Or the file of a ciphertext").set_input_files(file)
    digits = page.get_by_label("SHA-256 of a ciphertext")
    expect(digits).to_have_value(sha256(CIPHERTEXT).hexdigest())
    expect(page.get_by_text("The SHA-256 of received.bin, 6 bytes, stands below.")).to_be_visible()
    look(page, "proof-new-hashed")
    page.get_by_role("button", name="Prove it").click()
    expect(page.get_by_text("This field is required.").first).to_be_visible()
    expect(digits).to_have_value(sha256(CIPHERTEXT).hexdigest())
    look(page, "proof-new-wrong")
    page.get_by_label("Reason").fill("Claim 7")
    page.get_by_role("button", name="Prove it").click()
    expect(page.get_by_role("heading", name="What it does not show")).to_be_visible()
    assert any(b"ciphertext_sha256" in body for body in sent)
    assert not any(b"received.bin" in body or b"\nproved" in body for body in sent)

    proof = downloaded(page, "Download the proof", tmp_path)
    paper = downloaded(page, "Download the statement", tmp_path)
    verifier = downloaded(page, "verify.html", tmp_path)
    assert downloaded(page, "verifier.py", tmp_path).read_text().startswith('"""')
    offline = chromium.new_context(offline=True)
    with watched(offline) as alone:
        alone.goto(paper.as_uri())
        expect(alone.get_by_text(sha256(CIPHERTEXT).hexdigest()).first).to_be_visible()
        look(alone, "proof-statement")
        alone.goto(verifier.as_uri())
        alone.get_by_label("Evidence").set_input_files(proof)
        alone.get_by_label("Ciphertext").set_input_files(file)
        keys = checkpoint_vkeys(log_of(scene.organisation.id))
        alone.get_by_label("Keys that you know").fill("\n".join(keys))
        alone.get_by_role("button", name="Verify").click()
        expect(alone.locator("#verdict")).to_contain_text("Nothing failed")
        said = alone.locator("[data-findings=checked]").inner_text()
        assert sha256(CIPHERTEXT).hexdigest() in said
        file.write_bytes(b"another")
        alone.get_by_label("Ciphertext").set_input_files(file)
        alone.get_by_role("button", name="Verify").click()
        expect(alone.locator("#verdict")).to_contain_text("Failed")
    offline.close()


def test_a_file_that_no_ciphertext_can_be_is_not_read(
    browser_as: BrowserAs, scene: Scene, tmp_path: Path
) -> None:
    page, file = browser_as(scene.alice), tmp_path / "film.bin"
    file.write_bytes(bytes(8 * 1024 * 1024 + 1))

    page.goto("/console/northgate/proofs/new")
    page.get_by_label("Or the file of a ciphertext").set_input_files(file)

    expect(page.get_by_text("larger than any ciphertext")).to_be_visible()
    expect(page.get_by_label("SHA-256 of a ciphertext")).to_have_value("")


def test_without_scripts_the_digits_are_typed(browser_as: BrowserAs, scene: Scene) -> None:
    page = browser_as(scene.alice, scripts=False)
    page.goto("/console/northgate/proofs/new")

    expect(page.get_by_label("Or the file of a ciphertext")).to_have_count(1)
    expect(page.get_by_label("Or the file of a ciphertext")).to_be_hidden()
    expect(page.get_by_text("certutil")).to_be_visible()
    page.get_by_label("SHA-256 of a ciphertext").fill(sha256(CIPHERTEXT).hexdigest())
    page.get_by_label("Reason").fill("Claim 7")
    page.get_by_role("button", name="Prove it").click()
    expect(page).to_have_url(re.compile(r"/proofs/[0-9a-f-]{36}$"))
