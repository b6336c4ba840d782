"""What people, their invitations and devices are called where somebody reads it."""

from typing import Protocol

FORGOTTEN = "Name forgotten"
"""What stands for a name that retention took."""
NOBODY = "SemaFore server"


class Named(Protocol):
    """What has a name, empty once it was forgotten."""

    name: str


def called(named: Named | str | None, nobody: str = NOBODY) -> str:
    """The name, or what stands for it; `nobody` acted where there is None."""
    if named is None:
        return nobody
    return (named if isinstance(named, str) else named.name) or FORGOTTEN
