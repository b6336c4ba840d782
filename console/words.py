"""What several pages say in the same words."""

from audit.models import Hold


def hold_in_words(hold: Hold) -> str:
    """What a hold covers: all that is named must match."""
    parts = [hold.person.name if hold.person else "Everybody"]
    if hold.room_id:
        parts.append(f"in the room {hold.room_label}")
    if hold.from_at:
        parts.append(f"from {hold.from_at:%-d %B %Y, %H:%M} UTC")
    if hold.until_at:
        parts.append(f"until {hold.until_at:%-d %B %Y, %H:%M} UTC")
    return " ".join(parts)
