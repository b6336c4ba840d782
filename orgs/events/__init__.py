"""Event types of this app, by subject; importing them registers them."""

from orgs.events import people, sign_in

__all__ = ("people", "sign_in")
