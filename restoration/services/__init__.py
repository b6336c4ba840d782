"""Every change that follows a restore."""
