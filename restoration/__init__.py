"""What is done after a database was restored from a backup (docs/restore.md)."""
