"""Invitations, and what comes of them."""

from invitations.models.invitations import Channel, Delivery, Invitation, Purpose, State

__all__ = ("Channel", "Delivery", "Invitation", "Purpose", "State")
