"""When each phone of a read sentence is spoken: hidden Markov models of phones, from sound and spelling alone.

Source: Young et al., The HTK Book: a phone is three states in a row, each a Gaussian over cepstra; training begins
with every sentence divided evenly among its states, and goes on by best paths (Viterbi training). A pause may be as
long as it likes, or missing.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

STATES = 3
"""Of a phone: it lasts 30 ms at least."""

_LEAST_VARIANCE = 0.05  # of features with unit variance
_ROUNDS = 8
_BATCH = 48


class Chain(NamedTuple):
    """The states of a sentence, in order.

    Attributes:
        states: ``[S]`` numbers of states; see :func:`chain_of`.
        tokens: ``[S]`` which of the sentence's phones each belongs to.
        skippable: ``[S]`` whether it is a pause that may be missing.
    """

    states: Ints
    tokens: Ints
    skippable: npt.NDArray[np.bool_]


class Material(NamedTuple):
    """A sentence to align: ``[n, D]`` features, 100 per second, and its states."""

    features: Floats
    chain: Chain


def chain_of(phones: Sequence[int]) -> Chain:
    """States of a sentence: three per phone, one per pause (number 0), which may be missing."""
    states: list[int] = []
    tokens: list[int] = []
    for token, phone in enumerate(phones):
        count = STATES if phone else 1
        states.extend(phone * STATES + k for k in range(count))
        tokens.extend([token] * count)
    numbers = np.array(states, np.int64)
    return Chain(numbers, np.array(tokens, np.int64), numbers == 0)


class PhoneModels:
    """Gaussians of all states."""

    def __init__(self, phones: int, width: int) -> None:
        self._means = np.zeros((phones * STATES, width), np.float32)
        self._variances = np.ones((phones * STATES, width), np.float32)

    def fit(self, material: Sequence[Material], tell: Callable[[str], None]) -> None:
        """Learn from sentences, beginning with each divided evenly."""
        paths = [_even(one) for one in material]
        for number in range(_ROUNDS):
            self._estimate(material, paths)
            paths = self.paths(material)
            moved = float(np.mean([self.score(m, p) for m, p in zip(material, paths, strict=True)]))
            tell(f"aligner: round {number + 1} of {_ROUNDS}, log likelihood per frame {moved:.3f}")

    def paths(self, material: Sequence[Material]) -> list[Ints]:
        """``[n]`` place in its chain at each frame of each sentence; ``[0]`` where there are too few frames."""
        order = sorted(range(len(material)), key=lambda k: len(material[k].features))
        found: dict[int, Ints] = {}
        for start in range(0, len(order), _BATCH):
            chosen = order[start : start + _BATCH]
            found.update(zip(chosen, self._batch([material[k] for k in chosen]), strict=True))
        return [found[k] for k in range(len(material))]

    def score(self, one: Material, path: Ints) -> float:
        """Mean log likelihood of a sentence's frames on a path."""
        if not len(path):
            return 0.0
        return float(self._logs(one.features)[np.arange(len(path)), one.chain.states[path]].mean())

    def _logs(self, features: Floats) -> Floats:
        """``[n, states]`` log densities of ``[n, D]``."""
        weight = 1.0 / self._variances
        squares = np.square(features) @ weight.T - 2 * features @ (self._means * weight).T
        constant = (np.square(self._means) * weight + np.log(self._variances)).sum(1)
        return -0.5 * (squares + constant)

    def _estimate(self, material: Sequence[Material], paths: Sequence[Ints]) -> None:
        used = [(m, p) for m, p in zip(material, paths, strict=True) if len(p)]
        states = np.concatenate([m.chain.states[p] for m, p in used])
        features = np.concatenate([m.features for m, _ in used])
        order = np.argsort(states, kind="stable")
        numbers, firsts = np.unique(states[order], return_index=True)
        counts = np.diff(np.append(firsts, len(states)))[:, None]
        ordered = features[order]
        mean = np.add.reduceat(ordered, firsts) / counts
        square = np.add.reduceat(np.square(ordered), firsts) / counts
        self._means[numbers] = mean
        self._variances[numbers] = np.maximum(square - np.square(mean), _LEAST_VARIANCE)

    def _batch(self, material: Sequence[Material]) -> list[Ints]:
        """Best paths of sentences of about the same length, side by side."""
        frames = np.array([len(m.features) for m in material])
        sizes = np.array([len(m.chain.states) for m in material])
        logs = np.full((frames.max(), len(material), sizes.max()), -np.inf, np.float32)
        skips = np.zeros((len(material), sizes.max()), bool)
        for row, one in enumerate(material):
            logs[: frames[row], row, : sizes[row]] = self._logs(one.features)[:, one.chain.states]
            skips[row, 1 : sizes[row]] = one.chain.skippable[:-1]
        came, score = _forward(logs, skips, frames)
        chains = [one.chain for one in material]
        return [_back(came[:, row], score[row], frames[row], chain) for row, chain in enumerate(chains)]


def best_path(logs: Floats, chain: Chain) -> Ints:
    """``[n]`` place in a chain at each frame, of ``[n, S]`` log likelihoods of its states; ``[0]`` for too few frames.

    The first and the last state may be pauses that are missing.
    """
    skips = np.zeros((1, len(chain.states)), bool)
    skips[0, 1:] = chain.skippable[:-1]
    came, score = _forward(logs[:, None], skips, np.array([len(logs)]))
    return _back(came[:, 0], score[0], len(logs), chain)


def starts_of(path: Ints, chain: Chain) -> dict[int, int]:
    """First frame of each phone that has any, by its number in the sentence."""
    tokens = chain.tokens[path]
    firsts = np.flatnonzero(np.diff(tokens, prepend=-1))
    return {int(tokens[frame]): int(frame) for frame in firsts}


def _even(one: Material) -> Ints:
    """A path that stays as long in every state."""
    size, count = len(one.chain.states), len(one.features)
    return np.arange(count) * size // max(1, count) if count >= size else np.zeros(0, np.int64)


def _forward(logs: Floats, skips: npt.NDArray[np.bool_], frames: Ints) -> tuple[npt.NDArray[np.int8], Floats]:
    """``[T, B, S]`` steps with which each state was come to (0 stayed, 1, 2 over a pause), ``[B, S]`` last scores."""
    score = np.full(logs.shape[1:], -np.inf, np.float32)
    score[:, 0] = logs[0, :, 0]
    score[:, 1] = np.where(skips[:, 1], logs[0, :, 1], -np.inf)
    came = np.zeros(logs.shape, np.int8)
    for frame in range(1, len(logs)):
        one, two = np.full_like(score, -np.inf), np.full_like(score, -np.inf)
        one[:, 1:] = score[:, :-1]
        two[:, 2:] = np.where(skips[:, 2:], score[:, :-2], -np.inf)
        best = np.maximum(np.maximum(score, one), two)
        came[frame] = np.where(best == score, 0, np.where(best == one, 1, 2))
        score = np.where((frame < frames)[:, None], best + logs[frame], score)
    return came, score


def _back(came: npt.NDArray[np.int8], score: Floats, frames: int, chain: Chain) -> Ints:
    """The path that ends in the last state, or before it where that is a pause; ``[0]`` if there is none."""
    last = len(chain.states) - 1
    state = last - 1 if chain.skippable[last] and score[last - 1] > score[last] else last
    if not np.isfinite(score[state]):
        return np.zeros(0, np.int64)
    path = np.empty(frames, np.int64)
    for frame in range(frames - 1, -1, -1):
        path[frame] = state
        state -= int(came[frame, state])
    return path
