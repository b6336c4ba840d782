"""A browser of plain requests at a deployment's console: fields of forms, cookies, no scripts."""

import re
from typing import Any

import httpx
from django_otp.oath import totp

from semafore.local.client.api import KEPT

PATIENCE = 60
"""Seconds for an answer: a deployment that has just started, on a busy machine, takes some."""
CSRF = re.compile(r'name="csrfmiddlewaretoken" value="(\w+)"')
TOKEN_OF_LINK = re.compile(r"/i/#([\w-]+)")


class Browser:
    """One person's, signed in by password and code."""

    def __init__(self, base_url: str) -> None:
        self.http = httpx.Client(
            base_url=base_url,
            timeout=PATIENCE,
            limits=KEPT,
            trust_env=False,
            follow_redirects=True,
        )

    def get(self, path: str) -> str:
        """A page."""
        answer = self.http.get(path)
        assert answer.status_code == 200, (path, answer.status_code, answer.text[-2000:])
        return answer.text

    def send(self, path: str, **fields: Any) -> httpx.Response:
        """The form of a page, filled in; the page to which it leads."""
        token = CSRF.search(self.get(path))
        assert token is not None, path
        answer = self.http.post(
            path,
            data={"csrfmiddlewaretoken": token[1], **fields},
            headers={"Referer": f"{self.http.base_url}{path}"},
        )
        assert answer.is_success, (path, answer.status_code, answer.text[-3000:])
        return answer

    def sign_in(self, email: str, password: str, key: bytes) -> None:
        """Both steps."""
        self.send("/console/sign-in", email=email, password=password)
        answer = self.send("/console/sign-in/code", code=f"{totp(key):06}")
        assert "/sign-in" not in str(answer.url), answer.text[-3000:]
