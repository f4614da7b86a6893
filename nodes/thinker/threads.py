"""How a story hangs together: from something that was told to why it came so, and to what came of it.

Follows the edges of the diegetic knowledge graph. Only what the narrative present permits is in it. Knows no dialogue.
"""

import networkx as nx

from nodes.thinker.memory.gate import assert_permitted
from nodes.thinker.memory.graph import Node, Passage, Present, StoryGraph
from nodes.thinker.reading.windows import sentences
from nodes.thinker.words import bare

_CAUSES = "causes"


class Threads:
    """The part of a story that may be told, as a graph."""

    def __init__(self, graph: StoryGraph, present: Present) -> None:
        self._present = present
        self._nodes = {node.id: node for node in graph.nodes if present.permits(node)}
        self._names = {
            bare(node.name): node for node in self._nodes.values() if node.type in ("character", "place", "object")
        }
        self._graph: nx.MultiDiGraph[str] = nx.MultiDiGraph()
        self._graph.add_nodes_from(self._nodes)
        for edge in graph.edges:
            if present.permits(edge) and {edge.src, edge.dst} <= self._nodes.keys():
                self._graph.add_edge(edge.src, edge.dst, key=edge.rel)

    def node_of(self, item: Node | Passage, sentence: str) -> str:
        """Id of the node that was told: the item itself, or what a passage tells in a sentence; empty if none."""
        if isinstance(item, Node):
            return item.id
        said = (node for name in item.nodes if (node := self._nodes.get(name)) and node.type in ("event", "fact"))
        return next((node.id for node in said if sentence in node.text or node.text in sentence), "")

    def named(self, name: str) -> Node | None:
        """Somebody, a place or a thing that the story has told of by now; None if it has not, or says nothing of it."""
        node = self._names.get(bare(name))
        return node if node and self._told([node]) else None

    def causes(self, node_id: str) -> list[Node]:
        """What brought something about, the latest first."""
        found = [self._nodes[src] for src in self._led_by(node_id)]
        return self._told(sorted(found, key=lambda node: -node.t_start))

    def onward(self, node_id: str) -> list[Node]:
        """Where the story goes on from something: what it brought about, then what else befell the same people.

        That is what happened to most of them, the teller not counted, and of that the next in time first.
        """
        if node_id not in self._nodes:
            return []
        effects = sorted((self._nodes[dst] for dst in self._led_to(node_id)), key=lambda node: node.t_start)
        company = self._company(node_id)
        since = self._nodes[node_id].t_start
        shared = {
            node: len(company & self._company(node.id))
            for node in self._nodes.values()
            if node.type == "event" and node.id != node_id and node.t_start >= since and node not in effects
        }
        others = [node for node, count in shared.items() if count]
        return self._told([*effects, *sorted(others, key=lambda node: (-shared[node], node.t_start))])

    def _led_by(self, node_id: str) -> list[str]:
        known = node_id in self._nodes
        return [src for src, _, rel in self._graph.in_edges(node_id, keys=True) if rel == _CAUSES] if known else []

    def _led_to(self, node_id: str) -> list[str]:
        return [dst for _, dst, rel in self._graph.out_edges(node_id, keys=True) if rel == _CAUSES]

    def _company(self, node_id: str) -> set[str]:
        """Who and what has to do with something; of somebody, it is themselves."""
        near = {node_id, *self._graph.predecessors(node_id), *self._graph.successors(node_id)}
        return {name for name in near if self._nodes[name].type in ("character", "object")} - {self._present.knower}

    def _told(self, nodes: list[Node]) -> list[Node]:
        """Those that say something, looked at once more."""
        found = [node for node in nodes if sentences(node.text)]
        assert_permitted(found, self._present)
        return found
