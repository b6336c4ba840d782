"""Somebody at a browser, with a password and an authenticator."""

import base64
import json
import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.test import Client
from django_otp.oath import TOTP

from audit.models import PlatformEvent
from orgs.models import Account, Membership
from orgs.services.factors import confirm_set_up
from orgs.totp import new_totp_key
from semafore.kernel import clock
from semafore.kernel.actor import SYSTEM, acting_as

PASSWORD = "korrekt pferd batterie klammer"
WRONG = "korrekt pferd batterie nagel"
STEP = timedelta(seconds=30)


def code_of(key: bytes) -> str:
    """What the authenticator shows now."""
    totp = TOTP(key)
    totp.time = clock.now().timestamp()
    return f"{totp.token():06}"


def wrong_code(key: bytes) -> str:
    """Six digits that are no code at any step in reach."""
    shown = set()
    for steps in (-2, -1, 0, 1, 2):
        with clock.moved_by(steps * STEP):
            shown.add(code_of(key))
    return next(f"{n:06}" for n in range(10) if f"{n:06}" not in shown)


@dataclass
class Person:
    """An account with a password and an authenticator, at a browser."""

    account: Account
    key: bytes
    recovery_codes: list[str]
    browser: Client = field(default_factory=Client)

    @property
    def email(self) -> str:
        return self.account.email or ""

    @property
    def code(self) -> str:
        return code_of(self.key)

    def give_password(self, password: str = PASSWORD, **query: str) -> Any:
        credentials = {"email": self.email, "password": password}
        return self.browser.post("/console/sign-in", credentials, query_params=query)

    def give_code(self, code: str | None = None) -> Any:
        return self.browser.post("/console/sign-in/code", {"code": code or self.code})

    def sign_in(self, **query: str) -> Any:
        """Both steps, half a minute after whatever was before: a code is good once."""
        with clock.moved_by(STEP):
            assert self.give_password(**query).status_code == 302
            return self.give_code()


def with_password(membership: Membership) -> Account:
    account = membership.account
    account.set_password(PASSWORD)
    account.save(update_fields=["password"])
    return account


def person(membership: Membership) -> Person:
    """The member with a password and a second factor that was set up a minute ago."""
    account, key = with_password(membership), new_totp_key()
    with clock.moved_by(-2 * STEP), acting_as(SYSTEM):
        codes = confirm_set_up(account=account, key=key, code=code_of(key))
    return Person(account, key, codes)


def platform_events(*types: str) -> list[dict[str, Any]]:
    """The `what` parts of the platform's own log, in the order of their ids."""
    rows = PlatformEvent.objects.order_by("id")
    found = [json.loads(bytes(row.what or b"{}")) for row in rows]
    return [what for what in found if not types or what["type"] in types]


def text_of(answer: Any) -> str:
    """The page without what is random in each: the CSRF token and the request id."""
    text = re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", answer.content.decode())
    return text.replace(answer["X-Request-ID"], "")


def key_on(answer: Any) -> bytes:
    """The key that a set-up page shows."""
    found = re.search(r'<code class="fingerprint">([A-Z2-7 ]+)</code>', answer.content.decode())
    assert found is not None
    return base64.b32decode(found[1].replace(" ", ""))
