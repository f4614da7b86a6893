from pathlib import Path

import pytest

from mio.contracts.messages import Clock, Interrupt, Reply
from mio.errors import ConfigError
from mio.runtime.testing import run_engine
from nodes.io.script.config import ScriptConfig
from nodes.io.script.engine import ScriptEngine

MANIFEST = Path(__file__).parents[2] / "nodes/io/script/dora-node.yml"
SCRIPT = """\
- {at_s: 0.5, port: reply, message: {text: Second., index: 1, fin: true}}
- {at_s: 0.2, port: reply, message: {text: First.}}
- {at_s: 0.9, port: interrupt, message: {action: commit, segment_id: 1, flush: true}}
"""


def script(folder: Path, text: str = SCRIPT) -> ScriptEngine:
    path = folder / "script.yml"
    path.write_text(text)
    return ScriptEngine(ScriptConfig(path))


def test_cues_are_played_in_the_order_of_their_times(tmp_path: Path) -> None:
    transport = run_engine(script(tmp_path), MANIFEST, [("clock", Clock(stage_s=0.0, mono_ns=0))], run_s=1.5)
    replies = [m for m in transport.messages("reply") if isinstance(m, Reply)]
    assert [(m.text, m.fin) for m in replies] == [("First.", False), ("Second.", True)]
    (interrupt,) = transport.messages("interrupt")
    assert isinstance(interrupt, Interrupt)
    assert interrupt.flush


def test_cues_wait_for_their_stage_time(tmp_path: Path) -> None:
    transport = run_engine(script(tmp_path), MANIFEST, [("clock", Clock(stage_s=0.0, mono_ns=0))], run_s=0.3)
    assert len(transport.sent) == 1


def test_without_a_stage_nothing_is_played(tmp_path: Path) -> None:
    assert run_engine(script(tmp_path), MANIFEST, [], run_s=2.0).sent == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("cues: []", "script.yml:1: a script is a list of cues"),
        ("- {at_s: 1, port: smell, message: {}}", "script.yml:1: no port 'smell'"),
        ("- {at_s: 1, port: reply, message: {}}", "script.yml:1: Object missing required field `text`"),
        ("\n- {at_s: soon, port: reply, message: {text: a}}", "script.yml:2: Expected `float`"),
        ("- {at_s: 1, port: reply, message: {text: a, emotion: bored}}", "Invalid enum value 'bored'"),
    ],
)
def test_a_broken_script_is_refused_with_its_line(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        script(tmp_path, text)
    assert problem in str(caught.value)
