"""Services of the console: every change, in its transaction, with its event."""
