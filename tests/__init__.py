"""The suite: real PostgreSQL, real Valkey, real clients."""
