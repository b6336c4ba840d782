"""Ctrl-C and its kin: the first one ends the command in order, later ones do no harm."""

import signal
from types import FrameType


class Ended(BaseException):
    """A signal asked this command to end; not an error, so nothing catches it by accident."""

    def __init__(self, number: int) -> None:
        """`number` is the signal's."""
        super().__init__(number)
        self.exit_code = 128 + number


def ends_on(*signals: signal.Signals) -> None:
    """Raises `Ended` in the main thread on the first of these; the rest is ignored from then on."""

    def handle(number: int, _frame: FrameType | None) -> None:
        for each in signals:
            signal.signal(each, signal.SIG_IGN)
        raise Ended(number)

    for each in signals:
        signal.signal(each, handle)
