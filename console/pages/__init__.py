"""The pages that span apps."""
