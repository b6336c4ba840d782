"""A device in Python: its keys, the REST API, the socket and how it behaves. Never on a server."""
