"""REST views of rooms, messages and what is kept for devices (api.md, `/api/mobile/`)."""
