"""What a device keeps of its organisation's log, to hold what it is shown next against it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from semafore.local.client.wire import JsonObject


@dataclass(frozen=True, slots=True)
class SeenLog:
    """The newest checkpoint that was believed, a signed note, and the keys that go with it."""

    checkpoint: str
    vkeys: tuple[str, ...]
    """Of checkpoints: those of the first that was seen, and what signed beside one of them."""
    receipt_vkeys: tuple[str, ...]
    against: tuple[str, ...] = ()
    """The first two checkpoints that didn't fit together: evidence, whatever was shown since."""

    def to_json(self) -> JsonObject:
        """For the device's state file."""
        return asdict(self)

    @classmethod
    def from_json(cls, seen: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote."""
        return cls(
            checkpoint=seen["checkpoint"],
            vkeys=tuple(seen["vkeys"]),
            receipt_vkeys=tuple(seen["receipt_vkeys"]),
            against=tuple(seen.get("against", ())),
        )
