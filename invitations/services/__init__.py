"""Every change to invitations and onboardings."""
