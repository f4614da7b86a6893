"""Which of the character's entries did the user mean? Knows texts and entries, no dialogue and no messages.

Every reading of what was said (the recogniser's hypotheses, and what they mean in context) is compared with each entry
in four ways: by meaning, with a logistic regression on sentence embeddings and by the nearest example question; by
sound, with the likeness of phone n-grams, since a misheard word sounds right and means something else; and by the rare
words that it shares with the entry's questions and answers. The weighted sum makes a distribution over the entries;
readings are mixed by their weight, and those that fit some entry count more than those that fit none.
"""

import hashlib
import logging
import math
from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mio.character import Entry
from mio.sentences.encoder import SentenceEncoder, embed_cached
from nodes.thinker.classifier import softmax, train
from nodes.thinker.clauses import cut_clauses
from nodes.thinker.likeness import SoundIndex
from nodes.thinker.pronunciation import Pronunciation
from nodes.thinker.wording import WordIndex
from nodes.thinker.words import ending, plain

Array = npt.NDArray[np.float32]
Shares = npt.NDArray[np.float64]

_log = logging.getLogger(__name__)

_LONGEST_WORDS = 48  # of what was said; the question stands at its end
_CANDIDATES = 12
_FIT = 0.3  # power of a reading's fit in its weight; best of 0 to 1 on 250 unseen questions, recognised
_SENSIBLE_WORDS = 3  # fewer that fit nothing are taken for noise
_CACHE_VERSION = 1

# Logistic regression of "the best entry is right" on its share and on that of ``off_topic``, fitted by
# `mio bench understanding --calibrate` on unseen questions, typed, recognised and misheard, known and unknown.
_TRUST_SHARE, _TRUST_OFF_TOPIC, _TRUST_BIAS = 5.5, -11.2, -2.3


class Reading(NamedTuple):
    """One way to read what was said, and how much it counts."""

    text: str
    weight: float = 1.0


class Verdict(Enum):
    """What became of an utterance.

    ``CLEAR`` the entry is meant; ``UNSURE`` it probably is; ``OFF_TOPIC`` it makes sense, but nothing known is meant;
    ``NOISE`` it makes no sense. Where there is a story: ``RECALLED`` no entry is meant, but the story tells of it;
    ``AHEAD`` what the story has about it cannot be known yet.
    """

    CLEAR = "clear"
    UNSURE = "unsure"
    OFF_TOPIC = "off_topic"
    NOISE = "noise"
    RECALLED = "recalled"
    AHEAD = "ahead"


class Evidence(NamedTuple):
    """What trust is computed from.

    Attributes:
        share: Of the best entry, 0..1.
        off_topic: Share of what makes sense and is known to be unknown, 0..1.
        noise: Share of what makes no sense, 0..1.
    """

    share: float
    off_topic: float
    noise: float

    @property
    def trust(self) -> float:
        """Probability that the best entry is right."""
        score = _TRUST_BIAS + _TRUST_SHARE * self.share + _TRUST_OFF_TOPIC * (self.off_topic + self.noise)
        return 1 / (1 + math.exp(-score))


class Meaning(NamedTuple):
    """What an utterance was understood as.

    Attributes:
        verdict: What became of it.
        entry: The most probable entry, also where it is not certain; None for an empty utterance.
        example: The entry's example question that is nearest in meaning.
        evidence: What speaks for and against it.
        candidates: The most probable entries with their shares, best first.
        recalled: What the story tells of it, if that is the verdict.
        source: The story's node that tells it; empty if it has none.
    """

    verdict: Verdict
    entry: Entry | None
    example: str
    evidence: Evidence
    candidates: list[tuple[Entry, float]]
    recalled: str = ""
    source: str = ""


class Weights(NamedTuple):
    """How much each comparison counts, in logits.

    The defaults are a conditional logit fit to 560 unseen questions, typed and recognised from synthetic voices; fits
    that leave out one set of questions differ by a tenth.

    Attributes:
        meaning: Of the logistic regression's logits.
        nearness: Per unit of cosine with the nearest example question.
        sound: Per unit of sound likeness to the example question that sounds nearest.
        words: Per unit of shared words.
    """

    meaning: float = 0.9
    nearness: float = 4.0
    sound: float = 7.0
    words: float = 11.0


class Thresholds(NamedTuple):
    """Where one verdict ends and the next begins.

    Attributes:
        clear: Trust from which an entry is answered.
        unsure: Trust from which it is asked back.
        hearing: Confidence of the recogniser below which words that fit nothing are taken for misheard.
    """

    clear: float = 0.3
    unsure: float = 0.15
    hearing: float = 0.5


