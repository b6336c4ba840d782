"""Reports on who exchanges messages with whom, when, and who was where: never what was said."""
