"""Joins what a language model found in the pieces of a text into one graph, and links names to whom they mean."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from nodes.thinker.construction.extraction import passages_of
from nodes.thinker.construction.manuscript import Chapter
from nodes.thinker.construction.reading import (
    FoundCondition,
    FoundEvent,
    FoundThing,
    KnownThing,
    Piece,
    Reading,
)
from nodes.thinker.construction.sentences import sentences_of
from nodes.thinker.memory.graph import Edge, Node, Passage, Source, StoryGraph

_NAME_CHARS = 60


class Place(NamedTuple):
    """Where in the story something is told: the time at the end of a sentence, its words, and where they stand."""

    time: float
    text: str
    source: Source


class Assembly:
    """A graph that grows piece by piece, in the order of the text.

    A thing's text is the sentence that mentions it first. What the model says of it is a fact from the end of the
    piece on, and so is an alias that comes later, so that nothing is told too early.

    Attributes:
        unknown: Names that the model used and that mean nothing that it has introduced.
    """

    def __init__(self) -> None:
        self.unknown: list[str] = []
        self._nodes: dict[str, Node] = {}
        self._edges: list[Edge] = []
        self._meant: dict[str, str] = {}
        self._called: defaultdict[str, set[str]] = defaultdict(set)

    def known_things(self) -> list[KnownThing]:
        """What the model has to call by the same ids again."""
        return [KnownThing(n.id, n.name) for n in self._nodes.values() if n.type in ("character", "place", "object")]

    def known_conditions(self) -> list[KnownThing]:
        """What may cease to be so."""
        conditions = (n for n in self._nodes.values() if n.type in ("fact", "trait", "relation_state"))
        return [KnownThing(node.id, node.text) for node in conditions if node.t_end is None]

    def add(self, piece: Piece, reading: Reading) -> None:
        """Take in what was found in the next piece."""
        for thing in reading.things:
            self._add_thing(piece, thing)
        count = len(reading.events)
        at = 0.0
        for number, event in enumerate(reading.events):
            place = _find(piece, event.quote, number / max(1, count))
            place = place._replace(time=max(at, place.time))
            at = place.time
            self._add_event(self._free_id(f"c{piece.chapter}_{piece.number}_{number + 1}"), event, place)
        for number, condition in enumerate(reading.conditions):
            fallback = f"c{piece.chapter}_{piece.number}_s{number + 1}"
            self._add_condition(fallback, condition, _find(piece, condition.quote, 1.0))

    def graph(self, chapters: Sequence[Chapter]) -> StoryGraph:
        """What has been found so far, with the words of the chapters."""
        nodes = list(self._nodes.values())
        passages = [_with_nodes(passage, nodes) for passage in passages_of(chapters)]
        return StoryGraph(tuple(nodes), tuple(self._edges), tuple(passages))

    def _add_thing(self, piece: Piece, thing: FoundThing) -> None:
        known = self._meaning(thing.id) or self._meaning(thing.name)
        if known is not None and self._nodes[known].type == thing.type:
            self._add_aliases(known, [thing.name, *thing.aliases], piece)
            return
        first = _find(piece, _without_article(thing.name), 0.0)
        name = self._free_id(thing.id or thing.name)
        self._nodes[name] = Node(name, thing.type, thing.name or name, first.text, first.time, source=first.source)
        self._called[name].add(_plain(thing.name))
        for word in (thing.id, thing.name):
            self._meant.setdefault(_plain(word), name)
        if thing.text:
            self._add_fact(f"{name}_is", name, thing.name, thing.text, _find(piece, "", 1.0))
        self._add_aliases(name, thing.aliases, piece)

    def _add_aliases(self, known: str, names: Iterable[str], piece: Piece) -> None:
        """Names of something that the piece gives it, each from its own mention on."""
        node = self._nodes[known]
        for alias in names:
            new = self._meant.get(_plain(alias), known) == known and _plain(alias) not in self._called[known]
            if alias and new and alias.casefold() in piece.text.casefold():
                self._meant[_plain(alias)] = known
                self._called[known].add(_plain(alias))
                place = _find(piece, alias, 1.0)
                text = f"{node.name} is also called {alias}."
                self._add_fact(f"{known}_called_{alias}", known, alias, text, place)

    def _add_fact(self, wish: str, about: str, name: str, text: str, place: Place) -> None:
        fact = self._free_id(wish)
        time = max(place.time, self._nodes[about].t_start)
        self._nodes[fact] = Node(fact, "fact", name, text, time, source=place.source)
        self._link(about, fact, "about", place)

    def _add_event(self, name: str, event: FoundEvent, place: Place) -> None:
        known_by = self._ids(event.known_by, "character")
        self._nodes[name] = Node(
            name,
            "event",
            event.name or event.text[:_NAME_CHARS],
            event.text,
            place.time,
            known_by=tuple(known_by),
            source=place.source,
            salience=event.salience,
        )
        for person in self._ids(event.who):
            self._bring_forward(person, place)
            self._link(person, name, "takes_part", place)
        for where in self._ids([event.where] if event.where else [], "place"):
            self._link(name, where, "at", place)

    def _bring_forward(self, name: str, place: Place) -> None:
        """Who takes part is there, even if the words for it come later."""
        node = self._nodes[name]
        if node.t_start > place.time:
            self._nodes[name] = msgspec.structs.replace(node, t_start=place.time, text=place.text, source=place.source)

    def _add_condition(self, fallback: str, condition: FoundCondition, place: Place) -> None:
        for ended in (self._meaning(name) for name in condition.ends):
            if ended is not None and self._nodes[ended].t_end is None and self._nodes[ended].t_start <= place.time:
                self._nodes[ended] = msgspec.structs.replace(self._nodes[ended], t_end=place.time)
        name = self._free_id(condition.id or fallback)
        known_by = tuple(self._ids(condition.known_by, "character"))
        self._nodes[name] = Node(
            name,
            condition.type,
            condition.text[:60],
            condition.text,
            place.time,
            known_by=known_by,
            source=place.source,
        )
        self._meant.setdefault(_plain(name), name)
        for thing in self._ids(condition.about):
            self._link(thing, name, "about", place)

    def _link(self, src: str, dst: str, rel: str, place: Place) -> None:
        ends = self._nodes[src], self._nodes[dst]
        knowers = [set(end.known_by) for end in ends if end.known_by]
        known_by = tuple(sorted(set.intersection(*knowers))) if knowers else ()
        if known_by or not knowers:
            time = max(end.t_start for end in ends)
            self._edges.append(Edge(src, dst, rel, time, known_by=known_by, source=place.source))

    def _ids(self, names: Iterable[str], type_: str = "") -> list[str]:
        """Ids of what is meant, each once; what means nothing is noted and left out."""
        found: dict[str, None] = {}
        for name in names:
            meant = self._meaning(name)
            if meant is None or (type_ and self._nodes[meant].type != type_):
                self.unknown.append(name)
            else:
                found[meant] = None
        return list(found)

    def _meaning(self, name: str) -> str | None:
        return name if name in self._nodes else self._meant.get(_plain(name))

    def _free_id(self, wish: str) -> str:
        name = base = re.sub(r"\W+", "_", wish.lower()).strip("_") or "thing"
        number = 2
        while name in self._nodes:
            name, number = f"{base}_{number}", number + 1
        return name


def _plain(name: str) -> str:
    """A name as it is compared: without case, article and marks."""
    return re.sub(r"^(?:the|a|an) ", "", re.sub(r"[\W_]+", " ", name.casefold()).strip())


def _without_article(name: str) -> str:
    return re.sub(r"^(?:the|a|an)\s+", "", name, flags=re.IGNORECASE)


def _find(piece: Piece, quote: str, otherwise: float) -> Place:
    """The sentence in which some words stand; if they do not, the one at a share of the piece."""
    words = [re.escape(word) for word in quote.split()]
    found = re.search(r"\s+".join(words), piece.text, re.IGNORECASE) if words else None
    at = found.end() - 1 if found else int(otherwise * (len(piece.text) - 1))
    sentences = sentences_of(piece.text)
    sentence = next((one for one in sentences if at < one.end), sentences[-1])
    begin, end = piece.begin + sentence.begin, piece.begin + sentence.end
    time = piece.chapter - 1 + end / piece.chapter_chars
    return Place(time, sentence.text, Source(piece.chapter, begin, end))


def _with_nodes(passage: Passage, nodes: Iterable[Node]) -> Passage:
    """A passage with what was taken from it."""
    where = passage.source
    inside = (
        node.id
        for node in nodes
        if node.source.chapter == where.chapter
        and where.begin <= node.source.begin < max(where.end, where.begin + 1)
        and node.t_start <= passage.t_start
    )
    return msgspec.structs.replace(passage, nodes=tuple(inside))