class Understanding:
    """Finds the entry that an utterance means."""

    def __init__(
        self,
        entries: Sequence[Entry],
        encoder: SentenceEncoder,
        cache_dir: Path,
        *,
        language: str = "en",
        thresholds: Thresholds | None = None,
        weights: Weights | None = None,
    ) -> None:
        """Learn the entries' example questions, or take what was learnt from the cache.

        Args:
            entries: What can be meant; at least two.
            encoder: Makes vectors of sentences.
            cache_dir: Where vectors and weights are kept.
            language: Of the examples, BCP 47.
            thresholds: When an entry is answered.
            weights: How much each comparison counts.
        """
        self._entries = list(entries)
        self._encoder = encoder
        self._thresholds = thresholds or Thresholds()
        self._weights = weights or Weights()
        self._examples = [plain(question) for entry in self._entries for question in entry.questions]
        owners = [number for number, entry in enumerate(self._entries) for _ in entry.questions]
        self._owners = np.array(owners, np.int64)
        self._starts = np.flatnonzero(np.r_[True, np.diff(self._owners) > 0])
        self._vectors = embed_cached(encoder, self._examples, cache_dir)
        self._classifier = self._trained(cache_dir)
        self._pronunciation = Pronunciation(language)
        self._sounds = SoundIndex([self._pronunciation.phones(text.split()) for text in self._examples])
        self._words = WordIndex([_document(entry) for entry in self._entries])
        self._off_topic = [number for number, entry in enumerate(self._entries) if entry.kind == "off_topic"]
        self._noise = [number for number, entry in enumerate(self._entries) if entry.kind == "noise"]

    def understand(self, readings: Sequence[Reading], hearing: float = 1.0) -> Meaning:
        """Decide what was meant.

        Args:
            readings: Ways to read what was said, the most probable one first.
            hearing: The recogniser's confidence in its words, 0..1.
        """
        texts = self._merged(readings)
        if not texts:
            return Meaning(Verdict.NOISE, None, "", Evidence(0.0, 0.0, 0.0), [])
        vectors = self._encoder.embed(list(texts))
        shares = self._shares(texts, vectors)
        best, evidence = self._weigh(shares)
        entry = self._entries[best]
        verdict = self._verdict(entry, evidence, next(iter(texts)), hearing)
        order = np.argsort(-shares)[:_CANDIDATES]
        candidates = [(self._entries[number], float(shares[number])) for number in order]
        return Meaning(verdict, entry, self._nearest_example(best, vectors[0]), evidence, candidates)

    def _merged(self, readings: Sequence[Reading]) -> dict[str, float]:
        """Weight by plain text, in the order of the readings."""
        merged: dict[str, float] = {}
        for reading in readings:
            text = ending(plain(reading.text), _LONGEST_WORDS)
            if text:
                merged[text] = merged.get(text, 0.0) + reading.weight
        return merged

    def _shares(self, texts: dict[str, float], vectors: Array) -> Shares:
        """Probability of each entry, ``[K]``: the readings mixed by their weight and by how well they fit anything."""
        logits = self._weights.meaning * (vectors @ self._classifier)
        for row, (text, vector) in enumerate(zip(texts, vectors, strict=True)):
            words = text.split()
            sound = self._sounds.likeness(self._pronunciation.phones(words))
            logits[row] += self._weights.nearness * self._best(self._vectors @ vector)
            logits[row] += self._weights.sound * self._best(sound)
            logits[row] += self._weights.words * self._words.likeness(words)
        fit = np.logaddexp.reduce(logits.astype(np.float64), axis=1)
        weights = softmax(np.log(list(texts.values())) + _FIT * fit)
        return weights @ softmax(logits)

    def _best(self, likeness: Array) -> Array:
        """The best example's likeness of each entry, ``[K]`` from ``[n]``."""
        return np.maximum.reduceat(likeness, self._starts)

    def _weigh(self, shares: Shares) -> tuple[int, Evidence]:
        """The best entry that is known, and what speaks for and against it."""
        known = shares.copy()
        known[self._off_topic + self._noise] = 0.0
        best = int(known.argmax())
        off_topic, noise = shares[self._off_topic].sum(), shares[self._noise].sum()
        return best, Evidence(float(known[best]), float(off_topic), float(noise))

    def _nearest_example(self, entry: int, vector: Array) -> str:
        mine = np.flatnonzero(self._owners == entry)
        return self._examples[mine[(self._vectors[mine] @ vector).argmax()]]

    def _verdict(self, entry: Entry, evidence: Evidence, text: str, hearing: float) -> Verdict:
        if evidence.trust >= self._thresholds.clear:
            return Verdict.CLEAR
        if evidence.trust >= self._thresholds.unsure and entry.kind == "fact":
            return Verdict.UNSURE
        if evidence.off_topic > 0.5:
            return Verdict.OFF_TOPIC
        doubtful = hearing < self._thresholds.hearing or len(set(text.split())) < _SENSIBLE_WORDS
        return Verdict.NOISE if doubtful or evidence.noise > evidence.off_topic else Verdict.OFF_TOPIC

    def _trained(self, cache_dir: Path) -> Array:
        """Weights ``[D, K]`` of the classifier, from the cache if the examples are the same."""
        owners = str(self._owners.tolist())
        content = "\n".join([f"{_CACHE_VERSION}", self._encoder.fingerprint, *self._examples, owners])
        path = cache_dir / f"classifier-{hashlib.sha256(content.encode()).hexdigest()[:16]}.npy"
        kept = _kept(path, (self._vectors.shape[1], len(self._entries)))
        if kept is not None:
            return kept
        weights = train(self._vectors, self._owners, len(self._entries))
        _keep(weights, path)
        return weights


def _document(entry: Entry) -> list[str]:
    """All words of an entry."""
    said = [clause.text for _, text in entry.texts() for clause in cut_clauses(text)]
    return plain(" ".join([*entry.questions, *said])).split()


def _kept(path: Path, shape: tuple[int, int]) -> Array | None:
    if not path.is_file():
        return None
    try:
        weights: Any = np.load(path, allow_pickle=False)
        if weights.shape == shape and np.isfinite(weights).all():
            return weights
        reason = f"it has shape {weights.shape}, expected {shape}"
    except (OSError, ValueError, EOFError) as error:
        reason = str(error)
    _log.warning("%s is damaged (%s); it is made again", path, reason)
    return None


def _keep(weights: Array, path: Path) -> None:
    for old in path.parent.glob("classifier-*.npy"):
        old.unlink(missing_ok=True)
    temporary = path.with_suffix(".tmp.npy")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(temporary, weights)
        temporary.replace(path)
    except OSError as error:
        _log.warning("cannot keep the classifier in %s (%s); the next start will take longer", path.parent, error)
