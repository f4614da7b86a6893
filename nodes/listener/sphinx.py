"""Speech to text with PocketSphinx, streamed, its language model made of the character's questions and of English."""

import hashlib
import logging
import math
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pocketsphinx

from mio.contracts.phones import ARPABET
from mio.errors import MioError
from nodes.listener.config import PocketSphinxConfig
from nodes.listener.language_model import write_arpa
from nodes.listener.recognition import NOTHING, Hypothesis, Recognition, Recognizing, Section
from nodes.listener.utterance import words

FloatArray = npt.NDArray[np.float32]
Pronouncer = Callable[[str], list[str]]
"""Phones of a word in ARPABET; none if it cannot say."""

_log = logging.getLogger(__name__)

_LOG_BASE = math.log(1.0001)  # PocketSphinx counts log-probabilities in this base
_COMMON_WORDS = 3_000
_HYPOTHESES = 30
_SLICE_SAMPLES = 3_200  # about 50 ms of computing
_MODELS = Path(pocketsphinx.get_model_path()) / "en-us"
_GENERAL_MODEL = _MODELS / "en-us.lm.bin"
_DICTIONARY = _MODELS / "cmudict-en-us.dict"
_ARPABET_OF = {spelled[0]: name for name, spelled in ARPABET.items() if len(spelled) == 1}


class PocketSphinx:
    """The engine ``pocketsphinx``.

    A growing section is decoded as it grows; its alternatives need the utterance to be closed, and more sound after
    that is decoded again from the start.

    Attributes:
        partial_every_s: See :class:`~nodes.listener.recognition.Recognizer`.
        longest_s: The same.
    """

    longest_s = 30.0

    def __init__(self, config: PocketSphinxConfig, questions: list[str], cache_dir: Path) -> None:
        """Load the acoustic model, and build the language model or take it from the cache.

        Args:
            config: Its section.
            questions: What people may well ask.
            cache_dir: Where prepared language models are kept.
        """
        self.partial_every_s = config.partial_every_s
        biased = bool(questions) and config.domain_weight > 0
        model = _prepared_model(questions, config.domain_weight, cache_dir.expanduser()) if biased else _GENERAL_MODEL
        self._decoder = _open_decoder(model)
        self._teach(questions if biased else [])
        self._start_sample = -1
        self._fed = 0
        self._open = False

    def recognize(self, section: Section, draft: Recognition, *, settled: bool) -> Recognizing:
        """See :class:`~nodes.listener.recognition.Recognizer`."""
        grown = self._open and section.start_sample == self._start_sample and len(section.sound) >= self._fed
        if not grown:
            self._close()
            self._decoder.start_utt()
            self._open, self._start_sample, self._fed = True, section.start_sample, 0
        sound = np.clip(section.sound * 32767.0, -32768, 32767).astype(np.int16)
        while self._fed < len(sound):
            piece = sound[self._fed : self._fed + _SLICE_SAMPLES]
            self._decoder.process_raw(piece.tobytes(), full_utt=False)
            self._fed += len(piece)
            yield
        if not settled:
            return self._best()
        self._close()
        return self._all()

    def _close(self) -> None:
        if self._open:
            self._decoder.end_utt()
            self._open = False

    def _best(self) -> Recognition:
        found = self._decoder.hyp()
        text = _sentence(found.hypstr) if found else ""
        return Recognition((Hypothesis(text),)) if text else NOTHING

    def _all(self) -> Recognition:
        best = self._decoder.hyp()
        if best is None or not best.hypstr:
            return NOTHING
        texts: dict[str, float] = {_sentence(best.hypstr): 1.0}
        for rank, other in zip(range(_HYPOTHESES), self._decoder.nbest(), strict=False):
            if other and other.hypstr:
                texts.setdefault(_sentence(other.hypstr), 1.0 / (rank + 2))
        hypotheses = tuple(Hypothesis(text, math.log(weight)) for text, weight in texts.items() if text)
        return Recognition(hypotheses, self._confidence()) if hypotheses else NOTHING

    def _confidence(self) -> float:
        """Mean posterior of the words: the expected share of right ones, as far as the lattice knows."""
        posteriors = [segment.prob for segment in self._decoder.seg() if _is_word(segment.word)]
        return min(1.0, sum(posteriors) / len(posteriors)) if posteriors else 0.0

    def _teach(self, questions: list[str]) -> None:
        """Say to the decoder how the character's names are pronounced that its dictionary lacks."""
        unknown = sorted({w for q in questions for w in words(q) if self._decoder.lookup_word(w) is None})
        phones = _pronouncer() if unknown else None
        for word in unknown:
            spoken = phones(word) if phones else []
            if spoken:
                self._decoder.add_word(word, " ".join(spoken), True)
            else:
                _log.warning("'%s' has no pronunciation and will not be heard; espeak-ng would know it", word)


def _open_decoder(language_model: Path) -> pocketsphinx.Decoder:
    try:
        return pocketsphinx.Decoder(lm=str(language_model), loglevel="FATAL")
    except RuntimeError as error:
        raise MioError(
            f"{language_model}: PocketSphinx cannot use it ({error})", "delete it, it is made anew"
        ) from error


def _prepared_model(questions: list[str], weight: float, cache_dir: Path) -> Path:
    """Path of the language model for these questions, built if it is not in the cache."""
    content = "\n".join([f"{weight}", f"{_COMMON_WORDS}", *questions])
    path = cache_dir / "listener" / f"{hashlib.sha256(content.encode()).hexdigest()[:16]}.arpa"
    if path.is_file():
        return path
    general = _open_decoder(_GENERAL_MODEL).get_lm()

    def probability(history: list[str]) -> float:
        return math.exp(general.prob(history[::-1]) * _LOG_BASE)

    text = write_arpa([words(question) for question in questions], probability, _common_words(probability), weight)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(f".{os.getpid()}")
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        raise MioError(f"{path}: {error.strerror or error}", "set listener.cache_dir to a writable folder") from error
    return path


def _common_words(probability: Callable[[list[str]], float]) -> list[str]:
    """The most frequent words of general English that have a pronunciation."""
    with _DICTIONARY.open(encoding="utf-8") as lines:
        known = {line.split(maxsplit=1)[0] for line in lines}
    plain = [word for word in known if "(" not in word and any(c.isalpha() for c in word)]
    return sorted(plain, key=lambda word: -probability([word]))[:_COMMON_WORDS]


def _pronouncer() -> Pronouncer | None:
    """Pronunciation by espeak-ng, if it is there."""
    try:
        from mio.espeak import Espeak

        espeak = Espeak.shared()
    except (ImportError, MioError):
        return None

    def phones(word: str) -> list[str]:
        spoken = [phone for part in espeak.phonemes(word) for phone in part]
        return [_ARPABET_OF[phone] for phone in spoken if phone in _ARPABET_OF]

    return phones


def _sentence(text: str) -> str:
    """PocketSphinx's words without the marks of their pronunciation variants, beginning with a capital."""
    plain = " ".join(word.partition("(")[0] for word in text.split())
    return plain[:1].upper() + plain[1:]


def _is_word(entry: str) -> bool:
    return not entry.startswith(("<", "["))
