"""Playbooks: who is affected, one act, then a record to be printed (console.md)."""
