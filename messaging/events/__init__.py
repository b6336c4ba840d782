"""Event types of this app, by subject; importing them registers them."""

from messaging.events import broadcasts, devices, external, messages, rooms

__all__ = ("broadcasts", "devices", "external", "messages", "rooms")
