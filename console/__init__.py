"""The pages that span apps, and the shell that all pages stand in."""
