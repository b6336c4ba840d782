"""Forms of the audit app's pages."""
