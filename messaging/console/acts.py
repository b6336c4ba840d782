"""What may be done, as buttons that lead to the page where it is done."""

from dataclasses import dataclass
from uuid import UUID

from django.urls import NoReverseMatch

from semafore.kernel.http.console import ConsoleView


@dataclass(frozen=True, slots=True)
class Act:
    """A button."""

    label: str
    address: str
    danger: bool = False


def act(view: ConsoleView, label: str, name: str, *args: UUID, danger: bool = False) -> list[Act]:
    """The button, or none where there is no such page."""
    try:
        return [Act(label, view.link(name, *args), danger=danger)]
    except NoReverseMatch:
        return []
