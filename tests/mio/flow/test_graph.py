import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from mio.flow.dataflow import Dataflow, read_flow
from mio.flow.graph import edges, to_mermaid, to_svg, to_text

FLOW = """\
nodes:
  - {id: ear, path: e, outputs: [sound, words], inputs: {echo: mouth/played}}
  - {id: mind, path: m, outputs: [answer], inputs: {words: ear/words, tick: dora/timer/secs/1}}
  - {id: mouth, path: o, outputs: [played], inputs: {answer: mind/answer, sound: ear/sound, words: ear/words}}
"""


@pytest.fixture
def flow(tmp_path: Path) -> Dataflow:
    path = tmp_path / "flow.yml"
    path.write_text(FLOW)
    return read_flow(path)


def test_timers_are_no_edges(flow: Dataflow) -> None:
    assert len(edges(flow)) == 5


def test_text_says_where_every_output_goes(flow: Dataflow) -> None:
    text = to_text(flow)
    assert "words ─► mind.words, mouth.words" in text
    assert "played ─► ear.echo" in text


def test_mermaid_bundles_wires_between_two_nodes(flow: Dataflow) -> None:
    assert to_mermaid(flow).splitlines()[0] == "flowchart LR"
    assert '  ear -->|"sound, words"| mouth' in to_mermaid(flow)


def test_svg_is_well_formed_and_shows_every_node_and_wire(flow: Dataflow) -> None:
    root = ET.fromstring(to_svg(flow))
    space = "{http://www.w3.org/2000/svg}"
    texts = [element.text for element in root.iter(f"{space}text")]
    assert {"ear", "mind", "mouth", "sound", "words", "answer", "played"} <= set(texts)
    assert len([e for e in root.iter(f"{space}path") if e.get("marker-end")]) == 4
