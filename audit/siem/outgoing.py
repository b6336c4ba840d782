"""An event on its way to somebody else's system, in whichever format."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from audit.registry import REGISTRY, EventClass, Severity
from audit.sentences import moment_of, sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A sequenced event with what is left of its parts, as they were recorded."""

    organisation_id: UUID
    seq: int
    event_id: UUID
    event_class: EventClass
    leaf: bytes
    """32 bytes."""
    what: Mapping[str, Any]
    who: Mapping[str, Any] | None
    """None where retention deleted the people."""

    @property
    def type(self) -> str:
        """`<subject>.<past participle>`."""
        return str(self.what["type"])

    @property
    def at(self) -> datetime:
        """When it happened."""
        found = moment_of(self.what["time"])
        if found is None:
            raise ValueError(f"event {self.event_id} has no time")
        return found

    @property
    def severity(self) -> Severity:
        """Of its type; of a type that there is no more, informational."""
        found = REGISTRY.get(self.type)
        return found.severity if found else Severity.INFORMATIONAL

    @property
    def sentence(self) -> str:
        """What happened, in plain words."""
        return sentence(self.what, self.who)
