"""Names each Python file that is too long to be read in one go; exits with 1 if there is one."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LIMIT = 300
TEST_LIMIT = 500
# Path: reason. Migrations are exempt: they are written by a tool and never grow.
ALLOWED: dict[str, str] = {
    "audit/verifier.py": "goes out in every evidence bundle as one file",
    "semafore/settings.py": "all settings stand in one place",
}


def too_long() -> list[str]:
    """One line for each file above its limit."""
    found = []
    for path in sorted(ROOT.rglob("*.py")):
        name = path.relative_to(ROOT)
        hidden = any(part.startswith(".") for part in name.parts)
        if hidden or "migrations" in name.parts or name.as_posix() in ALLOWED:
            continue
        limit = TEST_LIMIT if name.parts[0] == "tests" else LIMIT
        with path.open(encoding="utf-8") as file:
            lines = sum(1 for _ in file)
        if lines > limit:
            found.append(f"{name}: {lines} lines, the limit is {limit}; split it by subject")
    return found


if __name__ == "__main__":
    problems = too_long()
    print("\n".join(problems), end="\n" if problems else "")
    sys.exit(bool(problems))
