"""Event types of this app, by subject; importing them registers them."""

from messaging.events import external, messages, rooms

__all__ = ("external", "messages", "rooms")
