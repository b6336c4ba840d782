"""Event types of this app, by subject; importing them registers them."""

from messaging.events import messages, rooms

__all__ = ("messages", "rooms")
