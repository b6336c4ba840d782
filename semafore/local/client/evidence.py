"""What `bin/device` does with the log: each of the public functions is one subcommand."""

import base64
from pathlib import Path
from uuid import UUID

from audit.verifier import for_terminal
from semafore.local.client.device import Device
from semafore.local.client.log import Looked
from semafore.local.client.words import moment, table

NOT_YET = "Not under a checkpoint yet: that takes about a second. Ask again."


def log(device: Device, save: Path | None = None) -> None:
    """Print the newest checkpoint, and how it goes with the last one that this device saw.

    The proof of that goes into the file `save`, for `audit/verifier.py`.
    """
    looked = device.log.look()
    if looked is None:
        print("The log has no checkpoint yet.")
        return
    newest = looked.newest
    rows = [
        ("origin", newest.origin),
        ("size", f"{newest.size} entries"),
        ("root", base64.b64encode(newest.root).decode()),
        ("consistency", consistency_in_words(looked)),
    ]
    if save is not None:
        rows.append(("proof", saved(looked, save)))
    print("\n".join(table(rows)))


def saved(looked: Looked, file: Path) -> str:
    """Write the consistency proof; return what became of it."""
    if looked.proof is None:
        return "none: there is no earlier checkpoint of this name that it could go on from"
    file.write_text(looked.proof, "utf-8")
    return f"written to {file}"


def consistency_in_words(looked: Looked) -> str:
    """Return how the newest checkpoint goes with the one before."""
    last, newest = looked.last, looked.newest
    if last is None:
        return "the first checkpoint that this device sees: its keys are believed from now on"
    if looked.lost:
        return (
            f"of the {last.size} entries last seen some were lost in a restore, as the log declares"
        )
    if last.size == newest.size:
        return "the same as the last one seen"
    return f"proved: the {last.size} entries last seen are the first of these, unchanged"


def proof(device: Device, message_id: UUID) -> None:
    """Print what a message's proof shows, once it is verified against all that is known here."""
    found = device.log.message(message_id)
    if found is None:
        print(NOT_YET)
        return
    proved, receipt = found
    print("Checked:")
    for sentence in proved.findings.checked:
        print(f"  {for_terminal(sentence)}")
    print("  The checkpoint goes on from the last one that this device saw.")
    print(
        f"  The receipt is signed and is for this event: accepted {moment(receipt.accepted_at)},"
        f" to be in the log by {moment(receipt.include_by)}."
    )
    print("Not checked:")
    for sentence in proved.findings.not_checked:
        print(f"  {for_terminal(sentence)}")
