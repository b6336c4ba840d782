"""The only writers: each ask and each look is an event."""
