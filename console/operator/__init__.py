"""The platform operator's site: organisations come to be here, and nothing of them is seen."""
