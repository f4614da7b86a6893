"""Talking over the avatar: from the user's acoustic onset to a lowered voice, silence and a closed mouth; false stops.

Users ask something with a long answer and talk over it at a random moment: half of them interrupt, half only say "mhm",
cough or make a noise; half of both with the avatar's echo in the microphone. The live flow runs in real time in a
simulated room; everything is timed in its recording, from the onset in the user's clean sound to output samples.
Interruptions with --data include recorded voices; noises are synthesised. --offline leaves out the flow: the deciding
engines are stepped in fake time, which takes two minutes and counts no computing.
"""

import argparse
import json
import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import yaml

from mio.audio import write_wav
from mio.bench._barge_in_rehearsal import Rehearsal
from mio.bench._barge_in_tape import Moments, Streams, first_after, moments, of_tape
from mio.bench._interjections import INTERRUPTIONS, WORDS, Interjection, noises, spoken
from mio.bench._speech_set import data_folder, recordings
from mio.bench.report import Report, percentile
from mio.character import read_character
from mio.contracts.messages import Interrupt
from mio.contracts.rates import MICROPHONE_HZ
from mio.demo.question import STRANGERS
from mio.errors import MioError
from mio.flow.live import find_flow
from mio.flow.running import RunningFlow
from mio.measure.room import RoomSettings, at_level
from mio.measure.sound import Silence, onset_s
from mio.paths import share
from mio.runtime.control import running_flows
from mio.tape.contents import Tape
from mio.tape.recording import Options, Recorder

DURATION = "about 16 min, 2 min with --offline"

_LEVEL_DB = -26.0  # of users, and nearly of the echo in the room
_ECHO = RoomSettings(delay_ms=60.0, seed=1)
_HEADPHONES = RoomSettings(echo_db=-60.0, seed=1)
_QUIET_S = 4.0  # before a question: longer than any thinking
_EARLIEST_S, _LATEST_S = 1.0, 3.0
_PER_CASE_S = 26.0
_READY_WITHIN_S = 120.0
_LEAST_ANSWER_CHARS = 130
_JUDGED_WITHIN_S = 3.0  # after the end of what was said
_NODES_LEFT_OUT = ("screen", "renderer")
_DATA_SENTENCES = 6
_CASES_PER_SPARE = 6  # a question that is misheard gets an answer too short to be talked over


class _Case(NamedTuple):
    """One thing said over the avatar."""

    question: Interjection
    said: Interjection
    interrupts: bool


class _Result(NamedTuple):
    """What came of a case.

    Attributes:
        case: The case.
        echo: Whether the room had an echo.
        committed: Whether the listener ended the avatar's turn.
        lowered_for_ms: How long it had lowered the voice until it let it go on; None if it never did both.
        moments: When what was heard and seen changed.
        stages: When each node acted, ms from the onset.
        kept: Whether the transcript has exactly those words of the turn that were heard; None if nobody writes one.
    """

    case: _Case
    echo: bool
    committed: bool
    lowered_for_ms: float | None
    moments: Moments
    stages: dict[str, float]
    kept: bool | None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    parser.add_argument("--cases", type=int, default=40, help="half of them interruptions, half with echo (40)")
    parser.add_argument(
        "--data", type=Path, help="data folder with real voices (MIO_DATA; without, espeak voices only)"
    )
    parser.add_argument("--character", type=Path, default=share("characters", "mara"), help="character pack (mara)")
    parser.add_argument("--seed", type=int, default=0, help="of order, voices and moments")
    parser.add_argument("--folder", type=Path, default=Path("out/bench/barge-in"), help="for recordings and logs")
    parser.add_argument("--offline", action="store_true", help="decisions only: engines in fake time, no flow, no face")
    parser.add_argument("--full", action="store_true", help="with renderer and screen, at low quality")


