"""Right answers of the story thinker to typed and misheard questions, refusals, what lies ahead, follow-ups, cost."""

import argparse
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from mio.bench._mishearing import Mishearing, error_rate
from mio.bench.report import Report, percentile
from mio.character import Character, read_character
from mio.sentences.encoder import SentenceEncoder
from nodes.thinker.config import ThinkerConfig
from nodes.thinker.context import read_in_context
from nodes.thinker.dialogue import Dialogue
from nodes.thinker.engine import build_storyteller, cache_folder, gather
from nodes.thinker.storyteller import Heard, Storyteller
from nodes.thinker.understanding import Evidence, Meaning, Reading, Understanding, Verdict, Weights

DURATION = "about 2 min"

_DATA = Path(__file__).parent / "data" / "understanding.yml"
_RATES = (0.15, 0.3)
_SEED = 0
_FULL = "all"


class Known(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A question that the character can answer, and the entries that are right answers."""

    entries: list[str]
    say: str


class FollowUp(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A question, what is asked after its answer, and the entries that are right answers to that."""

    first: str
    then: str
    entries: list[str]


class Questions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All of ``data/understanding.yml``."""

    known: list[Known]
    unknown: list[str]
    unknown_unseen: list[str]
    noise: list[str]
    dialogues: list[FollowUp]
    ahead: list[str]
    past: list[str]


class Case(NamedTuple):
    """What was heard, and which entries are right; none for what the character cannot know."""

    heard: Heard
    right: list[str]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this benchmark's options."""
    parser.add_argument("--calibrate", action="store_true", help="fit the weights of trust anew and print them")
    parser.add_argument("--mistakes", action="store_true", help="list the questions that were got wrong")


def run(args: argparse.Namespace, report: Report) -> None:
    """Measure."""
    config = ThinkerConfig()
    character = read_character(config.character)
    questions = msgspec.yaml.decode(_DATA.read_bytes(), type=Questions)
    known = [Case(Heard(question.say), question.entries) for question in questions.known]
    known += [Case(Heard(question.question), [question.entry]) for question in character.demo_questions()]
    unknown = [Case(Heard(text), []) for text in questions.unknown + questions.unknown_unseen]
    heard = {rate: list(_misheard(known, rate, report)) for rate in _RATES}
    full = _understanding(config, character)
    _measure_right(report, _FULL, full, known, heard, mistakes=args.mistakes)
    for left_out in Weights._fields:
        weights = Weights()._replace(**{left_out: 0.0})
        _measure_right(report, f"without {left_out}", _understanding(config, character, weights), known, heard)
    _measure_right(report, "first hypothesis only", full, known, {r: _first(c) for r, c in heard.items()})
    _measure_refusals(report, full, questions)
    _measure_present(report, build_storyteller(config, gather(config)), questions, mistakes=args.mistakes)
    _measure_dialogues(report, Storyteller(character.knowledge(), full), questions.dialogues, mistakes=args.mistakes)
    _measure_cost(report, config, character, full, heard[_RATES[-1]])
    if args.calibrate:
        _calibrate(report, full, known + [case for cases in heard.values() for case in cases], unknown)


def _understanding(config: ThinkerConfig, character: Character, weights: Weights | None = None) -> Understanding:
    cache = cache_folder(config.cache_dir, character)
    return Understanding(character.knowledge().entries, SentenceEncoder(), cache, weights=weights)


def _misheard(cases: Sequence[Case], rate: float, report: Report) -> Iterator[Case]:
    mishearing = Mishearing(_SEED)
    errors: list[float] = []
    for case in cases:
        best, *others = mishearing.hear(case.heard.text, rate)
        errors.append(error_rate(case.heard.text, best))
        yield Case(Heard(best, others), case.right)
    report.figure(f"misheard_{rate:.0%}_word_error_rate".replace("%", "pct"), float(np.mean(errors)))


def _first(cases: Sequence[Case]) -> list[Case]:
    return [Case(Heard(case.heard.text), case.right) for case in cases]


def _measure_right(
    report: Report,
    name: str,
    understanding: Understanding,
    typed: list[Case],
    heard: dict[float, list[Case]],
    *,
    mistakes: bool = False,
) -> None:
    for kind, cases in {"typed": typed, **{f"misheard {rate:.0%}": cases for rate, cases in heard.items()}}.items():
        meanings = [_understand(understanding, case.heard) for case in cases]
        best = [_right(meaning, case) for meaning, case in zip(meanings, cases, strict=True)]
        answered = [meaning.verdict is Verdict.CLEAR for meaning in meanings]
        unsure = [meaning.verdict is Verdict.UNSURE for meaning in meanings]
        right = np.logical_and(best, answered)
        report.row(
            "right answers",
            understanding=name,
            questions=f"{len(cases)} {kind}",
            right=f"{right.mean():.1%}",
            asked_back_rightly=f"{np.logical_and(best, unsure).mean():.1%}",
            wrong=f"{np.logical_and(np.logical_not(best), answered).mean():.1%}",
            best_entry_right=f"{np.mean(best):.1%}",
        )
        if name == _FULL:
            target = 0.8 if kind == "typed" else None
            key = f"right_{kind}".replace(" ", "_").replace("%", "pct")
            report.figure(key, float(right.mean()), target=target, at_least=True)
        if mistakes:
            _list_mistakes(report, kind, cases, meanings)


def _list_mistakes(report: Report, kind: str, cases: list[Case], meanings: list[Meaning]) -> None:
    for case, meaning in zip(cases, meanings, strict=True):
        if not _right(meaning, case) or meaning.verdict is not Verdict.CLEAR:
            found = f"{meaning.verdict.value}: {meaning.entry.id if meaning.entry else ''}"
            report.row(f"mistakes, {kind}", heard=case.heard.text, expected=case.right[0], found=found)


def _measure_refusals(report: Report, understanding: Understanding, questions: Questions) -> None:
    for name, texts, wanted in (
        ("unknown", questions.unknown, Verdict.OFF_TOPIC),
        ("unknown_unseen", questions.unknown_unseen, Verdict.OFF_TOPIC),
        ("noise", questions.noise, Verdict.NOISE),
    ):
        verdicts = [_understand(understanding, Heard(text)).verdict for text in texts]
        answered = sum(verdict is Verdict.CLEAR for verdict in verdicts)
        report.figure(f"{name}_not_answered", 1 - answered / len(verdicts), target=0.9, at_least=True)
        report.figure(f"{name}_as_{wanted.value}", sum(verdict is wanted for verdict in verdicts) / len(verdicts))


def _measure_present(report: Report, storyteller: Storyteller, questions: Questions, *, mistakes: bool) -> None:
    """What lies ahead in the character's own story cannot be known, and what lies behind must not be refused."""
    for name, texts, wanted in (("ahead", questions.ahead, True), ("past", questions.past, False)):
        refused = [storyteller.understand(Heard(text), Dialogue()).verdict is Verdict.AHEAD for text in texts]
        report.figure(f"{name}_refused", sum(refused) / len(refused))
        for text, was_refused in zip(texts, refused, strict=True):
            if mistakes and was_refused is not wanted:
                report.row(f"mistakes, {name}", question=text)


def _measure_dialogues(report: Report, storyteller: Storyteller, followups: list[FollowUp], *, mistakes: bool) -> None:
    right: list[bool] = []
    for number, followup in enumerate(followups):
        dialogue = Dialogue()
        random = np.random.default_rng(number)
        first = dialogue.begin(1, followup.first)
        meaning = storyteller.understand(Heard(followup.first), dialogue)
        first.clauses = storyteller.answer(meaning, first, dialogue, random)
        meaning = storyteller.understand(Heard(followup.then), dialogue)
        right.append(meaning.entry is not None and meaning.entry.id in followup.entries)
        if mistakes and not right[-1]:
            found = meaning.entry.id if meaning.entry else ""
            report.row("mistakes, follow-ups", first=followup.first, then=followup.then, found=found)
    report.figure("right_follow_ups", sum(right) / len(right), target=0.8, at_least=True)


def _measure_cost(
    report: Report, config: ThinkerConfig, character: Character, understanding: Understanding, cases: list[Case]
) -> None:
    costs: list[float] = []
    for case in cases:
        began = time.process_time()
        _understand(understanding, case.heard)
        costs.append((time.process_time() - began) * 1e3)
    report.figure("understand_5_hypotheses_p50_cpu_ms", percentile(costs, 0.5))
    report.figure("understand_5_hypotheses_p95_cpu_ms", percentile(costs, 0.95))
    costs = []
    for case in cases:
        began = time.process_time()
        understanding.understand([Reading(case.heard.text + " ")])
        costs.append((time.process_time() - began) * 1e3)
    report.figure("understand_known_words_p50_cpu_ms", percentile(costs, 0.5))
    encoder = SentenceEncoder()
    costs = []
    for case in cases:
        began = time.process_time()
        encoder.embed([case.heard.text])
        costs.append((time.process_time() - began) * 1e3)
    report.figure("embed_question_p50_cpu_ms", percentile(costs, 0.5), target=15.0)
    began = time.process_time()
    _understanding(config, character)
    report.figure("load_cpu_s", time.process_time() - began, target=1.5)
    with tempfile.TemporaryDirectory() as folder:
        began = time.process_time()
        _understanding(msgspec.structs.replace(config, cache_dir=Path(folder)), character)
        report.figure("first_load_cpu_s", time.process_time() - began)


def _calibrate(report: Report, understanding: Understanding, known: list[Case], unknown: list[Case]) -> None:
    """Logistic regression of "the best entry is right" on the evidence."""
    from sklearn.linear_model import LogisticRegression

    meanings = [_understand(understanding, case.heard) for case in known + unknown]
    truth = [_right(meaning, case) for meaning, case in zip(meanings, known + unknown, strict=True)]
    model = LogisticRegression(C=100.0).fit([_regressors(meaning.evidence) for meaning in meanings], truth)
    report.figure("trust_share", float(model.coef_[0][0]))
    report.figure("trust_off_topic", float(model.coef_[0][1]))
    report.figure("trust_bias", float(model.intercept_[0]))


def _regressors(evidence: Evidence) -> list[float]:
    return [evidence.share, evidence.off_topic + evidence.noise]


def _understand(understanding: Understanding, heard: Heard) -> Meaning:
    return understanding.understand(read_in_context([heard.text, *heard.alternatives], None, None), heard.confidence)


def _right(meaning: Meaning, case: Case) -> bool:
    return meaning.entry is not None and meaning.entry.id in case.right
