"""Forms of invitations, by who fills them in."""
