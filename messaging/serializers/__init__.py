"""Shape and validity of what devices send and get (api.md), by subject."""
