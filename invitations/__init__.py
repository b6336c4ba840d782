"""Invitations, onboarding, phone codes, SMS backends."""
