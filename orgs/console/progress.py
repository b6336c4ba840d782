"""What a session knows of a sign-in under way: nobody is signed in before the second factor."""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import quote
from uuid import UUID

import segno
from cryptography.fernet import InvalidToken
from django.contrib.auth import login
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.crypto import constant_time_compare
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.safestring import SafeString

from orgs.errors import (
    CodeRefused,
    LinkInvalid,
    PasswordRefused,
    SignInLocked,
    SignInRefused,
)
from orgs.models import Account
from orgs.sessions import ORIGIN
from orgs.totp import key_text, new_totp_key, otpauth_url
from semafore.kernel import clock
from semafore.kernel.actor import current_actor
from semafore.kernel.http.console import PROVEN_AT, PageView
from semafore.kernel.http.throttles import AddressThrottle
from semafore.kernel.problems import NotFound, Problem, Throttled
from semafore.kernel.sealing import seal, unseal

HALF = "half_signed_in"
PENDING_KEY = "pending_totp_key"
FACTOR_LINK = "factor_link"
PASSWORD_LINK = "password_link"  # noqa: S105 - a session key

HALF_FOR = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class HalfSignedIn:
    """Somebody whose password was right, and who hasn't given the second factor."""

    account: Account
    next: str


def begin(request: HttpRequest, account: Account, next_page: str) -> None:
    """Note that the password was right, under a new session key."""
    request.session.cycle_key()
    request.session.pop(PENDING_KEY, None)
    request.session[HALF] = {
        "account": str(account.id),
        "password": account.get_session_auth_hash(),
        "until": (clock.now() + HALF_FOR).timestamp(),
        "next": next_page,
    }


def half_signed_in(request: HttpRequest) -> HalfSignedIn | None:
    """Who is half signed in; nobody after ten minutes, or once the password has changed."""
    half: dict[str, Any] | None = request.session.get(HALF)
    if half is None or half["until"] <= clock.now().timestamp():
        return None
    account = Account.objects.filter(id=UUID(half["account"]), is_active=True).first()
    if account is None or not constant_time_compare(
        half["password"], account.get_session_auth_hash()
    ):
        return None
    return HalfSignedIn(account, half["next"])


def complete(request: HttpRequest, half: HalfSignedIn) -> str:
    """Open the session, under a new key again; where to go from here."""
    for name in (HALF, PENDING_KEY, FACTOR_LINK, PASSWORD_LINK):
        request.session.pop(name, None)
    login(request, half.account)
    actor = current_actor()
    request.session[ORIGIN] = {"address": actor.address, "user_agent": actor.user_agent}
    prove(request)
    return half.next


def person(request: HttpRequest) -> Account:
    """Who is signed in, on pages that only they see."""
    if not isinstance(request.user, Account):
        raise NotFound
    return request.user


def prove(request: HttpRequest) -> None:
    """Note that the second factor was given just now."""
    request.session[PROVEN_AT] = clock.now().timestamp()


def next_page(request: HttpRequest) -> str:
    """The page that was asked for, if it is one of ours; else where consoles are chosen."""
    wanted = request.GET.get("next", "")
    # Of no host at all: an address within this server, whatever its name.
    if wanted.startswith("/") and url_has_allowed_host_and_scheme(wanted, allowed_hosts=None):
        return wanted
    return reverse("consoles")


def pending_key(request: HttpRequest) -> bytes:
    """The key that is being set up in this session and in no other; sealed there."""
    sealed: str | None = request.session.get(PENDING_KEY)
    if sealed is not None:
        try:
            return unseal(base64.b64decode(sealed))
        except InvalidToken:
            pass
    key = new_totp_key()
    request.session[PENDING_KEY] = base64.b64encode(seal(key)).decode()
    return key


def key_to_scan(key: bytes, account: Account) -> dict[str, Any]:
    """What the set-up page shows: the QR code, and the key in groups."""
    qr = segno.make(otpauth_url(key, account.email or ""), error="m")
    text = key_text(key)
    # The SVG is the library's own, of an address that is quoted: nothing typed stands in it.
    return {
        "qr": SafeString(qr.svg_inline(border=2, omitsize=True, svgclass=None, light="#fff")),
        "key": " ".join(text[i : i + 4] for i in range(0, len(text), 4)),
    }


def show_recovery_codes(
    view: PageView, request: HttpRequest, codes: list[str], onward: str
) -> HttpResponse:
    """The page that shows new recovery codes, this once: nothing keeps them."""
    text = "\n".join(["SemaFore recovery codes, each good once:", "", *codes, ""])
    context = {
        "title": "Your recovery codes",
        "codes": codes,
        "download": f"data:text/plain;charset=utf-8,{quote(text)}",
        "onward": onward,
    }
    return view.page(request, "account/recovery_codes.html", context)


def throttle(request: HttpRequest, view: Any) -> None:
    """Count a request by its address. Raises Throttled."""
    counter = AddressThrottle()
    if not counter.allow_request(request, view):
        raise Throttled(retry_after=max(1, round(counter.wait())))


@contextmanager
def refusals(form: BaseForm, field: str | None = None) -> Iterator[None]:
    """What is typed wrongly becomes the form's error."""
    try:
        yield
    except (CodeRefused, LinkInvalid, PasswordRefused, SignInLocked, SignInRefused) as problem:
        form.add_error(_place(problem, form, field), problem.detail)


def _place(problem: Problem, form: BaseForm, field: str | None) -> str | None:
    if isinstance(problem, CodeRefused) and "code" in form.fields:
        return "code"
    return field if isinstance(problem, PasswordRefused) else None
