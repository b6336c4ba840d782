"""Every change to rooms, messages and mailboxes."""
