"""The device socket."""