def run(args: argparse.Namespace, report: Report) -> None:
    """Run both halves and report all cases."""
    data = data_folder(args.data)
    spare = 0 if args.offline else math.ceil(args.cases / _CASES_PER_SPARE)
    cases = _cases(args.cases + spare, args.character, data, args.seed)
    results: list[_Result] = []
    rehearsal = Rehearsal(args.character, args.seed) if args.offline else None
    for echo, half in ((True, cases[::2]), (False, cases[1::2])):
        folder = args.folder.resolve() / ("echo" if echo else "headphones")
        room = _ECHO if echo else _HEADPHONES
        if half and rehearsal is not None:
            found = _rehearse(half, folder, args.seed, room, rehearsal)
        else:
            found = _converse(half, folder, args, room) if half else []
        results += _evenly(found, math.ceil(args.cases / 4))
    if not results:
        raise MioError("no case took place", f"see the logs in {args.folder}")
    _report_cases(report, results, args.cases)
    if rehearsal is None:
        kept = sum(result.kept is True for result in results)
        report.figure("transcripts_right", kept, target=len(results), at_least=True)
    _report_interruptions(report, [result for result in results if result.case.interrupts])
    _report_backchannels(report, [result for result in results if not result.case.interrupts])
    if data is None:
        report.note("all voices are of espeak-ng: name the data folder with --data or MIO_DATA for recorded ones")
    report.note("coughs, throat clearing, sneezes, knocks, clicks, hums and breaths are synthesised")


