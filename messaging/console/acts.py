"""What may be done, as buttons that lead to the page where it is done."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Act:
    """A button."""

    label: str
    address: str
    primary: bool = False
    danger: bool = False
