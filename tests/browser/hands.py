"""What a person does at a browser again and again."""

import base64
import time

from django_otp.oath import TOTP
from playwright.sync_api import FilePayload, Page


def code_of(key: bytes, *, steps: int = 0) -> str:
    """What the authenticator shows now, or so many steps of 30 seconds later."""
    totp = TOTP(key)
    totp.time = time.time() + 30 * steps
    return f"{totp.token():06}"


def give_password(page: Page, email: str, password: str) -> None:
    """The first step of the sign-in."""
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Continue").click()


def confirm_set_up(page: Page) -> bytes:
    """Take the key that the page shows into an authenticator, and give its first code."""
    text = page.locator("code.fingerprint").inner_text()
    key = base64.b32decode(text.replace(" ", ""))
    page.get_by_role("textbox", name="Code").fill(code_of(key))
    page.get_by_role("button", name="Confirm").click()
    return key


def csv_file(*lines: str) -> FilePayload:
    """A file to be uploaded."""
    return {"name": "list.csv", "mimeType": "text/csv", "buffer": "\n".join(lines).encode()}
