"""HTTP: base views, parsing, problems, throttles."""
