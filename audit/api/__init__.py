"""The audit API: for programs, which come with a service token (api.md, Audit API)."""
