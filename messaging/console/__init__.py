"""Pages of rooms, external parties, broadcasts, screenshot reports and reachability."""
