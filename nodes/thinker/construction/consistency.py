"""Checks whether a story agrees with itself: who is there when something happens, and what is told too early."""

import re
from collections.abc import Iterator
from pathlib import Path

from mio.character import read_pack_file
from mio.yaml_source import YamlSource, read_yaml
from nodes.thinker.check import check_text
from nodes.thinker.construction.pack_story import Story, examine_story, happened, story_paths
from nodes.thinker.construction.story_file import StoryFile
from nodes.thinker.memory.graph import Node, Present
from nodes.thinker.problem import Problem, problem_at

_SECTIONS = ("characters", "places", "objects", "events", "facts", "traits", "states")
_SHORTEST_NAME = 3


def check_story(folder: Path) -> list[Problem]:
    """Find what is wrong with the story of a pack, as far as a program can.

    Args:
        folder: The pack.

    Returns:
        Problems by file and line; none if it has no story.

    Raises:
        ConfigError: If a file cannot be read, or does not have the form of a story file.
    """
    if not (folder / "story.yml").is_file():
        return []
    story, problems = examine_story(folder)
    if not problems:
        later = _LaterNames(story)
        nodes = {node.id: node for node in story.graph.nodes}
        for path in story_paths(folder):
            source = _LazySource(path)
            file = read_pack_file(path, StoryFile)
            problems += _check_presence(file, nodes, story, source)
            problems += _check_foresight(file, nodes, later, source)
            if story.present.knower:
                problems += _check_speech(file, nodes, story.present, source)
    return sorted(problems, key=lambda problem: (problem.path, problem.line))


class _LazySource:
    """The lines of a file, read when they are wanted."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._source: YamlSource | None = None

    @property
    def source(self) -> YamlSource:
        self._source = self._source or read_yaml(self._path)
        return self._source

    def problem(self, key: str, text: str, remedy: str) -> Problem:
        return problem_at(self.source, key, text, remedy)


def _check_presence(file: StoryFile, nodes: dict[str, Node], story: Story, source: _LazySource) -> Iterator[Problem]:
    """Nobody takes part in what happens before or after their time."""
    when = story.calendar.text
    for number, event in enumerate(file.events):
        at = happened(nodes[event.id])
        for index, name in enumerate(event.who):
            node, key = nodes[name], f"events.{number}.with.{index}"
            if at < node.t_start:
                text = f"'{name}' is not there before {when(node.t_start)}, but takes part in '{event.id}' ({when(at)})"
                yield source.problem(key, text, "give an earlier 'since:', or mend the event")
            elif node.t_end is not None and at > node.t_end:
                text = f"'{name}' is there until {when(node.t_end)}, but takes part in '{event.id}' ({when(at)})"
                yield source.problem(key, text, "give a later 'until:', or mend the event")


class _LaterNames:
    """Finds names in texts of what is not known yet when they are told."""

    def __init__(self, story: Story) -> None:
        self._calendar = story.calendar
        self._named: dict[str, Node] = {}
        for node in story.graph.nodes:
            for name in (node.name, *node.aliases) if node.type in ("character", "place", "object") else ():
                known = self._named.get(name)
                if _is_proper(name) and (known is None or node.t_start < known.t_start):
                    self._named[name] = node
        names = sorted(map(re.escape, self._named), key=len, reverse=True)
        self._pattern = re.compile(rf"\b(?:{'|'.join(names)})\b") if names else None

    def find(self, node: Node) -> Iterator[str]:
        """What a node's text tells too early, in words."""
        for name in dict.fromkeys(self._pattern.findall(node.text)) if self._pattern else ():
            other = self._named[name]
            if other.t_start > node.t_start and other.id != node.id:
                yield f"'{node.id}' tells of {name}, which is not known before {self._calendar.text(other.t_start)}"


def _is_proper(name: str) -> bool:
    """Whether a name can stand for one thing only: written in capitals, and no single short word."""
    return len(name) >= _SHORTEST_NAME and name[0].isupper()


def _check_foresight(
    file: StoryFile, nodes: dict[str, Node], later: _LaterNames, source: _LazySource
) -> Iterator[Problem]:
    """What is told by hand; the words of a source are told when they are."""
    for section, number, node in _items(file, nodes):
        for text in () if node.source.chapter else later.find(node):
            yield source.problem(f"{section}.{number}.text", text, "leave the name out, or mend a time")


def _check_speech(file: StoryFile, nodes: dict[str, Node], present: Present, source: _LazySource) -> Iterator[Problem]:
    """What the teller may come to say can be said."""
    for section, number, node in _items(file, nodes):
        if node.text and (not node.known_by or present.knower in node.known_by):
            yield from check_text(node.text, f"{section}.{number}.text", source.source)


def _items(file: StoryFile, nodes: dict[str, Node]) -> Iterator[tuple[str, int, Node]]:
    for section in _SECTIONS:
        for number, item in enumerate(getattr(file, section)):
            yield section, number, nodes[item.id]
