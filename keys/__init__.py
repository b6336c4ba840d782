"""Devices, key bundles, device authentication."""
