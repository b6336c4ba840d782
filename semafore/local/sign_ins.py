"""The demo's sign-ins for a person at the terminal, each with its code of the moment."""

import base64
import json
from pathlib import Path

from django_otp.oath import totp


def current_code(secret: str) -> str:
    """The six digits that an authenticator with this base32 key shows now."""
    return f"{totp(base64.b32decode(secret)):06}"


def sign_in_lines(demo: Path) -> list[str]:
    """A line for each person that `demo.json` lets sign in; the password is everybody's."""
    listing = json.loads(demo.read_text(encoding="utf-8"))
    people = [
        (user, f"{user['role']} of {user['organisation']}") for user in listing["console_users"]
    ]
    people.append((listing["operator"], "SemaFore's own operator, at /operator/"))
    width = max(len(user["email"]) for user, _ in people)
    lines = [
        f"{user['email']:<{width}}  code {current_code(user['totp_secret'])}  {who}"
        for user, who in people
    ]
    if not listing["console_users"]:
        lines.append("this demo is from before the console: remove .local to have the new one")
    return [
        *lines,
        f"everybody's password: {listing['operator']['password']}",
        "a code is good once and for a minute at most; fresh ones: bin/device codes",
    ]
