"""Event types of invitations and onboardings."""
