"""The demo's sign-ins for a person at the terminal, each with its code of the moment."""

import base64
import json
from pathlib import Path

from django_otp.oath import totp


def current_code(secret: str) -> str:
    """The six digits that an authenticator with this base32 key shows now."""
    return f"{totp(base64.b32decode(secret)):06}"


def sign_in_lines(demo: Path) -> list[str]:
    """A line for each console user that `demo.json` names; the password is everybody's."""
    users = json.loads(demo.read_text(encoding="utf-8"))["console_users"]
    if not users:
        return []
    width = max(len(user["email"]) for user in users)
    lines = [
        f"{user['email']:<{width}}  code {current_code(user['totp_secret'])}"
        f"  {user['role']} of {user['organisation']}"
        for user in users
    ]
    return [*lines, f"everybody's password: {users[0]['password']}"]
