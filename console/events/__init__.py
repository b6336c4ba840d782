"""Event types of this app, by subject; importing them registers them."""

from console.events import disclosure, playbooks

__all__ = (
    "disclosure",
    "playbooks",
)
