"""Forms of the pages that span apps."""
