"""Reads the story of a character pack into a graph, and names every fault with its file and line."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

import msgspec

from mio.character import read_pack_file
from mio.errors import ConfigError, did_you_mean
from mio.yaml_source import read_yaml
from nodes.thinker.construction.story_file import Condition, Event, Relation, StoryFile, Thing, Words
from nodes.thinker.construction.story_time import ALWAYS, Calendar, When
from nodes.thinker.memory.graph import Edge, Node, NodeType, Passage, Present, StoryGraph
from nodes.thinker.problem import Problem, problem_at

Item = TypeVar("Item", Node, Edge)

_THINGS: tuple[tuple[str, NodeType], ...] = (("characters", "character"), ("places", "place"), ("objects", "object"))
_CONDITIONS: tuple[tuple[str, NodeType], ...] = (("facts", "fact"), ("traits", "trait"), ("states", "relation_state"))


class Story(NamedTuple):
    """The story of a character pack.

    Attributes:
        graph: All of it, with what lies ahead.
        present: Where its teller stands.
        calendar: What its times are.
    """

    graph: StoryGraph
    present: Present
    calendar: Calendar


class Fault(NamedTuple):
    """Something wrong in a story file: a dotted key, what is wrong, and the remedy."""

    path: Path
    key: str
    text: str
    remedy: str


def story_paths(folder: Path) -> list[Path]:
    """The story files of a pack: ``story.yml``, and those of ``story/`` in the order of their names."""
    return [folder / "story.yml", *sorted((folder / "story").glob("*.yml"))]


def read_story(folder: Path) -> Story | None:
    """Read the story of a pack; None if it has none.

    Args:
        folder: The pack.

    Raises:
        ConfigError: With file, line and remedy of the first fault.
    """
    if not (folder / "story.yml").is_file():
        return None
    story, problems = examine_story(folder)
    if problems:
        first = problems[0]
        more = f" (and {len(problems) - 1} more: mio story check {folder})" if len(problems) > 1 else ""
        raise ConfigError(f"{first.path}:{first.line}: {first.text}{more}", first.remedy)
    return story


def examine_story(folder: Path) -> tuple[Story, list[Problem]]:
    """Read the story of a pack as far as it can be, with everything that is wrong with it.

    Raises:
        ConfigError: If a file cannot be read, or does not have the form of a story file.
    """
    reader = _StoryReader([(path, read_pack_file(path, StoryFile)) for path in story_paths(folder)])
    story = reader.read()
    sources = {path: read_yaml(path) for path in dict.fromkeys(fault.path for fault in reader.faults)}
    problems = [problem_at(sources[fault.path], *fault[1:]) for fault in reader.faults]
    return story, sorted(problems, key=lambda problem: (problem.path != folder / "story.yml", problem[:2]))


class _StoryReader:
    """Joins the files of one story."""

    def __init__(self, files: Sequence[tuple[Path, StoryFile]]) -> None:
        self.faults: list[Fault] = []
        self._files = files
        self._nodes: dict[str, Node] = {}
        self._edges: list[Edge] = []
        self._passages: dict[str, Passage] = {}
        self._calendar = Calendar(files[0][1].time or "dates")

    def read(self) -> Story:
        for path, file in self._files:
            self._read_nodes(path, file)
        for path, file in self._files:
            self._check_head(path, file)
            self._read_links(path, file)
        self._check_known_by()
        graph = StoryGraph(tuple(self._nodes.values()), tuple(self._edges), tuple(self._passages.values()))
        return Story(graph, self._present(), self._calendar)

    def _fault(self, path: Path, key: str, text: str, remedy: str) -> None:
        self.faults.append(Fault(path, key, text, remedy))

    def _check_head(self, path: Path, file: StoryFile) -> None:
        if file.time is not None and file.time != self._calendar.value:
            remedy = f"write all times as {self._calendar.value}, or change 'time:' in story.yml"
            self._fault(path, "time", f"the story's times are {self._calendar.value}", remedy)
        if path != self._files[0][0]:
            for key in ("present", "teller"):
                if getattr(file, key):
                    self._fault(path, key, f"'{key}' stands in story.yml only", "move it there")

    def _present(self) -> Present:
        path, head = self._files[0]
        if head.present is None:
            self._fault(path, "", "the story has no present", f"add 'present:' with {self._calendar.expected}")
        if head.teller and self._is_no_character(head.teller):
            self._fault(path, "teller", f"unknown character '{head.teller}'", self._known("character", head.teller))
        return Present(self._time(path, "present", head.present), head.teller)

    def _time(self, path: Path, key: str, when: When, otherwise: float | None = ALWAYS) -> float:
        """What is written there, or ``otherwise`` if nothing is; if that is None, something must be."""
        if when is None and otherwise is not None:
            return otherwise
        try:
            return self._calendar.story_time(when)
        except ValueError as error:
            problem, _, remedy = str(error).partition("; ")
            self._fault(path, key, problem, remedy)
            return ALWAYS if otherwise is None else otherwise

    def _read_nodes(self, path: Path, file: StoryFile) -> None:
        for section, type_ in _THINGS:
            for number, thing in enumerate(getattr(file, section)):
                self._add_lasting(path, f"{section}.{number}", thing, type_)
        for section, type_ in _CONDITIONS:
            for number, condition in enumerate(getattr(file, section)):
                self._add_lasting(path, f"{section}.{number}", condition, type_)
        for number, event in enumerate(file.events):
            self._add_event(path, f"events.{number}", event)

    def _add_lasting(self, path: Path, key: str, item: Thing | Condition, type_: NodeType) -> None:
        t_start = self._time(path, f"{key}.since", item.since)
        node = Node(
            id=item.id,
            type=type_,
            name=item.name or item.id.replace("_", " "),
            text=item.text,
            t_start=t_start,
            t_end=self._end(path, key, item.until, t_start),
            known_by=tuple(item.known_by),
            aliases=tuple(item.aliases) if isinstance(item, Thing) else (),
            source=item.source,
            salience=item.salience,
        )
        self._add(path, key, node)

    def _add_event(self, path: Path, key: str, event: Event) -> None:
        at = self._time(path, f"{key}.at", event.at, None)
        t_start = self._time(path, f"{key}.told", event.told, at)
        if t_start < at:
            self._fault(path, f"{key}.told", f"'{event.id}' is told before it happens", "give a later 'told:'")
        node = Node(
            id=event.id,
            type="event",
            name=event.name or event.id.replace("_", " "),
            text=event.text,
            t_start=t_start,
            t_end=self._end(path, key, event.until, at),
            known_by=tuple(event.known_by),
            t_fabula=None if t_start == at else at,
            source=event.source,
            salience=event.salience,
        )
        self._add(path, key, node)

    def _end(self, path: Path, key: str, until: When, begin: float) -> float | None:
        if until is None:
            return None
        end = self._time(path, f"{key}.until", until, begin)
        if end < begin:
            self._fault(path, f"{key}.until", "it ends before it begins", "swap the two times, or mend one")
        return end

    def _add(self, path: Path, key: str, node: Node) -> None:
        if node.id in self._nodes:
            self._fault(path, f"{key}.id", f"'{node.id}' is there twice", "give one of them another id")
        elif not node.id:
            self._fault(path, f"{key}.id", "the id is empty", "give it a name of its own")
        if not node.text and not node.name:
            self._fault(path, key, f"'{node.id}' says nothing", "write a text")
        self._nodes.setdefault(node.id, node)

    def _read_links(self, path: Path, file: StoryFile) -> None:
        for section, _ in _CONDITIONS:
            for number, condition in enumerate(getattr(file, section)):
                self._link_condition(path, f"{section}.{number}", condition)
        for number, event in enumerate(file.events):
            self._link_event(path, f"events.{number}", event)
        for number, relation in enumerate(file.relations):
            self._link_relation(path, f"relations.{number}", relation)
        for number, words in enumerate(file.passages):
            self._add_passage(path, f"passages.{number}", words)

    def _link_condition(self, path: Path, key: str, condition: Condition) -> None:
        for number, other in enumerate(condition.about):
            if self._refers(path, f"{key}.about.{number}", other):
                self._link(other, condition.id, "about")

    def _link_event(self, path: Path, key: str, event: Event) -> None:
        for number, other in enumerate(event.who):
            if self._refers(path, f"{key}.with.{number}", other):
                self._link(other, event.id, "takes_part")
        if event.where and self._refers(path, f"{key}.where", event.where, "place"):
            self._link(event.id, event.where, "at")
        for number, effect in enumerate(event.causes):
            if self._refers(path, f"{key}.causes.{number}", effect, "event"):
                self._link(event.id, effect, "causes")
                self._check_order(path, f"{key}.causes.{number}", event.id, effect)

    def _check_order(self, path: Path, key: str, cause: str, effect: str) -> None:
        begin, end = (happened(self._nodes[name]) for name in (cause, effect))
        if ALWAYS < end < begin:
            text = f"'{cause}' ({self._calendar.text(begin)}) causes '{effect}' ({self._calendar.text(end)})"
            self._fault(path, key, f"{text}, which happens earlier", "mend a time, or turn it round")

    def _link_relation(self, path: Path, key: str, relation: Relation) -> None:
        known = [
            self._refers(path, f"{key}.{end}", name) for end, name in (("from", relation.src), ("to", relation.dst))
        ]
        since = self._time(path, f"{key}.since", relation.since)
        until = self._end(path, key, relation.until, since)
        if all(known):
            template = Edge(
                relation.src,
                relation.dst,
                relation.rel,
                since,
                relation.text,
                until,
                tuple(relation.known_by),
                relation.source,
                relation.salience,
            )
            if not self._link_as(template):
                text = f"nobody knows both '{relation.src}' and '{relation.dst}'"
                self._fault(path, key, text, "let somebody know both, or leave the relation out")

    def _link(self, src: str, dst: str, rel: str) -> None:
        """An edge between two nodes that goes as far as both; left out if nobody knows both."""
        self._link_as(Edge(src, dst, rel, ALWAYS))

    def _link_as(self, edge: Edge) -> bool:
        """Add an edge, known to nobody earlier than both of its ends; whether anybody can know it."""
        ends = (self._nodes[edge.src], self._nodes[edge.dst])
        knowers = [set(known) for known in (edge.known_by, *(end.known_by for end in ends)) if known]
        known_by = set.intersection(*knowers) if knowers else set[str]()
        if knowers and not known_by:
            return False
        t_start = max(edge.t_start, *(end.t_start for end in ends))
        self._edges.append(
            Edge(
                edge.src,
                edge.dst,
                edge.rel,
                t_start,
                edge.text,
                edge.t_end,
                tuple(sorted(known_by)),
                edge.source,
                edge.salience,
            )
        )
        return True

    def _add_passage(self, path: Path, key: str, words: Words) -> None:
        t_start = self._time(path, f"{key}.at", words.at, None)
        if words.id in self._passages:
            self._fault(path, f"{key}.id", f"passage '{words.id}' is there twice", "give one of them another id")
        for number, name in enumerate(words.nodes):
            if self._refers(path, f"{key}.nodes.{number}", name) and self._nodes[name].t_start > t_start:
                later = self._calendar.text(self._nodes[name].t_start)
                text = f"the passage tells '{name}', which is not known before {later}"
                self._fault(path, f"{key}.nodes.{number}", text, "give the passage a later 'at:'")
        passage = Passage(words.id, words.text, t_start, tuple(words.known_by), words.source, tuple(words.nodes))
        self._passages.setdefault(words.id, passage)

    def _refers(self, path: Path, key: str, name: str, type_: NodeType | None = None) -> bool:
        """Whether something of that name exists; a fault if not."""
        node = self._nodes.get(name)
        if node is not None and type_ in (None, node.type):
            return True
        what = type_ or "name"
        problem = f"unknown {what} '{name}'" if node is None else f"'{name}' is no {what} but a {node.type}"
        self._fault(path, key, problem, self._known(type_, name))
        return False

    def _is_no_character(self, name: str) -> bool:
        return name not in self._nodes or self._nodes[name].type != "character"

    def _known(self, type_: NodeType | None, name: str) -> str:
        names = [node.id for node in self._nodes.values() if type_ in (None, node.type)]
        return did_you_mean(name, names, f"add it under '{type_ or 'character'}s:'")

    def _check_known_by(self) -> None:
        for path, file in self._files:
            for section in (*(name for name, _ in (*_THINGS, *_CONDITIONS)), "events", "relations", "passages"):
                for number, item in enumerate(getattr(file, section)):
                    self._check_knowers(path, f"{section}.{number}.known_by", item.known_by)

    def _check_knowers(self, path: Path, key: str, names: Iterable[str]) -> None:
        for number, name in enumerate(names):
            if self._is_no_character(name):
                self._fault(path, f"{key}.{number}", f"unknown character '{name}'", self._known("character", name))


def happened(node: Node) -> float:
    """Story time at which something happened, also where it is told later."""
    return node.t_start if node.t_fabula is None else node.t_fabula


def permitted(graph: StoryGraph, present: Present) -> StoryGraph:
    """The part of a graph that may be told at a present, without the ends that lie ahead of it."""
    nodes = {node.id: node for node in graph.nodes if present.permits(node)}
    edges = (edge for edge in graph.edges if present.permits(edge) and edge.src in nodes and edge.dst in nodes)
    passages = (_of_known(passage, nodes) for passage in graph.passages if present.permits(passage))
    return StoryGraph(
        tuple(_without_end(node, present) for node in nodes.values()),
        tuple(_without_end(edge, present) for edge in edges),
        tuple(passages),
    )


def _of_known(passage: Passage, nodes: Mapping[str, Node]) -> Passage:
    return msgspec.structs.replace(passage, nodes=tuple(name for name in passage.nodes if name in nodes))


def _without_end(item: Item, present: Present) -> Item:
    ends = item.t_end is not None and item.t_end <= present.t_now
    return item if ends else msgspec.structs.replace(item, t_end=None)
