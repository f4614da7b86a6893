"""What the diegetic knowledge graph is made of: nodes, edges and passages, each with its story time.

Story time is a real number that grows along the story: chapters and events in them for a text, days for a life. What
changes is never overwritten: the old state's interval is closed (``t_end``) and a new state opens.

Source: "Towards Interactive Intelligence for Digital Humans" (arXiv 2512.13674), the Thinker's hierarchical memory.
"""

from typing import Annotated, Literal, NamedTuple

import msgspec

NodeType = Literal["character", "place", "object", "event", "fact", "trait", "relation_state"]
Salience = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]


class Source(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where something was taken from.

    Attributes:
        chapter: Number of the chapter or section, from 1 on; 0 if it was not read anywhere.
        begin: First character of it in the chapter's text.
        end: One behind the last character.
    """

    chapter: int = 0
    begin: int = 0
    end: int = 0


class Node(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Something or somebody in the story, or something that is so for a time.

    Attributes:
        id: Unique name.
        type: What it is.
        name: What it is called.
        text: What there is to know of it, in sentences.
        t_start: Story time from which on it is so, or is known.
        t_end: Story time at which it ceases to be so; None if it goes on. What has ended may still be told.
        known_by: Ids of the characters who know of it; empty if everybody does.
        aliases: What else it is called.
        t_fabula: Story time at which it happened, where it is told later than that; None if that is ``t_start``.
        source: Where it was taken from.
        salience: How much it matters.
    """

    id: str
    type: NodeType
    name: str
    text: str
    t_start: float
    t_end: float | None = None
    known_by: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    t_fabula: float | None = None
    source: Source = Source()
    salience: Salience = 0.5


class Edge(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How one node is related to another, for a time.

    Attributes:
        src: Id of the node that it goes out from.
        dst: Id of the node that it leads to.
        rel: The relation, such as ``knows``, ``owns``, ``at``, ``causes``, ``takes_part``, ``feels_about``.
        t_start: As of a node.
        text: As of a node.
        t_end: As of a node.
        known_by: As of a node.
        source: As of a node.
        salience: As of a node.
    """

    src: str
    dst: str
    rel: str
    t_start: float
    text: str = ""
    t_end: float | None = None
    known_by: tuple[str, ...] = ()
    source: Source = Source()
    salience: Salience = 0.5


class Passage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A stretch of the source's own words.

    Attributes:
        id: Unique name.
        text: Its words.
        t_start: Story time at which it has been told to its end.
        known_by: As of a node.
        source: Where it stands.
        nodes: Ids of the nodes that were taken from it.
    """

    id: str
    text: str
    t_start: float
    known_by: tuple[str, ...] = ()
    source: Source = Source()
    nodes: tuple[str, ...] = ()


class StoryGraph(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A whole graph, as a builder makes it and a character pack carries it.

    Attributes:
        nodes: All nodes.
        edges: All edges, between those nodes.
        passages: The words that they were taken from.
    """

    nodes: tuple[Node, ...] = ()
    edges: tuple[Edge, ...] = ()
    passages: tuple[Passage, ...] = ()


class Present(NamedTuple):
    """The narrative present: what lies behind it, and what its character can know, may be told; nothing else.

    Attributes:
        t_now: Story time.
        knower: Id of the character who speaks; empty for a narrator, who knows all that has happened.
    """

    t_now: float
    knower: str = ""

    def permits(self, item: Node | Edge | Passage) -> bool:
        """Whether something may reach a prompt or an answer."""
        known = not self.knower or not item.known_by or self.knower in item.known_by
        return item.t_start <= self.t_now and known
