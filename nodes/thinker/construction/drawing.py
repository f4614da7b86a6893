"""Draws a story: its events in time with who takes part in them, and how people, places and objects hang together."""

from collections import Counter
from collections.abc import Sequence
from html import escape
from typing import NamedTuple

import networkx as nx

from nodes.thinker.construction.pack_story import Story, happened
from nodes.thinker.memory.graph import Edge, Node

MOST_EVENTS = 120
MOST_THINGS = 40
_LANES = 12
_ROW, _LANE, _DATE, _HEAD, _NAMES = 22, 26, 96, 92, 380
_SIDE, _MARGIN = 760, 70
_COLOURS = {"character": "#c2703d", "place": "#4d7d5b", "object": "#5b7fa8"}
_INK, _SECRET = "#22303f", "#9a3b3b"
_NAME_CHARS = 56
_TWICE_WITHIN = 1e-9


class Timeline(NamedTuple):
    """What a timeline shows.

    Attributes:
        events: By the time at which they happen.
        people: Characters that take part in most of them, first those who come first.
        parts: Pairs of a character's and an event's id.
    """

    events: list[Node]
    people: list[Node]
    parts: set[tuple[str, str]]


def timeline_of(story: Story) -> Timeline:
    """The most salient events of a story in order, and who takes part in them."""
    events = sorted((node for node in story.graph.nodes if node.type == "event"), key=lambda node: -node.salience)
    events = sorted(events[:MOST_EVENTS], key=happened)
    shown = {node.id for node in events}
    parts = {(edge.src, edge.dst) for edge in story.graph.edges if edge.rel == "takes_part" and edge.dst in shown}
    counts = Counter(person for person, _ in sorted(parts))
    nodes = {node.id: node for node in story.graph.nodes}
    people = [name for name, _ in counts.most_common() if nodes[name].type == "character"][:_LANES]
    order = [person for event in events for person in sorted(people) if (person, event.id) in parts]
    return Timeline(events, [nodes[name] for name in dict.fromkeys(order)], parts)


def timeline_svg(story: Story) -> str:
    """A standalone SVG image: a row for each event, a lane for each character, and the narrative present across."""
    timeline = timeline_of(story)
    width = _DATE + len(timeline.people) * _LANE + _NAMES
    height = _HEAD + len(timeline.events) * _ROW + _ROW
    behind = sum(event.t_start <= story.present.t_now for event in timeline.events)
    parts = [
        _open(width, height),
        *(_lane(index, person, height) for index, person in enumerate(timeline.people)),
        *(_row(index, event, timeline, story) for index, event in enumerate(timeline.events)),
        _present_line(_HEAD + behind * _ROW, width, story),
    ]
    return "\n".join([*parts, "</svg>\n"])


def graph_svg(story: Story) -> str:
    """A standalone SVG image: the people, places and objects that matter most, near to what they are related to.

    Distances follow the number of steps between them (Kamada and Kawai, "An algorithm for drawing general undirected
    graphs", 1989).
    """
    graph = _relations(story)
    places = nx.kamada_kawai_layout(_in_one_piece(graph), weight=None)
    spots = {name: (_MARGIN + (x + 1) / 2 * _SIDE, _MARGIN + (y + 1) / 2 * _SIDE) for name, (x, y) in places.items()}
    nodes = {node.id: node for node in story.graph.nodes}
    size = _SIDE + 2 * _MARGIN
    parts = [
        _open(size, size),
        *(_wire(spots[a], spots[b], data["t"], data["text"], story) for a, b, data in graph.edges(data=True)),
        *(_spot(nodes[name], spots[name], graph.degree(name), story) for name in graph),
    ]
    return "\n".join([*parts, "</svg>\n"])


def page_html(story: Story, title: str) -> str:
    """A standalone page with both drawings, and a slider for the present that hides what lies ahead."""
    times = [node.t_start for node in story.graph.nodes if node.t_start > 0] or [0.0, 1.0]
    steps = sorted({*times, story.present.t_now})
    labels = ",".join(f"'{story.calendar.text(step)}'" for step in steps)
    return _PAGE.format(
        title=escape(title),
        timeline=timeline_svg(story),
        graph=graph_svg(story),
        times=",".join(f"{step:.6f}" for step in steps),
        labels=labels,
        legend=_legend(),
        last=len(steps) - 1,
        now=steps.index(story.present.t_now),
    )


def _legend() -> str:
    kinds = [f'<span style="color: {colour}">&#9679;</span> {kind}' for kind, colour in _COLOURS.items()]
    return " &nbsp; ".join([*kinds, f'<span style="color: {_SECRET}">an event that only some know of</span>'])


def _open(width: float, height: float) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" '
        f'height="{height:.0f}" font-family="system-ui, sans-serif">'
        f'<rect width="{width:.0f}" height="{height:.0f}" fill="#fbfbfa"/>'
    )


def _ahead(time: float, story: Story) -> str:
    """Attributes of something that can lie ahead."""
    return f'data-t="{time:.6f}" opacity="{1.0 if time <= story.present.t_now else 0.4}"'


def _lane(index: int, person: Node, height: float) -> str:
    x = _DATE + (index + 0.5) * _LANE
    return (
        f'<line x1="{x}" y1="{_HEAD}" x2="{x}" y2="{height - _ROW}" stroke="#e6e2da"/>'
        f'<text transform="translate({x + 4} {_HEAD - 8}) rotate(-60)" font-size="11" fill="#33475e">'
        f"{escape(person.name)}</text>"
    )


