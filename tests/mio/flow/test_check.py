from pathlib import Path

import pytest

from mio.flow.check import check_flow

GOOD = """\
nodes:
  - id: script
    path: mio-script
    restart_policy: on-failure
    env: {MIO_SCRIPT__PATH: script.yml}
    outputs: [reply, transcript]
  - id: journal
    path: mio-journal
    restart_policy: on-failure
    inputs:
      reply: {source: script/reply, queue_size: 100}
      transcript: script/transcript
      alive: dora/timer/secs/3600
"""


def check(folder: Path, text: str, **environ: str) -> list[str]:
    path = folder / "flow.yml"
    path.write_text(text)
    return [str(problem) for problem in check_flow(path, environ)]


def test_a_good_flow_has_no_problems(tmp_path: Path) -> None:
    assert check(tmp_path, GOOD) == []


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("id: journal", "id: script", "flow.yml:7: two nodes are called 'script' -> rename one"),
        (
            "path: mio-journal",
            "path: mio-jurnal",
            "flow.yml:8: node 'journal': no program 'mio-jurnal' -> did",
        ),
        ("script/reply", "skript/reply", "flow.yml:11: journal/reply: no node 'skript' -> did you mean 'script'?"),
        ("script/reply", "script/motion", "flow.yml:11: journal/reply: node 'script' lists no output 'motion'"),
        ("script/reply", "script/transcript", "takes mio/v1/Reply, but script/transcript sends mio/v1/Transcript"),
        ("[reply, transcript]", "[reply, transcript, talk]", "flow.yml:6: node 'script' has no output 'talk'"),
        ("      reply:", "      replay:", "flow.yml:11: node 'journal' has no input 'replay' -> did you mean 'reply'?"),
        ("queue_size: 100", "queuesize: 100", "journal/reply: unknown key 'queuesize' -> did you mean 'queue_size'?"),
        ("queue_size: 100", "queue_size: 0", "journal/reply: queue_size must be at least 1"),
        ("    restart_policy: on-failure\n    inputs", "    inputs", "warning: "),
        (
            "PATH: script.yml}",
            "PATH: script.yml, MIO_BUDGET_MS: fast}",
            "node 'script': MIO_BUDGET_MS is 'fast' -> give",
        ),
        ("nodes:", "notes:", "flow.yml:1: not a dataflow"),
        ("    inputs:\n", "    inputs: [\n", "flow.yml:"),
        ("  - id: journal\n    path", "  - path", "flow.yml:7: a node without an id"),
        ("PATH: script.yml}", "PATH: script.yml, MIO_SCRIPT__SPEED: 3}", "script: unknown key 'speed' -> known: path"),
        ("    env: {MIO_SCRIPT__PATH: script.yml}\n", "", "script: Object missing required field `path`"),
        ("    path: mio-journal", "    pathh: mio-journal", "nodes[1]: unknown key 'pathh' -> did you mean 'path'?"),
    ],
)
def test_a_problem_names_line_node_and_remedy(tmp_path: Path, old: str, new: str, expected: str) -> None:
    assert old in GOOD
    problems = check(tmp_path, GOOD.replace(old, new, 1))
    assert any(expected in problem for problem in problems), problems


def test_declared_types_must_be_the_manifest_s(tmp_path: Path) -> None:
    problems = check(tmp_path, GOOD + "    input_types: {reply: mio/v1/Turn}\n")
    assert any("input_types says reply is mio/v1/Turn -> it is mio/v1/Reply" in problem for problem in problems)


def test_required_inputs_must_be_wired(tmp_path: Path) -> None:
    problems = check(tmp_path, "nodes:\n  - {id: renderer, path: mio-renderer, outputs: [frame]}\n")
    assert sum("node 'renderer' needs input" in problem for problem in problems) == 3


def test_pictures_need_a_pool_and_must_not_block(tmp_path: Path) -> None:
    problems = check(
        tmp_path,
        "nodes:\n  - {id: camera, path: mio-camera, outputs: [image]}\n"
        "  - id: thinker\n    path: mio-thinker\n    outputs: [reply]\n"
        "    inputs: {image: {source: camera/image, queue_policy: backpressure}}\n",
    )
    assert any("block the whole output -> use drop_oldest" in problem for problem in problems)
    assert any("add 'shared_memory_pool_size: 64MB'" in problem for problem in problems)


def test_the_configuration_of_every_node_is_checked(tmp_path: Path) -> None:
    (tmp_path / "c.yml").write_text("journal:\n  evnts: x\nscrpt: {path: x}\n")
    problems = check(tmp_path, "env: {MIO_CONFIG: c.yml}\n" + GOOD)
    assert any("c.yml:2: journal: unknown key 'evnts' -> did you mean 'events'?" in problem for problem in problems)
    assert any("section 'scrpt' names no node of flow.yml -> did you mean 'script'?" in problem for problem in problems)


def test_programs_of_others_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "other.py").write_text("")
    flow = "nodes:\n  - {id: other, path: other.py, inputs: {x: dora/timer/secs/1}, outputs: [y]}\n"
    assert check(tmp_path, flow) == []


def test_a_manifest_beside_another_program_is_used(tmp_path: Path) -> None:
    (tmp_path / "other.py").write_text("")
    (tmp_path / "dora-node.yml").write_text(
        "apiVersion: 1\nname: other\ndescription: x\nruntime: python\nentrypoint: other\n"
        "inputs:\n  sound: {type: mio/v1/AudioChunk, required: true}\n"
    )
    problems = check(tmp_path, "nodes:\n  - {id: other, path: other.py, inputs: {x: dora/timer/secs/1}}\n")
    assert any("needs input 'sound' (mio/v1/AudioChunk)" in problem for problem in problems)


def test_a_missing_flow_is_named(tmp_path: Path) -> None:
    (problem,) = check_flow(tmp_path / "none.yml", {})
    assert "none.yml: No such file" in str(problem)
