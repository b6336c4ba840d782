"""Devices show what they were shown of the log; what is not this log's is an alarm."""

import base64
import re
from dataclasses import dataclass
from hashlib import sha256

from django.db import transaction

from audit.events.log import SplitViewReported
from audit.logs import Log, current_log
from audit.selectors.checkpoints import latest_checkpoint
from audit.selectors.log_keys import checkpoint_vkeys
from audit.selectors.origins import Loss, losses
from audit.selectors.tree import root_at, tree_head
from audit.services.recording import record
from audit.verifier import Checkpoint, VerificationError, open_checkpoint
from keys.errors import CheckpointInvalid
from keys.models import SplitView
from semafore.kernel.tenancy import current_organisation_id


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a checkpoint is one of this log as it stands."""

    consistent: bool
    lost: bool = False
    """It can't be compared: its entries were lost with a restore, as the log itself declares."""


def compare_checkpoint(*, note: str) -> Verdict:
    """Compare a checkpoint that somebody was given with the log, and record a split view, once.

    Consistent is what has our root at its size, at most that of the newest checkpoint. Entries that
    an earlier origin had and a restore lost are declared in the log (`log.origin_started`): such a
    checkpoint is `lost` and no alarm, unless it goes beyond the last one that the declaration
    names, or differs from that. Everything else that our key signed is a split view; so is what was
    lost in a restore that the log doesn't declare (yet). Raises CheckpointInvalid.
    """
    log = current_log()
    number, seen = _opened(log, note)
    head, newest = tree_head(log), latest_checkpoint(log)
    ended = losses(current_organisation_id()) if number < head.origin_number else []
    later = [one for one in ended if (_number(log, one.origin) or 0) >= number]
    kept = min([one.lost_from for one in later] + [newest.size if newest else 0])
    expected = None
    if number <= head.origin_number and seen.size <= kept:
        expected = root_at(log, seen.size)
        if expected == seen.root:
            return Verdict(consistent=True)
    elif _declared_lost(seen, later):
        return Verdict(consistent=False, lost=True)
    _record(seen, note, expected)
    return Verdict(consistent=False)


def _opened(log: Log, note: str) -> tuple[int, Checkpoint]:
    """The number of its origin, and the checkpoint, signed by a key that this log announced.

    Under whichever of the log's origins: a key that signs one that there never was, lies.
    """
    origin = note.partition("\n")[0]
    number = _number(log, origin)
    if number is None:
        raise CheckpointInvalid(detail="This is no checkpoint of your organisation's log.")
    try:
        return number, open_checkpoint(
            note, [_under(origin, vkey) for vkey in checkpoint_vkeys(log)]
        )
    except VerificationError as error:
        raise CheckpointInvalid(detail=str(error)) from None


def _under(name: str, vkey: str) -> str:
    """The same public key under another name, of which its key id is made too (signed-note)."""
    encoded = vkey.split("+", 2)[2]
    key_id = sha256(name.encode() + b"\n" + base64.b64decode(encoded)).digest()[:4]
    return f"{name}+{key_id.hex()}+{encoded}"


def _number(log: Log, origin: str) -> int | None:
    """Which of the log's origins; None for another log's."""
    if origin == log.origin():
        return 1
    match = re.fullmatch("/([2-9]|[1-9][0-9]{1,8})", origin.removeprefix(log.origin()))
    return int(match[1]) if match else None


def _declared_lost(seen: Checkpoint, later: list[Loss]) -> bool:
    own = next((one for one in later if one.origin == seen.origin), None)
    if own is None:
        # Even the declaration of this origin's end may have been lost with a later one.
        return bool(later)
    return seen.size < own.size or (seen.size, seen.root) == (own.size, own.root)


@transaction.atomic
def _record(seen: Checkpoint, note: str, expected: bytes | None) -> None:
    signed = f"{seen.origin}\n{seen.size}\n{base64.b64encode(seen.root).decode()}\n"
    _, first = SplitView.objects.get_or_create(
        organisation_id=current_organisation_id(), text_hash=sha256(signed.encode()).digest()
    )
    if first:
        record(
            SplitViewReported(
                origin=seen.origin,
                size=seen.size,
                root=seen.root,
                expected_root=expected,
                note=note,
            )
        )