def _row(index: int, event: Node, timeline: Timeline, story: Story) -> str:
    y = _HEAD + (index + 0.5) * _ROW
    dots = "".join(
        f'<circle cx="{_DATE + (lane + 0.5) * _LANE}" cy="{y}" r="5" fill="{_COLOURS["character"]}"/>'
        for lane, person in enumerate(timeline.people)
        if (person.id, event.id) in timeline.parts
    )
    x = _DATE + len(timeline.people) * _LANE + 8
    ink = _SECRET if event.known_by else _INK
    return (
        f"<g {_ahead(event.t_start, story)}><title>{escape(event.text)}</title>"
        f'<text x="8" y="{y + 4}" font-size="11" fill="#6b7785">{story.calendar.text(happened(event))}</text>'
        f'{dots}<text x="{x}" y="{y + 4}" font-size="12" fill="{ink}">{escape(_short(event.name))}</text></g>'
    )


def _present_line(y: float, width: float, story: Story) -> str:
    return (
        f'<line x1="0" y1="{y}" x2="{width}" y2="{y}" stroke="{_SECRET}" stroke-dasharray="5 4"/>'
        f'<text x="{width - 8}" y="{y - 4}" font-size="11" fill="{_SECRET}" text-anchor="end">'
        f"present: {story.calendar.text(story.present.t_now)}</text>"
    )


def _relations(story: Story) -> "nx.Graph[str]":
    """Things, joined by edges and by the events in which they come together."""
    things = sorted((node for node in story.graph.nodes if node.type in _COLOURS), key=lambda node: -node.salience)
    graph: nx.Graph[str] = nx.Graph()
    graph.add_nodes_from(node.id for node in things[:MOST_THINGS])
    together: dict[str, list[Edge]] = {}
    types = {node.id: node.type for node in story.graph.nodes}
    for edge in story.graph.edges:
        if edge.src in graph and edge.dst in graph:
            _join(graph, edge.src, edge.dst, edge.t_start, edge.rel.replace("_", " "))
        elif "event" in (types[edge.src], types[edge.dst]):
            together.setdefault(edge.dst if types[edge.dst] == "event" else edge.src, []).append(edge)
    for event, edges in together.items():
        ends = sorted({edge.src if edge.dst == event else edge.dst for edge in edges})
        time = min(edge.t_start for edge in edges)
        for one, other in ((a, b) for i, a in enumerate(ends) for b in ends[i + 1 :] if a in graph and b in graph):
            _join(graph, one, other, time, event.replace("_", " "))
    graph.remove_nodes_from([name for name in list(graph) if not graph.degree(name)])
    return graph


def _in_one_piece(graph: "nx.Graph[str]") -> "nx.Graph[str]":
    """The graph with its pieces tied to the best connected node, so that none of them drifts away."""
    tied = nx.Graph(graph)
    hubs = [max(sorted(piece), key=graph.degree) for piece in nx.connected_components(graph)]
    centre = max(hubs, key=graph.degree, default="")
    tied.add_edges_from((centre, hub) for hub in hubs if hub != centre)
    return tied


def _join(graph: "nx.Graph[str]", one: str, other: str, time: float, why: str) -> None:
    if not graph.has_edge(one, other):
        graph.add_edge(one, other, weight=0.0, t=time, text=why)
    data = graph.edges[one, other]
    data["weight"] += 1.0
    if time < data["t"] - _TWICE_WITHIN:
        data["t"], data["text"] = time, why


def _wire(one: Sequence[float], other: Sequence[float], time: float, why: str, story: Story) -> str:
    return (
        f'<g {_ahead(time, story)}><title>{escape(why)}</title><line x1="{one[0]:.1f}" y1="{one[1]:.1f}" '
        f'x2="{other[0]:.1f}" y2="{other[1]:.1f}" stroke="#c9d1da" stroke-width="1.2"/></g>'
    )


def _spot(node: Node, place: Sequence[float], degree: int, story: Story) -> str:
    radius = 5 + min(9.0, degree**0.5 * 2)
    return (
        f"<g {_ahead(node.t_start, story)}><title>{escape(node.text)}</title>"
        f'<circle cx="{place[0]:.1f}" cy="{place[1]:.1f}" r="{radius:.1f}" fill="{_COLOURS[node.type]}"/>'
        f'<text x="{place[0]:.1f}" y="{place[1] - radius - 4:.1f}" font-size="12" text-anchor="middle" fill="{_INK}">'
        f"{escape(_short(node.name))}</text></g>"
    )


def _short(name: str) -> str:
    return name if len(name) <= _NAME_CHARS else f"{name[: _NAME_CHARS - 1]}…"


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>
body {{ font: 15px system-ui, sans-serif; margin: 1.5rem; color: #22303f; background: #fbfbfa }}
#bar {{ position: sticky; top: 0; background: #fbfbfaee; padding: .6rem 0 }}
input {{ width: 60%; vertical-align: middle }}
</style></head><body><h1>{title}</h1>
<div id="bar">present <input id="now" type="range" min="0" max="{last}" value="{now}"> <b id="when"></b></div>
<p>{legend}</p>
{timeline}{graph}
<script>
const times = [{times}], labels = [{labels}], now = document.getElementById('now');
function show() {{
  const t = times[now.value];
  document.getElementById('when').textContent = labels[now.value];
  for (const part of document.querySelectorAll('[data-t]'))
    part.style.visibility = parseFloat(part.dataset.t) <= t + 1e-5 ? 'visible' : 'hidden';
}}
now.addEventListener('input', show); show();
</script></body></html>
"""
