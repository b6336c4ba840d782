"""Event types of the platform's own log: what its operators do to all organisations at once."""

from audit.registry import EventClass, Severity, What, event


@event(
    "secrets.resealed",
    EventClass.ADMINISTRATION,
    sentence="{actor} sealed {anew} secrets anew, under the first of FIELD_KEYS.",
    severity=Severity.MEDIUM,
)
class SecretsResealed(What):
    """A change of FIELD_KEYS; how many values there were (docs/secrets.md)."""

    anew: int
    already: int
    unreadable: int
