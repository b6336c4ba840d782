"""What is held on a person, for whoever must answer a lawful request (docs/disclosure.md)."""