def _cases(count: int, character: Path, data: Path | None, seed: int) -> list[_Case]:
    """Interruptions and backchannels in turn, so that each half of the cases has as many of both."""
    draw = np.random.default_rng(seed)
    questions = [
        entry.questions[0]
        for entry in read_character(character).knowledge().entries
        if entry.answers and entry.questions and min(map(len, entry.answers)) >= _LEAST_ANSWER_CHARS
    ]
    if not questions:
        raise MioError(f"{character}: no answer is long enough to talk over", "take another character")
    interruptions = [spoken(text, STRANGERS[n % len(STRANGERS)]) for n, text in enumerate(INTERRUPTIONS)]
    if data is not None:
        interruptions[: 2 * _DATA_SENTENCES] = [*_recorded(data, seed), *interruptions[:_DATA_SENTENCES]]
    backchannels = [spoken(text, STRANGERS[n % len(STRANGERS)]) for n, text in enumerate(WORDS)] + noises(seed)
    kinds = [list(draw.permutation(len(some))) for some in (interruptions, backchannels)]
    cases: list[_Case] = []
    for number in range(count):
        interrupts = number // 2 % 2 == 0
        some, order = (interruptions, kinds[0]) if interrupts else (backchannels, kinds[1])
        index = order[(number // 4 * 2 + number % 2) % len(some)]
        question = spoken(questions[draw.integers(len(questions))], STRANGERS[number % len(STRANGERS)])
        cases.append(_Case(question, some[index], interrupts))
    return cases


def _evenly(results: Sequence[_Result], per_kind: int) -> list[_Result]:
    """The first interruptions and backchannels, as many of each."""
    kinds = ([one for one in results if one.case.interrupts is interrupts] for interrupts in (True, False))
    return [one for kind in kinds for one in kind[:per_kind]]


def _recorded(data: Path, seed: int) -> list[Interjection]:
    """Sentences that people read, as interruptions."""
    tars = (("en_kathleen.tar", "test"), ("en_speechocean_adults.tar", None))
    return [
        Interjection(one.text, one.speaker, one.sound)
        for tar, split in tars
        for one in recordings(data, tar, split, _DATA_SENTENCES // 2, seed)
    ]


def _rehearse(
    cases: Sequence[_Case], folder: Path, seed: int, room: RoomSettings, rehearsal: Rehearsal
) -> list[_Result]:
    """One conversation in one room, in fake time."""
    folder.mkdir(parents=True, exist_ok=True)
    draw = np.random.default_rng(seed)
    sounds = [
        (Path(_written(folder / f"{number}-over.wav", case.said)), float(draw.uniform(_EARLIEST_S, _LATEST_S)))
        for number, case in enumerate(cases)
    ]
    streams, said = rehearsal.converse(sounds, room, folder)
    return [
        _result(case, streams, said[number], None, echo=room is _ECHO)
        for number, case in enumerate(cases)
        if number in said
    ]


def _converse(cases: Sequence[_Case], folder: Path, args: argparse.Namespace, room: RoomSettings) -> list[_Result]:
    """One conversation in one room, recorded."""
    folder.mkdir(parents=True, exist_ok=True)
    flow, log, tape = folder / "flow.yml", folder / "lines.jsonl", folder / "barge-in.tape"
    for path in (log, tape, folder / "events.jsonl", folder / "transcript.md"):
        path.unlink(missing_ok=True)
    draw = np.random.default_rng(args.seed)
    lines: list[dict[str, Any]] = []
    for number, case in enumerate(cases):
        after_s = float(draw.uniform(_EARLIEST_S, _LATEST_S))
        lines += [
            {"sound": _written(folder / f"{number}-question.wav", case.question), "after_s": _QUIET_S},
            {"sound": _written(folder / f"{number}-over.wav", case.said), "when": "answer", "after_s": after_s},
        ]
    _write_flow(flow, folder, args, {"acoustics": _plain(room), "lines": lines, "log": str(log)})
    others = set(running_flows())
    with RunningFlow(flow, folder / "dora.log", {"MIO_RUN_DIR": str(folder / "run")}) as running:
        running.wait_for_log("all nodes are ready", _READY_WITHIN_S)
        (own,) = set(running_flows()) - others
        recorder = Recorder(find_flow(own), tape, Options("none"))
        recorder.run(_PER_CASE_S * len(cases), lambda: not running.running or _is_over(log, len(lines)))
    transcript = (folder / "transcript.md").read_text(encoding="utf-8")
    streams = Streams(of_tape(Tape(tape)))
    said = {row["line"]: row for row in _rows(log) if row["said"]}
    echo = room is _ECHO
    return [
        _result(case, streams, said[2 * number + 1], transcript, echo=echo)
        for number, case in enumerate(cases)
        if 2 * number + 1 in said
    ]


def _written(path: Path, said: Interjection) -> str:
    sound = at_level(said.sound, _LEVEL_DB) if said.sound.any() else said.sound
    write_wav(path, sound, MICROPHONE_HZ)
    return str(path)


def _plain(room: RoomSettings) -> dict[str, Any]:
    return {name: getattr(room, name) for name in room.__struct_fields__}


def _write_flow(path: Path, folder: Path, args: argparse.Namespace, room: dict[str, Any]) -> None:
    """The live flow with a room for a microphone and no device; without pictures unless they are asked for."""
    left_out = () if args.full else _NODES_LEFT_OUT
    flow = yaml.safe_load(share("dataflows", "mio.yml").read_text(encoding="utf-8"))
    flow["nodes"] = [node for node in flow["nodes"] if node["id"] not in left_out]
    for node in flow["nodes"]:
        node["inputs"] = {port: wire for port, wire in node["inputs"].items() if _source(wire) not in left_out}
        types = node.get("input_types", {})
        node["input_types"] = {port: kind for port, kind in types.items() if port in node["inputs"]}
    config = folder / "config.yml"
    flow["env"] = {"MIO_CONFIG": str(config)}
    sections: dict[str, Any] = {
        "shared": {"character": str(args.character.resolve()), "seed": args.seed},
        "microphone": {"device": "null", "room": room},
        "speaker": {"device": "null"},
        "screen": {"device": "null"},
        "renderer": {"quality": "low"},
        "journal": {"events": str(folder / "events.jsonl"), "transcript": str(folder / "transcript.md")},
    }
    config.write_text(yaml.safe_dump(sections), encoding="utf-8")
    path.write_text(yaml.safe_dump(flow, sort_keys=False), encoding="utf-8")


def _source(wire: Any) -> str:
    return str(wire["source"] if isinstance(wire, dict) else wire).partition("/")[0]


def _is_over(log: Path, lines: int) -> bool:
    """Whether all lines have had their moment, and the last one its consequences."""
    rows = _rows(log)
    if len(rows) < lines:
        return False
    return time.monotonic_ns() * 1e-9 > rows[-1]["mono_ns"] * 1e-9 + rows[-1]["length_s"] + 4 * _JUDGED_WITHIN_S


def _rows(log: Path) -> list[dict[str, Any]]:
    text = log.read_text(encoding="utf-8") if log.is_file() else ""
    return [json.loads(line) for line in text.splitlines()]


def _result(case: _Case, streams: Streams, row: dict[str, Any], transcript: str | None, *, echo: bool) -> _Result:
    segment_id, length_ns = row["segment_id"], round(row["length_s"] * 1e9)
    try:
        after_s = onset_s(case.said.sound, MICROPHONE_HZ)
    except Silence:
        after_s = 0.0
    onset_ns = row["mono_ns"] + round(after_s * 1e9)
    last_ns = row["mono_ns"] + length_ns + round(_JUDGED_WITHIN_S * 1e9)
    interrupts = [
        (at_ns, message.action)
        for at_ns, message in streams.of("listener", "interrupt")
        if isinstance(message, Interrupt) and onset_ns < at_ns < last_ns and message.segment_id == segment_id
    ]
    stages = {f"listener {action}": (at_ns - onset_ns) / 1e6 for at_ns, action in reversed(interrupts)}
    commits = [at_ns for at_ns, action in interrupts if action == "commit"]
    if commits:
        stages |= _stages(streams, commits[0], onset_ns, segment_id)
    kept = None if transcript is None else _keeps(transcript, streams.heard_text(segment_id))
    found = moments(streams, onset_ns, segment_id)
    return _Result(case, echo, bool(commits), lowered_for_ms(interrupts), found, stages, kept)


def lowered_for_ms(interrupts: Sequence[tuple[int, str]]) -> float | None:
    """Time between each duck and the resume after it, together; None if there is no such pair.

    Args:
        interrupts: When the listener said what of a turn, ns, in order.
    """
    lowered_ns, since_ns = 0, None
    for at_ns, action in interrupts:
        if action == "duck" and since_ns is None:
            since_ns = at_ns
        elif action == "resume" and since_ns is not None:
            lowered_ns, since_ns = lowered_ns + at_ns - since_ns, None
    return lowered_ns / 1e6 or None


def _keeps(transcript: str, heard: str) -> bool:
    return f" {heard} ...\n" in transcript or f" {heard}\n" in transcript or not heard


def _stages(streams: Streams, commit_ns: int, onset_ns: int, segment_id: int) -> dict[str, float]:
    """When each node had stopped, ms from the onset: its last message of the turn, or its first after the commit."""
    found: dict[str, float] = {}
    for node, port in (("thinker", "reply"), ("talker", "speech")):
        late = [at for at, m in streams.of(node, port) if m.segment_id == segment_id and at > commit_ns]
        found[f"{node} last sends"] = ((late[-1] if late else commit_ns) - onset_ns) / 1e6
    for node, port in (("face", "motion"), ("body", "motion"), ("speaker", "clock")):
        first = first_after(streams, node, port, commit_ns)
        if first is not None:
            found[f"{node} answers"] = (first - onset_ns) / 1e6
    return found


def _report_cases(report: Report, results: Sequence[_Result], asked: int) -> None:
    for result in results:
        report.row(
            "cases",
            said=result.case.said.kind,
            by=result.case.said.voice,
            wanted="stop" if result.case.interrupts else "go on",
            echo="yes" if result.echo else "",
            did="stopped" if result.committed else "went on",
            ducked_ms=_cell(result.moments.ducked) if result.committed else "",
            lowered_for_ms="" if result.committed else _cell(result.lowered_for_ms),
            stopped_ms=_cell(result.moments.stopped) if result.committed else "",
            mouth_ms=_cell(result.moments.mouth) if result.committed else "",
            finished="yes" if result.moments.finished else "",
            transcript={True: "right", False: "wrong", None: ""}[result.kept],
        )
    report.figure("cases", len(results), target=asked, at_least=True)


def _report_interruptions(report: Report, results: Sequence[_Result]) -> None:
    taken = [result for result in results if result.committed]
    report.figure("interruptions", len(results))
    report.figure("interruptions_missed", len(results) - len(taken), target=len(results) // 20)
    for name, limit in (("ducked", 250.0), ("stopped", 800.0), ("mouth", 800.0)):
        values = [value for result in taken if (value := getattr(result.moments, name)) is not None]
        if values:
            report.figure(f"onset_to_{name}_p50_ms", percentile(values, 0.5))
            report.figure(f"onset_to_{name}_p95_ms", percentile(values, 0.95), target=limit)
    for stage in dict.fromkeys(stage for result in taken for stage in result.stages):
        values = [result.stages[stage] for result in taken if stage in result.stages]
        report.row(
            "stages of interruptions, ms from the onset",
            stage=stage,
            cases=len(values),
            p50=round(percentile(values, 0.5)),
            p95=round(percentile(values, 0.95)),
        )


def _report_backchannels(report: Report, results: Sequence[_Result]) -> None:
    report.figure("backchannels", len(results))
    report.figure("false_stops", sum(result.committed for result in results), target=len(results) // 20)
    report.figure("backchannels_ducked", sum("listener duck" in result.stages for result in results))
    report.figure("backchannels_finished", sum(r.moments.finished for r in results), target=len(results), at_least=True)


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:.0f}"
