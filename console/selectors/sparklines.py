"""Numbers a day as a line: drawn by the server, with the same numbers to read."""

from collections.abc import Sequence
from dataclasses import dataclass

from messaging.selectors.traffic import Day

WIDTH, HEIGHT, EDGE = 140, 40, 2
"""Of the drawing, in its own units; the edge keeps the line whole at the top and the bottom."""


@dataclass(frozen=True, slots=True)
class Sparkline:
    """Days, and the path through them."""

    days: Sequence[Day]
    path: str

    @property
    def today(self) -> int:
        """The last number."""
        return self.days[-1].messages

    @property
    def most(self) -> int:
        """The highest number."""
        return max(day.messages for day in self.days)

    @property
    def viewbox(self) -> str:
        """Of the drawing."""
        return f"0 0 {WIDTH} {HEIGHT}"


def sparkline_of(days: Sequence[Day]) -> Sparkline:
    """The line from the first day at the left to the last at the right, zero at the bottom."""
    most = max(day.messages for day in days) or 1
    step = WIDTH / (len(days) - 1)
    points = (
        f"{round(number * step, 1)} "
        f"{round(HEIGHT - EDGE - day.messages / most * (HEIGHT - 2 * EDGE), 1)}"
        for number, day in enumerate(days)
    )
    return Sparkline(days, "M" + "L".join(points))
