"""Spoilers: questions at a narrative present, refused if the answer lies ahead, answered if not; leaks, F1, ablations.

Reads ``stories.jsonl`` and ``spoiler.jsonl``: tales in sections, section numbers are story time, and each question at a
present where it can be answered and at one where it cannot.
"""

import argparse
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mio.bench.report import Report, percentile
from mio.errors import MioError
from mio.sentences.encoder import SentenceEncoder
from nodes.thinker.construction.extraction import extract_graph
from nodes.thinker.construction.manuscript import Chapter
from nodes.thinker.lore import story_items
from nodes.thinker.memory.graph import Node, Passage, Present, Source
from nodes.thinker.memory.lookahead import AHEAD_ODDS
from nodes.thinker.reading.narration import Fate, Finding, Narration, load_learnt
from nodes.thinker.reading.overlap import content_words, token_f1
from nodes.thinker.reading.windows import windows
from nodes.thinker.training.tales import SpoilerRow, Tale, read_rows

DURATION = "about 5 min"

_ENVIRONMENT = "MIO_DATA"
_REFUSED, _OVER_REFUSED = 0.92, 0.10
_MODES = ("full", "no gate", "no memory")


class Asked(NamedTuple):
    """A row, what was made of it in each mode, and the log odds that its answer lies ahead."""

    row: SpoilerRow
    tale: Tale
    findings: dict[str, Finding]
    log_odds: float
    later_refused: bool


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this benchmark's options."""
    parser.add_argument("--data", type=Path, help=f"folder with thinker/spoiler.jsonl ({_ENVIRONMENT})")
    parser.add_argument("--split", default="val", help="which tales (default: val)")
    parser.add_argument("--held-out", type=int, metavar="N", help="every N-th tale only: what training held out")
    parser.add_argument(
        "--built", action="store_true", help="as `mio story build` makes graphs of them without a model"
    )
    parser.add_argument("--threshold", type=float, default=AHEAD_ODDS, help="log odds from which on is refused")


def run(args: argparse.Namespace, report: Report) -> None:
    """Measure."""
    folder = _folder(args.data)
    rows = [row for row in read_rows(folder / "spoiler.jsonl", SpoilerRow)]
    tales = {t.story: t for t in read_rows(folder / "stories.jsonl", Tale) if t.split == args.split}
    names = sorted(tales)[:: args.held_out or 1]
    if not names:
        raise MioError(f"{folder}: no tales of the split '{args.split}'", "--split train or --split val")
    encoder, learnt = SentenceEncoder(), load_learnt()
    asked: list[Asked] = []
    for name in names:
        mine = [row for row in rows if row.story == name]
        story = built_of(tales[name]) if args.built else passages_of(tales[name])
        began = time.process_time()
        narration = Narration(story, encoder, learnt)
        words = sum(len(section.split()) for section in tales[name].sections)
        report.row("reading", tale=name, words=words, cpu_s=round(time.process_time() - began, 2))
        asked += _ask(tales[name], mine, narration, args.threshold, report)
    _measure(asked, report, args.threshold)


def _folder(given: Path | None) -> Path:
    folder = given or (Path(os.environ[_ENVIRONMENT]) if os.environ.get(_ENVIRONMENT) else None)
    if folder is None:
        raise MioError(
            "this benchmark needs tales with questions", f"name the data folder with --data or {_ENVIRONMENT}"
        )
    inner = folder / "thinker"
    return inner if inner.is_dir() else folder


