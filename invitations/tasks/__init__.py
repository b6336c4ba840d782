"""Work of this app that no request waits for, by subject; importing them registers them."""

from invitations.tasks import invitations, onboarding

__all__ = ("invitations", "onboarding")
