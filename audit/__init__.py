"""Events and the provable log."""
