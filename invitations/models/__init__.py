"""Invitations, and what comes of them."""

from invitations.models.invitations import OVER, Channel, Delivery, Invitation, Purpose, State
from invitations.models.onboarding import LinkToken, Onboarding
from invitations.models.phones import PhoneChange, PhoneProof, PhoneQuota

__all__ = (
    "OVER",
    "Channel",
    "Delivery",
    "Invitation",
    "LinkToken",
    "Onboarding",
    "PhoneChange",
    "PhoneProof",
    "PhoneQuota",
    "Purpose",
    "State",
)
