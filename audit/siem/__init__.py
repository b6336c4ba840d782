"""What security operations receive: the formats of siem.md, and the ways they travel."""
