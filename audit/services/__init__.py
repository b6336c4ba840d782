"""Every write to the log."""
