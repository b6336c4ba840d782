"""Reads of devices and keys."""
