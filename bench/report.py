"""The command line that all benchmarks share, and how a result is printed."""

import argparse
import json
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Arguments:
    """What every benchmark can be told."""

    seconds: float
    connections: int
    as_json: bool
    workers: int
    threads: int


def arguments(
    name: str, description: str, *, workers: int, threads: int, seconds: float = 20
) -> Arguments:
    """Reads the command line of `python -m bench.<name>`."""
    parser = argparse.ArgumentParser(prog=f"python -m bench.{name}", description=description)
    parser.add_argument(
        "--seconds",
        type=float,
        default=seconds,
        help=f"for the server and the limit each ({seconds:g})",
    )
    parser.add_argument("--connections", type=int, default=16, help="at a time (16)")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of lines")
    parser.add_argument("--workers", type=int, default=workers, help=f"Granian's ({workers})")
    parser.add_argument("--threads", type=int, default=threads, help=f"of each worker ({threads})")
    read = parser.parse_args()
    return Arguments(read.seconds, read.connections, read.json, read.workers, read.threads)


@dataclass(frozen=True, slots=True)
class Bar:
    """A figure and what it is held to."""

    name: str
    value: float
    bound: float
    most: bool = False
    """The bound is an upper one."""
    unit: str = ""
    places: int = 2

    @property
    def met(self) -> bool:
        """Whether the bar is reached."""
        return self.value <= self.bound if self.most else self.value >= self.bound

    def __str__(self) -> str:
        word = "at most" if self.most else "at least"
        verdict = "met" if self.met else "MISSED"
        value, bound = f"{self.value:,.{self.places}f}", f"{self.bound:,.{self.places}f}"
        return f"{self.name}: {value}{self.unit} (bar: {word} {bound}{self.unit}, {verdict})"


def show(name: str, figures: dict[str, Any], bars: Sequence[Bar], *, as_json: bool) -> int:
    """Prints all; 0 when every bar is met."""
    if as_json:
        held = [
            {
                "name": bar.name,
                "value": bar.value,
                "bar": bar.bound,
                "kind": "at_most" if bar.most else "at_least",
                "met": bar.met,
            }
            for bar in bars
        ]
        print(json.dumps({"benchmark": name, "figures": figures, "bars": held}))
    else:
        for label, value in figures.items():
            shown = value
            if isinstance(value, float):
                shown = f"{value:,.1f}" if value >= 10 else f"{value:.3f}"
            print(f"{label.replace('_', ' ')}: {shown}")
        for bar in bars:
            print(bar)
    return int(not all(bar.met for bar in bars))


def middle(values: Sequence[float]) -> float:
    """The median."""
    return statistics.median(values)
