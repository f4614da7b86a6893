"""Writes a graph as the story files of a character pack, a file for each chapter, so that it can be mended."""

import os
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import yaml

from mio.errors import MioError
from nodes.thinker.construction.pack_story import happened
from nodes.thinker.construction.story_file import Condition, Event, Relation, StoryFile, Thing, Words
from nodes.thinker.memory.graph import Edge, Node, Passage, StoryGraph

_SECTIONS = {
    "character": "characters",
    "place": "places",
    "object": "objects",
    "event": "events",
    "fact": "facts",
    "trait": "traits",
    "relation_state": "states",
}
_WIDTH = 120


def chapter_path(folder: Path, chapter: int) -> Path:
    """Where a chapter's part of the story stands in a pack."""
    return folder / "story" / f"chapter-{chapter:04d}.yml"


def write_story(folder: Path, graph: StoryGraph, titles: Mapping[int, str], present: float, comment: str) -> None:
    """Write a story that is told in chapters; what an earlier build has left goes.

    Args:
        folder: The pack.
        graph: The story.
        titles: Of its chapters.
        present: Chapters that have been told.
        comment: First line of ``story.yml``.

    Raises:
        MioError: If it cannot be written.
    """
    parts = story_parts(graph)
    for chapter, part in parts.items():
        write_chapter(folder, chapter, titles.get(chapter, ""), part)
    without_chapters(folder, list(parts))
    write_head(folder, present, comment)


def write_head(folder: Path, present: float, comment: str) -> None:
    """Write ``story.yml`` of a story that is told in chapters.

    Args:
        folder: The pack.
        present: Chapters that have been told.
        comment: Its first line.

    Raises:
        MioError: If it cannot be written.
    """
    head = {"time": "chapters", "present": present}
    _write(folder / "story.yml", f"# {comment}\n{yaml.safe_dump(head, sort_keys=False)}")


def write_chapter(folder: Path, chapter: int, title: str, part: StoryFile) -> None:
    """Write the part of the story that one chapter tells.

    Raises:
        MioError: If it cannot be written.
    """
    text = yaml.dump(
        _plain(part), Dumper=_dumper(), sort_keys=False, allow_unicode=True, width=_WIDTH, default_flow_style=None
    )
    comment = f"# {' '.join(title.split())}\n" if title.strip() else ""
    _write(chapter_path(folder, chapter), comment + text)


def story_parts(graph: StoryGraph) -> dict[int, StoryFile]:
    """The parts of a graph that is told in chapters, by chapter: each where it is told first."""
    nodes = {node.id: node for node in graph.nodes}
    links = _Links(graph.edges, nodes)
    parts: defaultdict[int, defaultdict[str, list[Any]]] = defaultdict(lambda: defaultdict(list))
    for node in graph.nodes:
        parts[_chapter(node.t_start)][_SECTIONS[node.type]].append(_item(node, links))
    for edge in links.others:
        parts[_chapter(edge.t_start)]["relations"].append(_relation(edge))
    for passage in graph.passages:
        parts[_chapter(passage.t_start)]["passages"].append(_words(passage))
    return {chapter: _story_file(part) for chapter, part in sorted(parts.items())}


def _story_file(sections: Mapping[str, list[Any]]) -> StoryFile:
    values: dict[str, Any] = dict(sections)
    return StoryFile(**values)


class _Links:
    """Edges that an item's own keys say, apart from those that need a relation."""

    def __init__(self, edges: Iterable[Edge], nodes: dict[str, Node]) -> None:
        self.who: defaultdict[str, list[str]] = defaultdict(list)
        self.causes: defaultdict[str, list[str]] = defaultdict(list)
        self.about: defaultdict[str, list[str]] = defaultdict(list)
        self.where: dict[str, str] = {}
        self.others: list[Edge] = []
        for edge in edges:
            if not (_is_implied(edge, nodes) and self._take(edge, nodes[edge.src], nodes[edge.dst])):
                self.others.append(edge)

    def _take(self, edge: Edge, src: Node, dst: Node) -> bool:
        match edge.rel, src.type, dst.type:
            case "takes_part", _, "event":
                self.who[dst.id].append(src.id)
            case "causes", "event", "event" if happened(src) <= happened(dst):
                self.causes[src.id].append(dst.id)
            case "at", "event", "place" if src.id not in self.where:
                self.where[src.id] = dst.id
            case "about", _, "fact" | "trait" | "relation_state":
                self.about[dst.id].append(src.id)
            case _:
                return False
        return True


