"""Reads of invitations and onboardings."""
