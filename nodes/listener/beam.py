"""Search for the most probable token sequences. Knows no sound and no text; what it likes can be bent by a bias."""

from collections.abc import Generator, Iterable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]


class Choices(NamedTuple):
    """What may follow each of ``B`` sequences.

    Attributes:
        tokens: ``[B, n]`` the most probable next tokens, best first.
        log_probabilities: ``[B, n]`` of each.
    """

    tokens: IntArray
    log_probabilities: FloatArray

    def row(self, number: int) -> "Choices":
        """What may follow one of them."""
        return Choices(self.tokens[number : number + 1], self.log_probabilities[number : number + 1])


class Network(Protocol):
    """What continues token sequences: the next tokens of every hypothesis that is kept."""

    def advance(self, rows: list[int], tokens: list[int]) -> Choices:
        """Append a token to each of the chosen hypotheses.

        Args:
            rows: Which hypotheses to go on from, by their number in the last call.
            tokens: The token to append to each.

        Returns:
            What may follow each.
        """
        ...


BiasState = tuple[str, str, str]


class Bias(Protocol):
    """A taste for some sequences.

    Attributes:
        start: The state before the first token.
    """

    start: BiasState

    def advance(self, state: BiasState, token: int) -> tuple[BiasState, float]:
        """State after a token, and what to add to the log-probability."""
        ...

    def finish(self, state: BiasState) -> float:
        """What to add when the sequence ends in a state."""
        ...


@dataclass(frozen=True)
class Beam:
    """A token sequence.

    Attributes:
        tokens: Without start and end.
        log_probabilities: Of each token, and of the end if it is finished.
        bonus: What the bias added.
        state: Of the bias.
        essence: The tokens that count as a difference.
    """

    tokens: tuple[int, ...] = ()
    log_probabilities: tuple[float, ...] = ()
    bonus: float = 0.0
    state: BiasState = ("", "", "")
    essence: tuple[int, ...] = ()

    @property
    def log_probability(self) -> float:
        """Of the whole sequence, without the bias."""
        return sum(self.log_probabilities)

    @property
    def score(self) -> float:
        """What beams of the same length are compared by."""
        return self.log_probability + self.bonus


class Limits(NamedTuple):
    """How far a search goes.

    Attributes:
        width: Hypotheses kept.
        longest: Most tokens.
        end: The end token.
        ignored: Tokens that make no difference, such as punctuation: of sequences that differ only in them the best is
            kept.
        margin: Log-probability behind the best sequence at which another one is hopeless.
        enough: Finished sequences that end the search, if no open one ranks before the worst of them.
    """

    width: int
    longest: int
    end: int
    ignored: frozenset[int] = frozenset()
    margin: float = 6.0
    enough: int = 3


class NoBias:
    """No taste."""

    start: BiasState = ("", "", "")

    def advance(self, state: BiasState, token: int) -> tuple[BiasState, float]:
        """See :class:`Bias`."""
        return state, 0.0

    def finish(self, state: BiasState) -> float:
        """See :class:`Bias`."""
        return 0.0


def beam_search(
    network: Network, first: Choices, start: Beam, limits: Limits, bias: Bias
) -> Generator[None, None, list[Beam]]:
    """Find the best sequences; yields after every step.

    Ends when enough beams are finished and no open one ranks before the worst of the best, or all are hopeless.

    Args:
        network: Continues the sequences.
        first: What may follow the start.
        start: What all sequences begin with.
        limits: How far to go.
        bias: Added to the scores.

    Returns:
        Up to ``limits.width`` finished beams, best first by score per token.
    """
    following = first
    open_beams = [start]
    finished: dict[tuple[int, ...], Beam] = {}
    enough = min(limits.enough, limits.width)
    while len(open_beams[0].tokens) <= limits.longest:
        ranked = _candidates(open_beams, following, limits, bias)
        for candidate in ranked[: limits.width]:
            if candidate.finished:
                _keep_best(finished, candidate.beam)
        going = _going(ranked, limits, max((beam.score for beam in finished.values()), default=-np.inf))
        best = sorted(finished.values(), key=rank, reverse=True)[:enough]
        if not going or (len(best) >= enough and rank(best[-1]) >= max(rank(each.beam) for each in going)):
            break
        open_beams = [candidate.beam for candidate in going]
        yield
        following = network.advance([candidate.row for candidate in going], [beam.tokens[-1] for beam in open_beams])
    found = list(finished.values()) or open_beams
    least = max(beam.score for beam in found) - limits.margin
    return sorted((beam for beam in found if beam.score >= least), key=rank, reverse=True)[: limits.width]


def begun(tokens: Iterable[int], log_probabilities: Iterable[float], limits: Limits, bias: Bias) -> Beam:
    """The beam that a search starts from, if its first tokens are certain."""
    beam = Beam(state=bias.start)
    for token, log_probability in zip(tokens, log_probabilities, strict=True):
        beam = _longer(beam, token, log_probability, limits, bias)
    return beam


def rank(beam: Beam) -> float:
    """Score per token, so that long readings are not at a disadvantage."""
    return beam.score / max(1, len(beam.log_probabilities))


class _Candidate(NamedTuple):
    row: int
    beam: Beam
    finished: bool


def _candidates(beams: list[Beam], following: Choices, limits: Limits, bias: Bias) -> list[_Candidate]:
    """The best continuations, best first by score."""
    count = 2 * limits.width
    found: list[_Candidate] = []
    for row, beam in enumerate(beams):
        best = zip(
            following.tokens[row, :count].tolist(), following.log_probabilities[row, :count].tolist(), strict=True
        )
        for token, log_probability in best:
            if token == limits.end:
                found.append(_Candidate(row, _ended(beam, log_probability, bias), True))
            else:
                found.append(_Candidate(row, _longer(beam, token, log_probability, limits, bias), False))
    return sorted(found, key=lambda candidate: candidate.beam.score, reverse=True)


def _going(ranked: list[_Candidate], limits: Limits, best_finished: float) -> list[_Candidate]:
    """The open beams that are followed: the best ones that differ and are not hopeless."""
    least = max(best_finished, ranked[0].beam.score) - limits.margin
    going: dict[tuple[int, ...], _Candidate] = {}
    for candidate in ranked:
        if candidate.beam.score < least or len(going) == limits.width:
            break
        if not candidate.finished:
            going.setdefault(candidate.beam.essence, candidate)
    return list(going.values())


def _keep_best(finished: dict[tuple[int, ...], Beam], beam: Beam) -> None:
    other = finished.get(beam.essence)
    if other is None or rank(beam) > rank(other):
        finished[beam.essence] = beam


def _longer(beam: Beam, token: int, log_probability: float, limits: Limits, bias: Bias) -> Beam:
    state, bonus = bias.advance(beam.state, token)
    essence = beam.essence if token in limits.ignored else (*beam.essence, token)
    return Beam((*beam.tokens, token), (*beam.log_probabilities, log_probability), beam.bonus + bonus, state, essence)


def _ended(beam: Beam, log_probability: float, bias: Bias) -> Beam:
    known = (*beam.log_probabilities, log_probability)
    return Beam(beam.tokens, known, beam.bonus + bias.finish(beam.state), beam.state, beam.essence)
