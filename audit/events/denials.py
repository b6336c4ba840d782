"""The event type of refusals that no other app owns."""

from audit.registry import EventClass, OcsfClass, What, event


@event(
    "access.denied",
    EventClass.CLAIMS,
    sentence="{actor} was refused: {act} ({reason}).",
    severity=3,
    ocsf_class=OcsfClass.API_ACTIVITY,
)
class AccessDenied(What):
    """An act that the actor may not do, or on something that is not theirs to see."""

    act: str
    reason: str
