"""Reads of rooms, messages and mailboxes."""
