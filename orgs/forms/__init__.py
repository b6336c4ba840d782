"""Forms of people and settings."""
