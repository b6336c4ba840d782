"""Accounts, organisations, memberships, policy."""
