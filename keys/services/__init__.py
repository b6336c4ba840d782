"""Every change to devices and their keys."""
