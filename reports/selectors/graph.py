"""The communication graph: one hop from a person, a party or a room (product.md, section 6)."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from orgs.models import Membership, MembershipKind
from reports.questions import Question
from reports.selectors.traffic import Tie, exchanged_among, received_by, sent_by, written_in
from semafore.kernel.names import called

MOST_PEOPLE = 50
"""That are shown beside the person from whom a graph starts: those with the most messages."""


@dataclass(frozen=True, slots=True)
class Node:
    """A person in the graph."""

    person: Membership
    start: bool
    """The graph starts from this person, or from this person's party."""
    messages: int
    """Of all edges that are shown."""

    @property
    def name(self) -> str:
        """As the console calls them."""
        return called(self.person)

    @property
    def guest(self) -> bool:
        """Of an external party."""
        return self.person.kind == MembershipKind.GUEST

    @property
    def party(self) -> str:
        """The company, of a guest."""
        return self.person.party.name if self.person.party else ""


@dataclass(frozen=True, slots=True)
class Edge:
    """Two people who exchanged messages, and how many each way."""

    one: Node
    other: Node
    there: Tie | None
    """From one to the other."""
    back: Tie | None

    @property
    def messages(self) -> int:
        """Both ways."""
        return sum(tie.messages for tie in self.ties)

    @property
    def ties(self) -> list[Tie]:
        """One or two."""
        return [tie for tie in (self.there, self.back) if tie]

    @property
    def first_at(self) -> datetime:
        """Of the first message, whichever way."""
        return min(tie.first_at for tie in self.ties)

    @property
    def last_at(self) -> datetime:
        """Of the last message, whichever way."""
        return max(tie.last_at for tie in self.ties)


@dataclass(frozen=True, slots=True)
class Graph:
    """The people, most messages first, and the edges between any of them, heaviest first."""

    nodes: Sequence[Node]
    edges: Sequence[Edge]
    left_out: int
    """People of the same hop with fewer messages."""


def communication_graph(question: Question, *, most: int = MOST_PEOPLE) -> Graph:
    """Who exchanged messages with whom within the period; so many beside whom it starts from."""
    if question.room:
        ties = written_in(question.room, question)
        shown, left_out = _busiest(ties, (), most)
        return _graph([tie for tie in ties if _ends(tie) <= shown], shown, (), left_out)
    start = _start(question)
    # What they wrote among themselves is in both.
    hop = {_pair(tie): tie for tie in (*sent_by(start, question), *received_by(start, question))}
    shown, left_out = _busiest(hop.values(), [question.person] if question.person else [], most)
    if not shown:
        return Graph((), (), 0)
    return _graph(exchanged_among(shown, question), shown, start, left_out)


def _start(question: Question) -> list[UUID]:
    if question.person:
        return [question.person]
    guests = Membership.objects.filter(party_id=question.party, kind=MembershipKind.GUEST)
    return list(guests.values_list("id", flat=True))


def _pair(tie: Tie) -> tuple[UUID, UUID]:
    return tie.sender_id, tie.recipient_id


def _ends(tie: Tie) -> set[UUID]:
    return {tie.sender_id, tie.recipient_id}


def _busiest(ties: Iterable[Tie], always: Iterable[UUID], most: int) -> tuple[set[UUID], int]:
    """Who is shown, and how many are not."""
    weights: Counter[UUID] = Counter()
    for tie in ties:
        for one in _ends(tie):
            weights[one] += tie.messages
    certain = set(always)
    others = sorted(weights.keys() - certain, key=lambda one: (-weights[one], one))
    return certain | set(others[:most]), max(0, len(others) - most)


def _graph(ties: Sequence[Tie], shown: set[UUID], start: Iterable[UUID], left_out: int) -> Graph:
    weights: Counter[UUID] = Counter()
    for tie in ties:
        for one in _ends(tie):
            weights[one] += tie.messages
    starting = set(start)
    people = Membership.objects.select_related("party").filter(id__in=shown)
    nodes = sorted(
        (Node(person, person.id in starting, weights[person.id]) for person in people),
        key=lambda node: (-node.messages, node.name, node.person.id),
    )
    return Graph(nodes, _edges(nodes, ties), left_out)


def _edges(nodes: Sequence[Node], ties: Iterable[Tie]) -> list[Edge]:
    """The busier, or the one from whom it starts, stands first."""
    by_pair = {_pair(tie): tie for tie in ties}
    ordered = sorted(nodes, key=lambda node: not node.start)
    place = {node.person.id: number for number, node in enumerate(ordered)}
    pairs = {tuple(sorted(pair, key=place.__getitem__)) for pair in by_pair}
    edges = [
        Edge(
            ordered[place[one]],
            ordered[place[other]],
            by_pair.get((one, other)),
            by_pair.get((other, one)),
        )
        for one, other in pairs
    ]
    return sorted(
        edges,
        key=lambda edge: (-edge.messages, place[edge.one.person.id], place[edge.other.person.id]),
    )
