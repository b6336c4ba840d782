"""Pushes that wake a device: `send` hands one to the backend that PUSH_BACKEND names."""
