"""From the application's SQL to a pgbench script: its variables in place of the parameters."""

import re

PLACEHOLDER = re.compile(r"%\((\w+)\)[sb]|%s")
ROOM = 50

HEAD = """\
-- Made by `python -m bench.statements` from {sources}.
-- Not to be edited: `python -m bench.statements --check` compares it with the application.
-- {shape}
"""

TARGET = "(:targets::uuid[])[:slot]"
CLAIMANT = "(:claimants::uuid[])[:slot]"
ACCOUNT = "(:accounts::uuid[])[:slot]"
TOKEN_HASH = "(:token_hashes::bytea[])[:slot]"  # noqa: S105 - an expression
ORGANISATION = ":organisation::uuid"


def filled(statement: str, *values: str, **named: str) -> str:
    """The statement with an SQL expression of pgbench's variables for each of its parameters."""
    left = list(values)

    def expression(match: re.Match[str]) -> str:
        name = match.group(1)
        return named[name] if name else left.pop(0)

    done = PLACEHOLDER.sub(expression, statement).strip()
    if left:
        raise ValueError(f"{len(left)} parameters more than the statement has")
    return done
