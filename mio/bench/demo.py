"""The whole demo, several times: silence before the answer, frames, lips against sound, cores, memory, start-up.

Where the host of a virtual machine takes CPU time away, pictures are late whatever the program does; runs in which it
took next to nothing are summarised once more by themselves.
"""

import argparse
import re
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console

from mio.bench.report import Report, percentile
from mio.character import read_character
from mio.demo.lipsync import measure_test_sentence, record_test_sentence
from mio.demo.progress import ProgressView
from mio.demo.question import draw_question
from mio.demo.report import measure
from mio.demo.session import run_session
from mio.errors import MioError
from mio.paths import share

DURATION = "about 40 s per run"

_UNDISTURBED_PCT = 1.0  # of the CPU time, taken away by the host

_PLAIN = (
    "end_of_speech_to_first_sound_ms",
    "late_frames_pct",
    "drawn_fps",
    "cores_while_talking",
    "start_up_s",
    "stolen_by_host_pct",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    parser.add_argument("--runs", type=int, default=5, help="how many questions are asked, each in a run of its own")
    parser.add_argument("--seed", type=int, default=0, help="of the first question")
    parser.add_argument("--character", type=Path, default=share("characters", "mara"), help="character pack")
    parser.add_argument("--folder", type=Path, default=Path("out/bench/demo"), help="for the recordings")


def run(args: argparse.Namespace, report: Report) -> None:
    """Ask and measure."""
    character, folder = args.character.resolve(), args.folder.resolve()
    answers = {entry.id: entry for entry in read_character(character).knowledge().entries}
    measured: list[dict[str, Any]] = []
    for number in range(args.runs):
        figures = _one(args.seed + number, folder / f"run{number + 1}", character, answers, report)
        if figures is not None:
            measured.append(figures)
    if not measured:
        raise MioError("no run gave an answer", f"see the logs in {folder}")
    _summarise(measured, report)
    report.figure("runs_without_answer", args.runs - len(measured), target=0)


def _one(seed: int, folder: Path, character: Path, entries: dict[str, Any], report: Report) -> dict[str, Any] | None:
    """One question; None if it failed, which the report says."""
    folder.mkdir(parents=True, exist_ok=True)
    question = draw_question(character, seed, folder / "question.wav")
    try:
        with ProgressView(Console(quiet=True)) as view:
            session = run_session(question, folder, view, character=character)
        figures = measure(session)
        figures |= measure_test_sentence(record_test_sentence(folder / "lipsync", character))
    except MioError as error:
        report.note(f"seed {seed}: {error}")
        return None
    figures["answered_right"] = _says(figures["answer_text"], entries[question.entry].answers)
    report.row(
        "runs",
        question=question.text,
        heard=figures["question_text"],
        right=figures["answered_right"],
        **{name: figures[name] for name in _PLAIN},
        av_offset_ms=figures["av_offset_ms"],
    )
    return figures


def _says(said: str, answers: list[str]) -> bool:
    """Whether what was said is one of the texts, marks apart."""
    words = _words(said)
    return any(_words(answer) == words for answer in answers)


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z']+", re.sub(r"\[[^]]*\]|<[^>]*>", " ", text.lower()))


def _summarise(measured: list[dict[str, Any]], report: Report) -> None:
    gaps = [run["end_of_speech_to_first_sound_ms"] for run in measured]
    report.figure("first_sound_p50_ms", percentile(gaps, 0.5), target=700)
    report.figure("first_sound_p95_ms", percentile(gaps, 0.95), target=1000)
    report.figure("video_fps", min(run["video_fps"] for run in measured), target=30, at_least=True)
    report.figure("late_frames_median_pct", median(run["late_frames_pct"] for run in measured), target=2)
    report.figure("late_frames_max_pct", max(run["late_frames_pct"] for run in measured))
    report.figure("cores_while_talking_median", median(run["cores_while_talking"] for run in measured), target=1.9)
    report.figure("start_up_median_s", median(run["start_up_s"] for run in measured), target=10)
    report.figure("stolen_by_host_median_pct", median(run["stolen_by_host_pct"] for run in measured))
    calm = [run for run in measured if run["stolen_by_host_pct"] < _UNDISTURBED_PCT]
    report.figure("undisturbed_runs", len(calm))
    if calm:
        gaps = [run["end_of_speech_to_first_sound_ms"] for run in calm]
        report.figure("first_sound_undisturbed_p50_ms", percentile(gaps, 0.5), target=700)
        report.figure("first_sound_undisturbed_max_ms", max(gaps), target=1000)
        late = [run["late_frames_pct"] for run in calm]
        report.figure("late_frames_undisturbed_median_pct", median(late), target=2)
        report.figure("late_frames_undisturbed_max_pct", max(late))
    offsets = [run["av_offset_ms"] for run in measured if run["av_offset_ms"] is not None]
    if offsets:
        report.figure("av_offset_abs_max_ms", max(abs(offset) for offset in offsets), target=45)
        report.figure("av_offset_median_ms", median(offsets))
    report.figure("answered_right_pct", 100 * sum(run["answered_right"] for run in measured) / len(measured))
    for node in sorted({node for run in measured for node in run["per_node"]}):
        used = [run["per_node"][node] for run in measured if node in run["per_node"]]
        report.row(
            "nodes, medians",
            node=node,
            cores_while_talking=round(median(one["cores_while_talking"] for one in used), 3),
            cpu_s=round(median(one["cpu_s"] for one in used), 2),
            peak_rss_mb=round(median(one["peak_rss_mb"] for one in used)),
        )
