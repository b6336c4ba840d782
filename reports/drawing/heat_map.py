"""Hours of the week as cells: the more messages, the stronger, and their number in each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reports.questions import HOURS, Question
from reports.selectors.timing import Timing

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
LEFT, TOP = 92, 30
"""Room for the days and the hours, in units of the drawing, as are all of these."""
CELL, TALL = 36, 34
STEPS = 4
"""Of strength above nothing: few enough to be told apart in grey."""


@dataclass(frozen=True, slots=True)
class Cell:
    """An hour of a day of the week."""

    day: str
    hour: int
    messages: int
    x: int
    y: int
    step: int
    """From 0 for no message to STEPS."""
    work: bool

    @property
    def middle(self) -> tuple[float, float]:
        """Where the number stands."""
        return self.x + CELL / 2, self.y + TALL / 2 + 4


@dataclass(frozen=True, slots=True)
class Row:
    """A day of the week."""

    day: str
    y: float
    cells: Sequence[Cell]

    @property
    def total(self) -> int:
        """Messages on it."""
        return sum(cell.messages for cell in self.cells)


@dataclass(frozen=True, slots=True)
class HeatMap:
    """The drawing."""

    rows: Sequence[Row]
    work: Sequence[tuple[int, int, int]]
    """Frames around working hours: x, y and width of each working day."""

    width = LEFT + HOURS * CELL + 2
    height = TOP + len(DAYS) * TALL + 2
    cell, tall = CELL, TALL

    @property
    def viewbox(self) -> str:
        """Of the drawing."""
        return f"0 0 {self.width} {self.height}"

    @property
    def cells(self) -> Iterator[Cell]:
        """All of them."""
        return (cell for row in self.rows for cell in row.cells)

    @property
    def hours(self) -> list[tuple[int, float]]:
        """The hours of a day, and the middle of the column of each."""
        return [(hour, LEFT + (hour + 0.5) * CELL) for hour in range(HOURS)]


def heat_map(timing: Timing, question: Question) -> HeatMap:
    """The drawing of a timing."""
    most = timing.most or 1
    rows = []
    for number, (day, hours) in enumerate(zip(DAYS, timing.hours, strict=True)):
        y = TOP + number * TALL
        cells = [
            Cell(
                day=day,
                hour=hour,
                messages=messages,
                x=LEFT + hour * CELL,
                y=y,
                step=-(-messages * STEPS // most),
                work=number + 1 in question.work_days
                and question.work_from <= hour < question.work_until,
            )
            for hour, messages in enumerate(hours)
        ]
        rows.append(Row(day, y + TALL / 2 + 4, cells))
    width = (question.work_until - question.work_from) * CELL
    frames = [
        (LEFT + question.work_from * CELL, TOP + (day - 1) * TALL, width)
        for day in question.work_days
    ]
    return HeatMap(rows, frames)
