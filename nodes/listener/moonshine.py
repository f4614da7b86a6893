"""Speech to text with Moonshine: beam search bent towards the character's vocabulary, with its best alternatives."""

from collections.abc import Generator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from mio.errors import MioError
from nodes.listener.beam import Beam, Bias, Choices, Limits, NoBias, beam_search, begun, rank
from nodes.listener.bias import WordBias
from nodes.listener.config import MoonshineConfig
from nodes.listener.moonshine_model import Entries, Memory, MoonshineModel
from nodes.listener.recognition import NOTHING, Hypothesis, Recognition, Recognizing, Section, without_repeats
from nodes.listener.session import package_file
from nodes.listener.tokens import END, START, Vocabulary
from nodes.listener.utterance import plain

FloatArray = npt.NDArray[np.float32]

REQUIREMENT = "moonshine-voice==0.0.73"
FILES = ("encoder_model.ort", "decoder_model_merged.ort", "tokenizer.bin")

_PADDING_SAMPLES = 3_200
_TOKENS_PER_S = 6.5  # as much as speech has; the model's own card warns of loops beyond it
_SPARE_TOKENS = 6
_YIELD_EVERY = 3
_CERTAIN = 0.7  # of a draft's token, not to be doubted by the search
_IMAGINED = {
    "",
    "you",
    "thank you for watching",
}  # what it writes on noise, hum, taps and silence, and people do not say


class Moonshine:
    """The engine ``moonshine``.

    Attributes:
        partial_every_s: See :class:`~nodes.listener.recognition.Recognizer`.
        longest_s: The same.
    """

    longest_s = 16.0

    def __init__(self, config: MoonshineConfig, questions: list[str]) -> None:
        """Load the model.

        Args:
            config: Its section.
            questions: What people may well ask.
        """
        folder = model_folder(config)
        self.partial_every_s = config.partial_every_s
        self._config = config
        self._model = MoonshineModel(folder)
        self._vocabulary = Vocabulary(folder / "tokenizer.bin")
        biased = bool(questions) and config.bias > 0
        self._bias: Bias = WordBias(questions, self._vocabulary, config.bias) if biased else NoBias()

    def recognize(self, section: Section, draft: Recognition, *, settled: bool) -> Recognizing:
        """See :class:`~nodes.listener.recognition.Recognizer`."""
        memory = self._model.encode(np.pad(section.sound, _PADDING_SAMPLES))
        yield
        longest = round(section.duration_s * _TOKENS_PER_S) + _SPARE_TOKENS
        reading = _Draft.read(self._model, memory, draft.tokens[:longest])
        yield
        if settled:
            beams = yield from self._search(reading, longest, self._width(section.duration_s))
        else:
            beams = yield from self._guess(reading, longest)
        return self._recognition(beams)

    def _width(self, duration_s: float) -> int:
        affordable = round(self._config.beam_seconds / max(duration_s, 0.1))
        return max(1, min(self._config.beams, affordable))

    def _search(self, reading: "_Draft", longest: int, width: int) -> Generator[None, None, list[Beam]]:
        """Follow several readings, from the first token of the draft that is not certain."""
        tokens, known, following, network = reading.kept(_CERTAIN)
        limits = Limits(width, longest, END, self._vocabulary.marks)
        search = beam_search(network, following, begun(tokens, known, limits, self._bias), limits, self._bias)
        return (yield from _every(search, _YIELD_EVERY))

    def _guess(self, reading: "_Draft", longest: int) -> Generator[None, None, list[Beam]]:
        """Follow the single best token, from the first token of the draft that is not the best one any more."""
        tokens, known, following, network = reading.kept(0.0)
        while True:
            token = int(following.tokens[0, 0])
            known.append(float(following.log_probabilities[0, 0]))
            if token == END or len(tokens) >= longest:
                return [Beam(tuple(tokens), tuple(known))]
            tokens.append(token)
            following = network.advance([0], [token])
            if len(tokens) % _YIELD_EVERY == 0:
                yield

    def _recognition(self, beams: list[Beam]) -> Recognition:
        hypotheses = [
            Hypothesis(without_repeats(self._vocabulary.text(list(beam.tokens))), beam.score)
            for beam in sorted(beams, key=rank, reverse=True)
        ]
        if plain(hypotheses[0].text) in _IMAGINED:
            return NOTHING
        heard = tuple(hypothesis for hypothesis in hypotheses if plain(hypothesis.text))
        best = max(beams, key=rank)
        return Recognition(heard, confidence(best), "en", best.tokens)


def confidence(beam: Beam) -> float:
    """Expected share of right words, from the mean log-probability of the tokens."""
    mean = beam.log_probability / max(1, len(beam.log_probabilities))
    return float(np.exp(mean))


def model_folder(config: MoonshineConfig) -> Path:
    """The user's folder, or that of the English model in the package moonshine-voice.

    Raises:
        MioError: If the folder has no model, or the package is not installed.
    """
    if config.folder is None:
        return package_file("moonshine_voice", "assets/tiny-en/tokenizer.bin", REQUIREMENT).parent
    for name in FILES:
        if not (config.folder / name).is_file():
            problem = f"no Moonshine model at {config.folder}: {name} is missing"
            raise MioError(problem, "leave listener.moonshine.folder out for the model of the package moonshine-voice")
    return config.folder


class _Continuation:
    """The decoder as the beam search wants it."""

    def __init__(self, model: MoonshineModel, memory: Memory, path: Entries) -> None:
        self._model = model
        self._memory = memory
        self._paths = [path]

    def advance(self, rows: list[int], tokens: list[int]) -> Choices:
        paths = [self._paths[row] for row in rows]
        first = len(self._memory.past)
        self._paths = [(*path, first + number) for number, path in enumerate(paths)]
        return self._model.read(self._memory, tokens, paths)


class _Draft(NamedTuple):
    """A draft as the decoder sees it in the light of the whole sound.

    Attributes:
        model: The decoder.
        memory: The sound, the start and the draft's tokens.
        tokens: The draft.
        following: What may follow the start, and each token.
    """

    model: MoonshineModel
    memory: Memory
    tokens: tuple[int, ...]
    following: Choices

    @classmethod
    def read(cls, model: MoonshineModel, memory: Memory, tokens: tuple[int, ...]) -> "_Draft":
        """Read all tokens in one go."""
        paths = [tuple(range(count)) for count in range(1 + len(tokens))]
        return cls(model, memory, tokens, model.read(memory, [START, *tokens], paths))

    def kept(self, probability: float) -> tuple[list[int], list[float], Choices, _Continuation]:
        """The draft's tokens that still hold: the most probable ones, and at least this probable.

        Returns:
            The tokens, their log-probabilities, what may follow them, and the decoder behind them.
        """
        least = np.log(max(probability, 1e-9))
        best, log_probabilities = self.following.tokens[:, 0], self.following.log_probabilities[:, 0]
        count = 0
        while count < len(self.tokens) and self.tokens[count] == best[count] and log_probabilities[count] >= least:
            count += 1
        network = _Continuation(self.model, self.memory, tuple(range(1 + count)))
        return list(self.tokens[:count]), log_probabilities[:count].tolist(), self.following.row(count), network


def _every(work: Generator[None, None, list[Beam]], steps: int) -> Generator[None, None, list[Beam]]:
    """The same work, yielding less often."""
    done = 0
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value
        done += 1
        if done % steps == 0:
            yield
