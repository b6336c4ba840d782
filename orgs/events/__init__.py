"""Event types of this app, by subject; importing them registers them."""

from orgs.events import billing, maintenance, people, platform, sign_in

__all__ = ("billing", "maintenance", "people", "platform", "sign_in")