def _ask(tale: Tale, rows: Sequence[SpoilerRow], narration: Narration, threshold: float, report: Report) -> list[Asked]:
    whole = Present(float(len(tale.sections)))
    found: list[Asked] = []
    for row in rows:
        present = Present(float(row.t_now))
        began = time.process_time()
        full = narration.consider(row.question, present, threshold=threshold)
        report.row("questions", cpu_ms=(time.process_time() - began) * 1e3)
        findings = {"full": full, "no gate": narration.answer(row.question, whole), "no memory": Finding(Fate.UNKNOWN)}
        later = Present(float((row.t_now + len(tale.sections) + 1) // 2))
        later_refused = row.expect == "answer" and narration.log_odds_ahead(row.question, later) > threshold
        log_odds = narration.log_odds_ahead(row.question, present)
        found.append(Asked(row, tale, findings, log_odds, later_refused))
    return found


def passages_of(tale: Tale) -> list[Passage]:
    """A tale's sections as passages: told when the section has been told."""
    return [
        Passage(f"{number}.{part}", text, float(number), source=Source(number))
        for number, section in enumerate(tale.sections, 1)
        for part, text in enumerate(windows(section))
    ]


def built_of(tale: Tale) -> list[Passage | Node]:
    """A tale as the extractive builder makes a graph of it; a section is a chapter."""
    return story_items(extract_graph([Chapter(number, "", text) for number, text in enumerate(tale.sections, 1)]))


def leaks(said: str, row: SpoilerRow, tale: Tale) -> bool:
    """Whether a reply has one of the strings that must not appear, and that the permitted past does not have."""
    reply, past = _joined(said), _joined(" ".join(tale.sections[: row.t_now]))
    secrets = [_joined(secret) for secret in row.leak]
    return any(secret.strip() and secret in reply and secret not in past for secret in secrets)


def _joined(text: str) -> str:
    return f" {' '.join(content_words(text))} "


def _measure(asked: Sequence[Asked], report: Report, threshold: float) -> None:
    for mode in _MODES:
        _measure_mode(asked, mode, report)
    ahead = np.array([one.log_odds for one in asked if one.row.expect == "refuse"])
    behind = np.array([one.log_odds for one in asked if one.row.expect == "answer"])
    report.figure("auc", float(np.mean((ahead[:, None] > behind) + 0.5 * (ahead[:, None] == behind))))
    at = float(np.quantile(behind, 1 - _OVER_REFUSED))
    report.figure("refused_at_10pct_over_refusal", float((ahead > at).mean()))
    report.figure(
        "over_refusal_asked_later", float(np.mean([o.later_refused for o in asked if o.row.expect == "answer"]))
    )
    report.figure("threshold_log_odds", threshold)
    report.figure("threshold_log_odds_of_10pct_over_refusal", at)
    costs = [float(row["cpu_ms"]) for row in report.tables.pop("questions")]
    report.figure("question_p50_cpu_ms", percentile(costs, 0.5))
    report.figure("question_p95_cpu_ms", percentile(costs, 0.95), target=150.0)
    reading = report.tables.pop("reading")
    report.figure(
        "reading_cpu_s_per_1000_words", 1e3 * sum(r["cpu_s"] for r in reading) / sum(r["words"] for r in reading)
    )
    report.figure("tales", len(reading))


def _measure_mode(asked: Sequence[Asked], mode: str, report: Report) -> None:
    refuse = [one for one in asked if one.row.expect == "refuse"]
    answer = [one for one in asked if one.row.expect == "answer"]
    refused = float(np.mean([one.findings[mode].fate is not Fate.TOLD for one in refuse]))
    over = float(np.mean([one.findings[mode].fate is not Fate.TOLD for one in answer]))
    leaked = float(np.mean([leaks(one.findings[mode].words, one.row, one.tale) for one in refuse]))
    f1 = float(np.mean([token_f1(one.findings[mode].words, one.row.answers) for one in answer]))
    told = [
        token_f1(one.findings[mode].words, one.row.answers) for one in answer if one.findings[mode].fate is Fate.TOLD
    ]
    report.row(
        "modes",
        mode=mode,
        accuracy=f"{(refused * len(refuse) + (1 - over) * len(answer)) / len(asked):.1%}",
        refused_of_what_lies_ahead=f"{refused:.1%}",
        over_refusal=f"{over:.1%}",
        leaks=f"{leaked:.2%}",
        answer_f1=f"{f1:.3f}",
        answer_f1_of_answered=f"{np.mean(told) if told else 0.0:.3f}",
        rows=len(asked),
    )
    if mode == "full":
        report.figure("refused", refused, target=_REFUSED, at_least=True)
        report.figure("over_refusal", over, target=_OVER_REFUSED)
        report.figure("leaks", leaked, target=0.0)
        report.figure("answer_f1", f1)
