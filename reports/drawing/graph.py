"""Where the people of a graph stand, and how thick the lines between them are.

They stand on an ellipse, so that every name has its own line; networkx says in which order, by
which those who talk with each other stand close. The person from whom it starts stands in the
middle. The same graph is always drawn the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import atan2, sqrt, tau
from typing import TYPE_CHECKING

import networkx as nx

from reports.selectors.graph import Edge, Graph, Node

if TYPE_CHECKING:
    from uuid import UUID

WIDTH = 1000
"""Of the drawing, in its own units, as are all of these."""
MARGIN = 48
ROW = 26
"""Between two names."""
LEAST_HEIGHT = 320
"""Also of a few people: lines that cross too flatly can't be told apart."""
REACH = 230
"""Half the width of the ellipse: names stand outside of it."""
THINNEST, THICKEST = 1.0, 9.0
SEED = 1
LABEL_LENGTH = 32
GAP = 14
"""From the middle of a person's mark to the name."""
MOST_NUMBERS = 60
"""Lines that bear their number: with more, only those that begin in the middle do."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A person: a round one for a member, a square one for a guest."""

    node: Node
    x: float
    y: float
    side: int
    """-1: the name stands to the left; 1: to the right; 0: beneath, in the middle."""

    @property
    def label(self) -> str:
        """The name, and the company of a guest, cut to their room."""
        words = self.node.name
        if self.node.guest:
            words += f", guest of {self.node.party}" if self.node.party else ", guest"
        return words if len(words) <= LABEL_LENGTH else f"{words[: LABEL_LENGTH - 1]}…"

    @property
    def label_x(self) -> float:
        """Where the name begins, or ends."""
        return self.x + self.side * GAP

    @property
    def anchor(self) -> str:
        """Which end of the name that is."""
        return {-1: "end", 0: "middle", 1: "start"}[self.side]

    @property
    def label_y(self) -> float:
        """The line that the name stands on."""
        return self.y + (4 if self.side else 26)


@dataclass(frozen=True, slots=True)
class Line:
    """Messages between two people."""

    edge: Edge
    path: str
    width: float
    number_x: float
    number_y: float
    numbered: bool
    spoke: bool
    """It begins or ends where the graph starts."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """All of it."""

    height: int
    marks: Sequence[Mark]
    lines: Sequence[Line]
    """The thinnest first, so that no thick one hides it."""

    @property
    def viewbox(self) -> str:
        """Of the drawing."""
        return f"0 0 {WIDTH} {self.height}"


def draw(graph: Graph) -> Drawing:
    """The drawing of a graph."""
    around = list(graph.nodes)
    middle = [node for node in around if node.start]
    if len(middle) == 1 and len(around) > 1:
        around.remove(middle[0])
    else:
        middle = []
    rows = max(1, -(-len(around) // 2))
    height = max(LEAST_HEIGHT, 2 * MARGIN + rows * ROW)
    marks = [Mark(node, WIDTH / 2, height / 2, 0) for node in middle]
    marks += _around(_ordered(around, graph.edges), height)
    return Drawing(height, marks, _lines(graph.edges, marks, height / 2 if middle else None))


def _ordered(nodes: Sequence[Node], edges: Sequence[Edge]) -> list[Node]:
    """Clockwise from the top, those who talk with each other side by side."""
    if len(nodes) <= 2:  # noqa: PLR2004 - two have no order
        return list(nodes)
    talk: nx.Graph[UUID] = nx.Graph()
    talk.add_nodes_from(node.person.id for node in nodes)
    talk.add_weighted_edges_from(
        (edge.one.person.id, edge.other.person.id, sqrt(edge.messages))
        for edge in edges
        if edge.one.person.id in talk and edge.other.person.id in talk
    )
    places = nx.spring_layout(talk, seed=SEED)

    def angle(node: Node) -> float:
        x, y = places[node.person.id]
        return atan2(float(x), float(y)) % tau

    return sorted(nodes, key=angle)


def _around(nodes: Sequence[Node], height: int) -> list[Mark]:
    """The first half down the right side, the second up the left one."""
    right = -(-len(nodes) // 2)
    sides = ((1, nodes[:right]), (-1, nodes[right:][::-1]))
    marks = []
    for side, column in sides:
        for number, node in enumerate(column):
            down = (2 * number + 1) / len(column) - 1
            marks.append(
                Mark(
                    node,
                    round(WIDTH / 2 + side * REACH * sqrt(1 - 0.8 * down * down), 1),
                    round(height / 2 + down * (height / 2 - MARGIN), 1),
                    side,
                )
            )
    return marks


def _lines(edges: Sequence[Edge], marks: Sequence[Mark], middle: float | None) -> list[Line]:
    by_id = {mark.node.person.id: mark for mark in marks}
    most = max((edge.messages for edge in edges), default=1)
    few = len(edges) <= MOST_NUMBERS
    lines = []
    for edge in reversed(edges):
        one, other = by_id[edge.one.person.id], by_id[edge.other.person.id]
        spoke = middle is not None and edge.one.start
        path, (x, y) = _straight(one, other) if spoke else _bent(one, other, middle)
        lines.append(
            Line(
                edge=edge,
                path=path,
                width=round(THINNEST + (THICKEST - THINNEST) * sqrt(edge.messages / most), 1),
                number_x=round(x, 1),
                number_y=round(y + 4, 1),
                numbered=few or spoke,
                spoke=edge.one.start or edge.other.start,
            )
        )
    return lines


Point = tuple[float, float]
OUTWARDS = 0.64
"""Where the number stands on a line from the middle: the lines are further apart there."""
ASIDE = 0.36
"""Where it stands on a line across, since lines across meet half way."""
CLEAR = 60
"""Between a line across and the person in the middle, whose name it must not hide."""


def _straight(one: Mark, other: Mark) -> tuple[str, Point]:
    path = f"M{one.x} {one.y}L{other.x} {other.y}"
    return path, _between(one, other, ((one.x + other.x) / 2, (one.y + other.y) / 2), OUTWARDS)


def _bent(one: Mark, other: Mark, middle: float | None) -> tuple[str, Point]:
    """Beside those who stand between, and the person in the middle, whose height is given."""
    x, y = (one.x + other.x) / 2, (one.y + other.y) / 2
    along = 0.5
    if one.side == other.side:
        x += (WIDTH / 2 - x) * 0.5
    elif middle is None:
        along = ASIDE
    elif abs(y - middle) < CLEAR:
        left, right = sorted((one, other), key=lambda mark: mark.side)
        below = left.y < right.y or (left.y == right.y and y >= middle)
        y = 2 * (middle + (CLEAR if below else -CLEAR)) - y
        along = 0.5 if left.y == right.y else ASIDE
    path = f"M{one.x} {one.y}Q{round(x, 1)} {round(y, 1)} {other.x} {other.y}"
    return path, _between(one, other, (x, y), along)


def _between(one: Mark, other: Mark, bend: Point, along: float) -> Point:
    """On the curve: 0 is where it begins, 1 where it ends."""
    begins, middle, ends = (1 - along) ** 2, 2 * along * (1 - along), along**2
    return (
        begins * one.x + middle * bend[0] + ends * other.x,
        begins * one.y + middle * bend[1] + ends * other.y,
    )
