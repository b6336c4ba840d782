"""Event types of the log itself: its keys, its origins, its halts (class 5)."""

from audit.registry import EventClass, Severity, What, event

LOG = EventClass.LOG

CHECKPOINTS = "checkpoints"
RECEIPTS = "receipts"
"""What keys sign."""


@event(
    "log.key_announced",
    LOG,
    sentence="{actor} announced a key that signs {purpose} from now on.",
    severity=Severity.MEDIUM,
)
class KeyAnnounced(What):
    """Who verifies later finds in the log itself which key signed when."""

    purpose: str
    vkey: str


@event(
    "log.key_retired",
    LOG,
    sentence="{actor} retired a key: it signs {purpose} no more.",
    severity=Severity.MEDIUM,
)
class KeyRetired(What):
    """What it signs after this event is not the log's."""

    purpose: str
    vkey: str


@event(
    "log.halted",
    LOG,
    sentence="The log was halted: {reason}.",
    severity=Severity.CRITICAL,
)
class LogHalted(What):
    """The signer refused to sign on; messages went on meanwhile."""

    reason: str


@event(
    "log.adopted",
    LOG,
    sentence="{actor} let the signer go on from checkpoint {size} ({reason}).",
    severity=Severity.HIGH,
)
class LogAdopted(What):
    """The signer's own record was lost; a person answered for the checkpoint it goes on from."""

    size: int
    root: bytes
    reason: str


@event(
    "log.origin_started",
    LOG,
    sentence="The log goes on as {origin}: entries {lost_from} to {lost_to} of {previous_origin} "
    "are lost ({reason}).",
    severity=Severity.CRITICAL,
)
class OriginStarted(What):
    """The first event under a new origin: it commits to the last old checkpoint (ADR 0013).

    The tree goes on: entries before `lost_from` are the previous origin's own. `lost_to` is the
    size of its last checkpoint.
    """

    origin: str
    previous_origin: str
    previous_size: int
    previous_root: bytes
    lost_from: int
    lost_to: int
    reason: str


@event(
    "log.split_view_reported",
    LOG,
    sentence="{actor} was shown a checkpoint of size {size} that is not this log's.",
    severity=Severity.CRITICAL,
)
class SplitViewReported(What):
    """A checkpoint signed by a key of ours, with a root that the log doesn't have at that size."""

    origin: str
    size: int
    root: bytes
    expected_root: bytes | None
    """None where the log isn't that long."""
    note: str
