"""Benchmarks against the production process split, each beside its limit (README.md here)."""
