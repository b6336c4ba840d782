"""Receipts as their holder checks them: signed notes (audit-log.md; C2SP signed-note)."""

from audit.verifier import Receipt, VerificationError, open_receipt

__all__ = ["Receipt", "ReceiptError", "read_receipt"]


class ReceiptError(Exception):
    """The receipt is not what the holders of these keys sign."""


def read_receipt(note: str, *vkeys: str) -> Receipt:
    """The receipt in a note that one of the keys (`<name>+<key id>+<base64>`) has signed.

    Raises ReceiptError.
    """
    try:
        return open_receipt(note, vkeys)
    except VerificationError as error:
        raise ReceiptError(f"the receipt's signature is not good: {error}") from error
