"""Rooms, relay, mailbox, broadcasts, screenshot reports, push wake-ups."""
