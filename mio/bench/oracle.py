"""How well an oracle's attributions agree with labelled turns: correlation, signs, the turn that spoilt it.

The oracle sees whole conversations with the person's reactions and the rating, never the labels. Without an endpoint a
scripted oracle is measured that reads the reactions only, as what a language model has to beat.
"""

import argparse
import os
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np

from mio.bench.report import Report
from mio.character import read_character
from mio.errors import ConfigError
from mio.paths import share
from nodes.thinker.memory.graph import Present, StoryGraph
from nodes.thinker.training.critics import ModelOracle, Oracle, opinions
from nodes.thinker.training.cue_oracle import CueOracle
from nodes.thinker.training.decomposition import decompose
from nodes.thinker.training.session import BoolArray, Brief, FloatArray, Session, Turn
from nodes.thinker.training.stage import PackStage
from nodes.thinker.training.structured_answers import AnsweringModel

DURATION = "seconds, or five questions per conversation to an endpoint"

_DATA = Path(__file__).parent / "data" / "oracle.yml"
_BRIEF = Brief("", "none", Present(0.0))
_RESAMPLES = 2_000


class LabelledTurn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A turn and what its answer did for the rating, -1..1."""

    user: str
    reply: str
    label: float
    cues: list[str] = []


class LabelledSession(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A conversation and its rating, -1..1."""

    rating: float
    turns: list[LabelledTurn]

    @property
    def session(self) -> Session:
        """What the oracle sees."""
        return Session(tuple(Turn(turn.user, turn.reply, tuple(turn.cues)) for turn in self.turns))

    @property
    def labels(self) -> FloatArray:
        """``[T]`` what it does not see."""
        return np.array([turn.label for turn in self.turns], np.float64)


class Labelled(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A whole file."""

    sessions: list[LabelledSession]


class Attributed(NamedTuple):
    """A conversation with what the oracle made of it.

    Attributes:
        labels: ``[T]`` the truth.
        opinion: ``[T]`` mean of the oracle's opinions.
        shares: ``[T]`` the rating, split.
        kept: ``[T]`` whether the opinions agreed.
        even: ``[T]`` the rating undivided, for comparison.
    """

    labels: FloatArray
    opinion: FloatArray
    shares: FloatArray
    kept: BoolArray
    even: FloatArray


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    parser.add_argument("--data", type=Path, default=_DATA, help="labelled conversations (YAML)")
    parser.add_argument("--url", help="OpenAI-compatible endpoint; without one, the scripted oracle")
    parser.add_argument("--model", default="default", help="model there")
    parser.add_argument("--key-env", default="OPENAI_API_KEY", help="environment variable with its key")
    parser.add_argument("--character", type=Path, default=share("characters", "mara"), help="character pack")
    parser.add_argument("--samples", type=int, default=5, help="opinions per conversation (5)")
    parser.add_argument("--agreement", type=float, default=1.0, help="share of them that must agree (1)")


def run(args: argparse.Namespace, report: Report) -> None:
    """Ask the oracle about all conversations, and compare."""
    oracle = _oracle(args)
    labelled = read_labelled(args.data)
    done = [_attribute(oracle, one, args.samples, args.agreement) for one in labelled.sessions]
    _measure(report, done)
    report.note("oracle: " + (f"{args.model} at {args.url}" if args.url else "scripted, reads reactions and rules"))


def read_labelled(path: Path) -> Labelled:
    """Read labelled conversations.

    Raises:
        ConfigError: If the file is missing, malformed or empty.
    """
    try:
        labelled = msgspec.yaml.decode(path.read_bytes(), type=Labelled)
    except (OSError, msgspec.MsgspecError) as error:
        raise ConfigError(f"{path}: {error}", "name a file as mio/bench/data/oracle.yml") from error
    if not any(session.turns for session in labelled.sessions):
        raise ConfigError(f"{path}: no labelled turn", "name a file as mio/bench/data/oracle.yml")
    return labelled


def interval(done: list[Attributed], of: str, seed: int = 0) -> tuple[float, float]:
    """95 % interval of the correlation with the labels, over resampled conversations."""
    random = np.random.default_rng(seed)
    drawn = [[done[k] for k in random.integers(len(done), size=len(done))] for _ in range(_RESAMPLES)]
    low, high = np.nanpercentile([correlation(some, of) for some in drawn], (2.5, 97.5))
    return float(low), float(high)


def correlation(done: list[Attributed], of: str) -> float:
    """Pearson's correlation of all turns with their labels; 0 if one of both never varies."""
    values = np.concatenate([getattr(one, of) for one in done])
    labels = np.concatenate([one.labels for one in done])
    if values.std() == 0 or labels.std() == 0:
        return 0.0
    return float(np.corrcoef(values, labels)[0, 1])


def _oracle(args: argparse.Namespace) -> Oracle:
    if not args.url:
        return CueOracle(StoryGraph())
    stage = PackStage(read_character(args.character), StoryGraph(), Present(0.0))
    return ModelOracle(AnsweringModel(args.url, args.model, os.environ.get(args.key_env, "")), stage.card)


def _attribute(oracle: Oracle, one: LabelledSession, samples: int, agreement: float) -> Attributed:
    asked = opinions(oracle, _BRIEF, one.session, one.rating, range(samples))
    split = decompose(asked, one.rating, agreement)
    even = np.full(len(one.turns), one.rating)
    return Attributed(one.labels, asked.mean(axis=0), split.shares * len(one.turns), split.kept, even)


def _measure(report: Report, done: list[Attributed]) -> None:
    for of, title in (
        ("opinion", "mean opinion of the oracle"),
        ("shares", "the rating, split by it"),
        ("even", "the rating, undivided"),
    ):
        low, high = interval(done, of)
        value = correlation(done, of)
        report.row(
            "correlation with the labels", what=title, pearson=f"{value:.3f}", interval=f"{low:.2f} to {high:.2f}"
        )
        report.figure(f"{of}_correlation", value)
    every: Any = np.concatenate
    labels, opinion, kept = (every([getattr(one, of) for one in done]) for of in ("labels", "opinion", "kept"))
    signed = labels != 0
    right = np.sign(opinion) == np.sign(labels)
    report.figure("turns", len(labels))
    report.figure("right_sign", float(right[signed].mean()))
    report.figure("kept", float(kept.mean()))
    report.figure("right_sign_of_kept", float(right[signed & kept].mean()) if (signed & kept).any() else 0.0)
    worst = [one.labels[int(one.opinion.argmin())] == one.labels.min() for one in done]
    report.figure("worst_turn_found", float(np.mean(worst)))
    sums = [abs(one.shares.mean() - one.even[0]) for one in done]
    report.figure("largest_error_of_sum", float(np.max(sums)), target=1e-9)
