"""The drawing of a graph: what stands where."""

from itertools import combinations
from uuid import UUID

import pytest

from orgs.models import Membership, MembershipKind
from reports.drawing.graph import Drawing, draw
from reports.selectors.graph import Edge, Graph, Node
from reports.selectors.traffic import Tie
from tests.messaging.pages import affairs


def everybody_with_everybody(people: int, *, hub: bool) -> Drawing:
    """A drawing; with a hub the first is where the graph starts."""
    nodes = [
        Node(
            Membership(id=UUID(int=n), name=f"Person {n}", kind=MembershipKind.MEMBER),
            start=hub and n == 0,
            messages=9,
        )
        for n in range(people)
    ]
    at = affairs.ago(days=1)
    edges = [
        Edge(one, other, Tie(one.person.id, other.person.id, 9, at, at), None)
        for one, other in combinations(nodes, 2)
    ]
    return draw(Graph(nodes, edges, 0))


@pytest.mark.parametrize("hub", [False, True])
@pytest.mark.parametrize("people", range(2, 6))
def test_of_a_few_people_every_number_can_be_read(people: int, hub: bool) -> None:
    drawing = everybody_with_everybody(people, hub=hub)
    numbers = [(line.number_x, line.number_y) for line in drawing.lines]

    for (x, y), (other_x, other_y) in combinations(numbers, 2):
        assert abs(x - other_x) > 18 or abs(y - other_y) > 11, (numbers,)
    for middle in (mark for mark in drawing.marks if not mark.side):
        for x, y in numbers:
            assert abs(x - middle.x) > 50 or abs(y - middle.label_y) > 13, numbers


def test_a_line_across_passes_the_person_in_the_middle() -> None:
    drawing = everybody_with_everybody(3, hub=True)
    (middle,) = (mark for mark in drawing.marks if not mark.side)
    (across,) = (line for line in drawing.lines if not line.spoke)

    assert middle.label_y + 13 < across.number_y < drawing.height