def _is_implied(edge: Edge, nodes: dict[str, Node]) -> bool:
    """Whether an edge says no more than that there is one."""
    ends = nodes[edge.src], nodes[edge.dst]
    plain = not edge.text and edge.t_end is None and edge.salience == Edge("", "", "", 0.0).salience
    return plain and edge.t_start == max(end.t_start for end in ends) and not any(end.known_by for end in ends)


def _chapter(time: float) -> int:
    """The chapter in which a story time lies; what always is stands in the first."""
    return max(1, -int(-time // 1))


def _item(node: Node, links: _Links) -> Thing | Event | Condition:
    shared: dict[str, Any] = {
        "id": node.id,
        "name": node.name,
        "text": node.text,
        "known_by": list(node.known_by),
        "salience": round(node.salience, 3),
        "source": node.source,
        "until": node.t_end,
    }
    if node.type == "event":
        told = None if node.t_fabula is None else node.t_start
        return Event(
            at=happened(node),
            told=told,
            who=links.who[node.id],
            where=links.where.get(node.id, ""),
            causes=links.causes[node.id],
            **shared,
        )
    shared["since"] = node.t_start or None
    if node.type in ("character", "place", "object"):
        return Thing(aliases=list(node.aliases), **shared)
    return Condition(about=links.about[node.id], **shared)


def _relation(edge: Edge) -> Relation:
    return Relation(
        src=edge.src,
        rel=edge.rel,
        dst=edge.dst,
        text=edge.text,
        since=edge.t_start or None,
        until=edge.t_end,
        known_by=list(edge.known_by),
        salience=round(edge.salience, 3),
        source=edge.source,
    )


def _words(passage: Passage) -> Words:
    return Words(passage.id, passage.t_start, passage.text, list(passage.nodes), list(passage.known_by), passage.source)


def _plain(part: StoryFile) -> dict[str, Any]:
    """Its values, without those that a reader would assume anyway."""
    sections = ((name, getattr(part, name)) for name in (*_SECTIONS.values(), "relations", "passages"))
    return {name: [_sparse(item) for item in items] for name, items in sections if items}


def _sparse(item: msgspec.Struct) -> dict[str, Any]:
    fields = msgspec.structs.fields(type(item))
    values = {field.encode_name: (getattr(item, field.name), _default(field)) for field in fields}
    return {name: msgspec.to_builtins(value) for name, (value, default) in values.items() if value != default}


def _default(field: msgspec.structs.FieldInfo) -> Any:
    return field.default_factory() if field.default_factory is not msgspec.NODEFAULT else field.default


def _dumper() -> Any:
    return getattr(yaml, "CSafeDumper", yaml.SafeDumper)


def _write(path: Path, text: str) -> None:
    """Write a file whole, or not at all."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=path.suffix)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        mask = os.umask(0)
        os.umask(mask)
        Path(name).chmod(0o666 & ~mask)
        Path(name).replace(path)
    except OSError as error:
        raise MioError(f"{path}: {error.strerror or error}", "choose another folder") from error


def without_chapters(folder: Path, keep: Sequence[int] = ()) -> None:
    """Remove the chapters that an earlier build has left in a pack, but for some."""
    kept = {chapter_path(folder, chapter) for chapter in keep}
    for path in (folder / "story").glob("chapter-*.yml"):
        if path not in kept:
            path.unlink()
