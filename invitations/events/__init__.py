"""Event types of this app, by subject; importing them registers them."""

from invitations.events import invitations, onboarding

__all__ = ("invitations", "onboarding")
