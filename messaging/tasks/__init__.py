"""Work of this app that no request waits for, by subject; importing them registers them."""

from messaging.tasks import ends, mailbox, push

__all__ = ("ends", "mailbox", "push")
