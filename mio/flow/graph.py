"""Draws a dataflow: as text, as Mermaid, as SVG."""

from collections import defaultdict
from html import escape
from typing import NamedTuple

from mio.flow.dataflow import Dataflow

_BOX_WIDTH, _BOX_HEIGHT = 98, 34
_CELL_WIDTH, _CELL_HEIGHT, _MARGIN = 112, 64, 16


class Edge(NamedTuple):
    """One wire between two nodes."""

    source: str
    output: str
    target: str
    port: str


def edges(flow: Dataflow) -> list[Edge]:
    """All wires between nodes, without timers and other virtual sources."""
    return [
        Edge(wire.node, wire.output, node.id, port)
        for node in flow.nodes
        for port, wire in node.inputs.items()
        if not wire.virtual
    ]


def to_text(flow: Dataflow) -> str:
    """One paragraph per node: where each of its outputs goes."""
    targets: dict[tuple[str, str], list[str]] = defaultdict(list)
    for edge in edges(flow):
        targets[edge.source, edge.output].append(f"{edge.target}.{edge.port}")
    lines: list[str] = []
    for node in flow.nodes:
        lines.append(f"{node.id}  ({node.path or 'module'})")
        width = max((len(output) for output in node.outputs), default=0)
        for output in node.outputs:
            lines.append(f"  {output:<{width}} ─► {', '.join(targets[node.id, output]) or '(nobody)'}")
        if not node.outputs:
            lines.append("  (no outputs)")
    return "\n".join(lines)


def to_mermaid(flow: Dataflow) -> str:
    """A Mermaid flowchart; wires between the same two nodes share an arrow."""
    lines = ["flowchart LR"]
    lines += [f'  {_mermaid_id(node.id)}["{node.id}"]' for node in flow.nodes]
    for (source, target), names in _bundles(flow).items():
        lines.append(f'  {_mermaid_id(source)} -->|"{", ".join(names)}"| {_mermaid_id(target)}')
    return "\n".join(lines)


def to_svg(flow: Dataflow) -> str:
    """A standalone SVG image: an N2 chart (Lano 1977) with the nodes on the diagonal.

    A node's outputs leave along its row and turn into the column of their target; the crossing names them.
    """
    ids = [node.id for node in flow.nodes]
    bundles = _bundles(flow)
    width = _MARGIN * 2 + len(ids) * _CELL_WIDTH
    height = _MARGIN * 2 + len(ids) * _CELL_HEIGHT
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        'font-family="system-ui, sans-serif">',
        '<defs><marker id="arrow" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0 L8 4 L0 8 z" fill="#5b7fa8"/></marker></defs>',
        f'<rect width="{width}" height="{height}" fill="#fbfbfa"/>',
    ]
    parts += [_svg_wire(ids.index(source), ids.index(target)) for source, target in bundles]
    parts += [_svg_names(ids.index(s), ids.index(t), names) for (s, t), names in bundles.items()]
    parts += [_svg_box(index, node_id) for index, node_id in enumerate(ids)]
    return "\n".join([*parts, "</svg>\n"])


def _bundles(flow: Dataflow) -> dict[tuple[str, str], list[str]]:
    """Output names by pair of nodes."""
    bundles: dict[tuple[str, str], list[str]] = defaultdict(list)
    for edge in edges(flow):
        if flow.node(edge.source) is not None and edge.output not in bundles[edge.source, edge.target]:
            bundles[edge.source, edge.target].append(edge.output)
    return {pair: names for pair, names in bundles.items() if names}


def _centre(row: int, column: int) -> tuple[float, float]:
    return _MARGIN + (column + 0.5) * _CELL_WIDTH, _MARGIN + (row + 0.5) * _CELL_HEIGHT


def _svg_wire(source: int, target: int) -> str:
    """Out of the source's right or left side, along its row, then up or down into the target."""
    x0, y0 = _centre(source, source)
    x1, y1 = _centre(target, target)
    side = _BOX_WIDTH / 2 if x1 > x0 else -_BOX_WIDTH / 2
    end = y1 - _BOX_HEIGHT / 2 if y1 > y0 else y1 + _BOX_HEIGHT / 2
    return (
        f'<path d="M{x0 + side} {y0} H{x1} V{end}" fill="none" stroke="#a9bdd6" stroke-width="1.3" '
        'marker-end="url(#arrow)"/>'
    )


def _svg_names(source: int, target: int, names: list[str]) -> str:
    x, y = _centre(source, target)
    height = 14 * len(names) + 6
    lines = "".join(
        f'<text x="{x}" y="{y - height / 2 + 14 + 14 * row}" text-anchor="middle" font-size="11" fill="#33475e">'
        f"{escape(name)}</text>"
        for row, name in enumerate(names)
    )
    width = max(len(name) for name in names) * 6.4 + 12
    return (
        f'<rect x="{x - width / 2}" y="{y - height / 2}" width="{width}" height="{height}" rx="5" fill="#fbfbfa" '
        f'stroke="#c9d6e6"/>{lines}'
    )


def _svg_box(index: int, label: str) -> str:
    x, y = _centre(index, index)
    return (
        f'<rect x="{x - _BOX_WIDTH / 2}" y="{y - _BOX_HEIGHT / 2}" width="{_BOX_WIDTH}" height="{_BOX_HEIGHT}" rx="9" '
        f'fill="#dfe9f5" stroke="#5b7fa8"/><text x="{x}" y="{y + 5}" text-anchor="middle" font-size="13" '
        f'font-weight="600" fill="#1e2c3d">{escape(label)}</text>'
    )


def _mermaid_id(node_id: str) -> str:
    return "".join(c if c.isalnum() else "_" for c in node_id)
