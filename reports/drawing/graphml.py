"""The graph as GraphML, for other programs: people as nodes, messages one way as an edge."""

import networkx as nx

from reports.selectors.graph import Graph
from semafore.kernel.clock import rfc3339


def graphml(graph: Graph) -> str:
    """The document; nodes are memberships by their ids."""
    talk: nx.DiGraph[str] = nx.DiGraph()
    for node in graph.nodes:
        talk.add_node(
            str(node.person.id),
            label=_text(node.name),
            kind=node.person.kind,
            party=_text(node.party),
            status=node.person.status,
            start=node.start,
            messages=node.messages,
        )
    for edge in graph.edges:
        for tie in edge.ties:
            talk.add_edge(
                str(tie.sender_id),
                str(tie.recipient_id),
                messages=tie.messages,
                first_at=rfc3339(tie.first_at),
                last_at=rfc3339(tie.last_at),
            )
    lines = nx.generate_graphml(talk, named_key_ids=True)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + "\n".join(lines) + "\n"


def _text(value: str) -> str:
    """Without the characters that XML can't hold."""
    return "".join(letter for letter in value if letter.isprintable())
