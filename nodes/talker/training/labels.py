"""Which phone of a sentence is spoken when: the set's texts spelled out, aligned with their recordings, and kept."""

from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt

from mio.contracts.phones import SILENCE
from mio.errors import ConfigError
from nodes.talker.models.codec.sizes import FEATURE_SAMPLES
from nodes.talker.text.pronunciation import MARKS, Spelled, pronounced_text
from nodes.talker.text.spellers import build_speller
from nodes.talker.training.alignment import Chain, Ints, Material, PhoneModels, chain_of, starts_of
from nodes.talker.training.cepstra import STEP_SAMPLES, cepstra
from nodes.talker.training.speech_set import NUMBERS, SpeechSet, Utterance

Labels = npt.NDArray[np.uint8]

_KEPT = "labels.json"
_SHORTEST_PAUSE = 5  # steps of 10 ms: what is shorter and not asked for belongs to the phone before


class Label(msgspec.Struct, frozen=True):
    """A phone that was spoken, or a pause that was made.

    Attributes:
        phone: Its number; 0 for a pause.
        start: When it begins, in steps of 10 ms.
        stress: 0 none, 1 primary, 2 secondary.
        begins_word: Whether it is a word's first.
        mark: Of a pause, the number of the punctuation mark that asks for it.
    """

    phone: int
    start: int
    stress: int = 0
    begins_word: bool = False
    mark: int = 0


class Aligned(msgspec.Struct, frozen=True):
    """A sentence's phones in time.

    Attributes:
        labels: In order; the first begins at 0.
        steps: Length of the sentence in steps of 10 ms.
    """

    labels: list[Label]
    steps: int

    def per_feature(self, count: int) -> Labels:
        """``[count]`` phone in the middle of every 20 ms."""
        starts = np.array([label.start for label in self.labels])
        middles = np.arange(count) * (FEATURE_SAMPLES // STEP_SAMPLES) + 1
        phones = np.array([label.phone for label in self.labels], np.uint8)
        return phones[np.searchsorted(starts, middles, "right") - 1]


def align(speech: SpeechSet, folder: Path, tell: Callable[[str], None]) -> tuple[int, int]:
    """Align every sentence by phone models of its language, learned from the training sentences; keep it in ``folder``.

    Returns:
        Sentences that were aligned, and all of them.
    """
    found: dict[str, Aligned] = {}
    speller = build_speller()
    for lang in sorted({utterance.lang for utterance in speech.utterances}):
        utterances = [u for u in speech.utterances if u.lang == lang]
        spelled = [with_pauses(pronounced_text(u.text, lang, speller)) for u in utterances]
        material = [_material(speech, u, s) for u, s in zip(utterances, spelled, strict=True)]
        models = PhoneModels(len(NUMBERS), material[0].features.shape[1])
        models.fit([m for m, u in zip(material, utterances, strict=True) if u.split == "train"], tell)
        for utterance, phones, one, path in zip(utterances, spelled, material, models.paths(material), strict=True):
            if len(path):
                found[utterance.id] = Aligned(labels_of(phones, one.chain, path), len(path))
    (folder / _KEPT).write_bytes(msgspec.json.encode(found))
    return len(found), len(speech.utterances)


def read_labels(folder: Path) -> dict[str, Aligned]:
    """What :func:`align` kept, by utterance.

    Raises:
        ConfigError: If it is missing.
    """
    try:
        return msgspec.json.decode((folder / _KEPT).read_bytes(), type=dict[str, Aligned])
    except (OSError, msgspec.DecodeError) as error:
        raise ConfigError(f"{folder}: {error}", "run the stage labels first") from error


def with_pauses(phones: Sequence[Spelled]) -> list[Spelled]:
    """The same with a pause before every word that has none, which may turn out to be missing."""
    filled = list[Spelled]()
    for phone in phones:
        if phone.begins_word and filled and filled[-1].symbol != SILENCE:
            filled.append(Spelled(SILENCE))
        filled.append(phone)
    return filled


def _material(speech: SpeechSet, utterance: Utterance, phones: Sequence[Spelled]) -> Material:
    sound = speech.sound(utterance)
    whole = np.pad(sound, (0, -len(sound) % STEP_SAMPLES))
    return Material(cepstra(whole), chain_of([NUMBERS[phone.symbol] for phone in phones]))


def labels_of(phones: Sequence[Spelled], chain: Chain, path: Ints) -> list[Label]:
    """What was spoken when.

    Args:
        phones: Of :func:`with_pauses`.
        chain: Their states.
        path: ``[n]`` place in it at each step of 10 ms.

    Returns:
        Phones and pauses in order; the first is a pause that begins at 0.
    """
    starts = starts_of(path, chain)
    ends = dict(zip(starts, [*list(starts.values())[1:], len(path)], strict=True))
    labels = list[Label]()
    for token, start in starts.items():
        phone = phones[token]
        unasked = phone.symbol == SILENCE and not phone.mark and token
        if unasked and ends[token] - start < _SHORTEST_PAUSE:
            continue
        number, mark = NUMBERS[phone.symbol], MARKS.index(phone.mark)
        labels.append(Label(number, start, phone.stress, phone.begins_word, mark))
    return labels if not labels[0].phone else [Label(0, 0), *labels]
