"""The communication graph, compared with what was really said."""

from datetime import timedelta
from typing import Any

import pytest

from messaging.services.expiry import expire_envelopes
from orgs.models import Membership, Organisation
from reports.questions import Kind, Question
from reports.selectors.graph import Graph, communication_graph
from semafore.kernel import clock
from tests import cast
from tests.cast import inside
from tests.messaging.pages import affairs
from tests.reports.said import Pair, Said, acme_talks


@pytest.fixture
def said(acme: Organisation, alice: Membership, bob: Membership) -> Said:
    return acme_talks(acme, alice, bob)


def graph_of(of: Organisation, most: int = 50, **about: Any) -> Graph:
    period = {"from_at": affairs.ago(days=1), "to_at": clock.now() + timedelta(days=1)}
    with inside(of):
        return communication_graph(Question(kind=Kind.GRAPH, **{**period, **about}), most=most)


def counts(graph: Graph) -> dict[Pair, int]:
    names = {node.person.id: node.person.name for node in graph.nodes}
    return {
        (names[tie.sender_id], names[tie.recipient_id]): tie.messages
        for edge in graph.edges
        for tie in edge.ties
    }


def names(graph: Graph) -> set[str]:
    return {node.name for node in graph.nodes}


def test_the_cast_said_something_of_every_kind(said: Said) -> None:
    """Else the comparisons below compare little."""
    every = said.counted()
    assert every["Alice", "Erin"] == 1
    assert every["Bob", "Dana"] == 2
    assert every["Alice", "Bob"] == 5
    assert ("Dana", "Alice") not in every


def test_from_a_person_it_counts_what_was_said(said: Said) -> None:
    every = said.counted()
    for name, person in said.people.items():
        graph = graph_of(said.acme, person=person.id)
        near = {one for pair in every if name in pair for one in pair} | {name}
        expected = {pair: number for pair, number in every.items() if set(pair) <= near}
        assert counts(graph) == expected, name
        assert names(graph) == near, name
        assert [node.name for node in graph.nodes if node.start] == [name]


def test_from_a_room_it_counts_that_room_alone(said: Said) -> None:
    for room in said.rooms:
        graph = graph_of(said.acme, room=said.rooms[room].id)
        assert counts(graph) == said.counted(room=room), room
        assert not any(node.start for node in graph.nodes)


def test_from_a_party_it_starts_at_its_guests(said: Said) -> None:
    graph = graph_of(said.acme, party=said.people["Gus"].party_id)
    every = said.counted()
    assert names(graph) == {"Gus", "Bob", "Alice"}
    expected = {pair: number for pair, number in every.items() if set(pair) <= names(graph)}
    assert counts(graph) == expected
    assert [node.name for node in graph.nodes if node.start] == ["Gus"]
    assert next(node.party for node in graph.nodes if node.guest) == "Initech"


def test_broadcasts_can_be_left_out(said: Said) -> None:
    graph = graph_of(said.acme, person=said.people["Alice"].id, broadcasts=False)
    assert "Erin" not in names(graph)
    assert counts(graph)["Alice", "Bob"] == said.counted(broadcasts=False)["Alice", "Bob"] == 4


def test_an_envelope_that_expired_reached_nobody(said: Said) -> None:
    before = counts(graph_of(said.acme, person=said.people["Gus"].id))
    assert before["Bob", "Gus"] == 1
    with clock.moved_by(timedelta(days=400)), inside(said.acme):
        assert expire_envelopes() > 0
    graph = graph_of(said.acme, person=said.people["Gus"].id)
    # Gus never took what Bob wrote; Bob had taken what Gus wrote.
    assert counts(graph)["Gus", "Bob"] == 1
    assert ("Bob", "Gus") not in counts(graph)


def test_an_edge_knows_both_ways_and_when(said: Said) -> None:
    graph = graph_of(said.acme, person=said.people["Bob"].id)
    edge = next(one for one in graph.edges if {one.one.name, one.other.name} == {"Bob", "Dana"})
    assert edge.there is not None
    assert edge.back is not None
    assert (edge.one.name, edge.there.messages, edge.back.messages) == ("Bob", 2, 1)
    assert edge.first_at < edge.last_at <= clock.now()
    assert edge.messages == 3


def test_a_period_begins_with_its_first_moment_and_ends_before_its_last(
    acme: Organisation, alice: Membership, bob: Membership
) -> None:
    alices, bobs = cast.phone(alice), cast.phone(bob)
    room = affairs.direct(acme, alice, bob)
    start, end = affairs.ago(days=20), affairs.ago(days=10)
    for at in (start - timedelta(seconds=1), start, end - timedelta(seconds=1), end):
        affairs.message(acme, alices.device, room=room, to=(bobs.device,), at=at)

    graph = graph_of(acme, person=alice.id, from_at=start, to_at=end)

    assert counts(graph) == {("Alice", "Bob"): 2}


def test_of_many_the_busiest_are_shown_and_the_rest_is_counted(
    acme: Organisation, alice: Membership
) -> None:
    alices = cast.phone(alice, one_time_pre_keys=0)
    others = [cast.member(acme, f"Person {count}") for count in range(5)]
    phones = [cast.phone(one, one_time_pre_keys=0).device for one in others]
    room = affairs.external(acme, alice, *others, company=affairs.party(acme))
    for count in range(5):
        affairs.message(acme, alices.device, room=room, to=tuple(phones[count:]))

    every: tuple[dict[str, Any], ...] = ({"person": alice.id}, {"room": room.id})
    for about in every:
        graph = graph_of(acme, most=3, **about)
        assert "Person 4" in names(graph)
        assert "Person 0" not in names(graph)
        assert len(graph.nodes) + graph.left_out == 6


def test_a_name_that_was_forgotten_stays_forgotten(said: Said) -> None:
    with inside(said.acme):
        Membership.objects.filter(id=said.people["Dana"].id).update(name="", status="ended")
    graph = graph_of(said.acme, person=said.people["Bob"].id)
    assert "Name forgotten" in names(graph)


def test_who_said_nothing_stands_alone(acme: Organisation, alice: Membership) -> None:
    graph = graph_of(acme, person=alice.id)
    assert (names(graph), list(graph.edges)) == ({"Alice"}, [])
    assert graph_of(acme, party=affairs.party(acme).id).nodes == ()
