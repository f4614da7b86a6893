"""The speech set as the language model learns it: the codec's codes, phones with their times, and the manner of each.

Every sentence of the wanted voices is kept at a few speeds of playback as well, which raises and lowers pitch and rate
together: three hours of one calm reader each know too little of either.
"""

from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt
import soxr
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from mio.contracts.rates import SPEECH_HZ
from mio.errors import ConfigError
from mio.measure.pitch import pitch_hz
from nodes.talker.models.codec.codec import BOOKS, VoiceCodec, codebooks
from nodes.talker.models.codec.sizes import FRAME_SAMPLES
from nodes.talker.training.cepstra import STEP_SAMPLES
from nodes.talker.training.labels import Aligned
from nodes.talker.training.speech_set import Floats, SpeechSet, Utterance

SPEEDS = (1.0, 0.93, 1.07)
FRAME_STEPS = FRAME_SAMPLES // STEP_SAMPLES

_CODES, _ABOUT, _BOOKS = "tokens.i16", "tokens.json", "books.safetensors"
_FEWEST_VOICED = 20  # frames of 10 ms, below which a pitch is not believed


class Manner(msgspec.Struct, frozen=True):
    """How a sentence was said; see :data:`nodes.talker.models.lm.lm.MANNER`.

    Attributes:
        pitch_st: Median pitch, semitones above 100 Hz.
        pitch_range_octaves: Binary logarithm of the pitch's standard deviation in semitones.
        rate_octaves: Binary logarithm of the phones per second, pauses left out.
    """

    pitch_st: float
    pitch_range_octaves: float
    rate_octaves: float


class Sentence(msgspec.Struct, frozen=True):
    """A sentence as codes.

    Attributes:
        utterance: Its name.
        speaker: Who.
        lang: ``en`` or ``de``.
        split: ``train``, ``val`` or ``test``.
        speed: Of playback.
        first: Its first frame among all.
        frames: How many.
        starts: When each of its phones begins, in steps of 10 ms; see :class:`~nodes.talker.training.labels.Aligned`.
        manner: How it was said; None if it has too little voice to tell.
    """

    utterance: str
    speaker: str
    lang: str
    split: str
    speed: float
    first: int
    frames: int
    starts: list[int]
    manner: Manner | None


class Tokens:
    """Sentences, the codes ``[N, 8]`` of all of them, and the codec's entries ``[8, 1024, width]``."""

    def __init__(self, sentences: list[Sentence], codes: npt.NDArray[np.int16], entries: Tensor) -> None:
        self.sentences, self.entries = sentences, entries
        self._codes = codes

    def codes(self, sentence: Sentence) -> Tensor:
        """``[frames, 8]`` int64 of one."""
        return torch.from_numpy(self._codes[sentence.first : sentence.first + sentence.frames].astype(np.int64))


def build_tokens(
    codec: VoiceCodec,
    speech: SpeechSet,
    aligned: dict[str, Aligned],
    folder: Path,
    voices: tuple[str, ...],
    tell: Callable[[str], None],
) -> int:
    """Encode a set, and keep it in ``folder``.

    Args:
        codec: A trained one.
        speech: The set.
        aligned: Its phones; what could not be aligned is left out.
        folder: Where it is kept.
        voices: Speakers that are kept at all speeds; the others' training sentences only as they are.
        tell: Gets a line now and then.

    Returns:
        Sentences, each speed counted.
    """
    folder.mkdir(parents=True, exist_ok=True)
    sentences, first = list[Sentence](), 0
    with (folder / _CODES).open("wb") as file:
        for number, utterance in enumerate(u for u in speech.utterances if u.id in aligned):
            for speed in SPEEDS if utterance.speaker in voices and utterance.split == "train" else SPEEDS[:1]:
                sound = at_speed(speech.sound(utterance), speed)
                codes = encoded(codec, sound)
                sentences.append(_sentence(utterance, aligned[utterance.id], sound, speed, (first, len(codes))))
                file.write(codes.tobytes())
                first += len(codes)
            if number % 200 == 199:
                tell(f"tokens: {number + 1} utterances")
    save_file({"entries": codebooks(codec)}, folder / _BOOKS)
    (folder / _ABOUT).write_bytes(msgspec.json.encode(sentences))
    return len(sentences)


def read_tokens(folder: Path) -> Tokens:
    """What :func:`build_tokens` kept.

    Raises:
        ConfigError: If it is missing.
    """
    try:
        sentences = msgspec.json.decode((folder / _ABOUT).read_bytes(), type=list[Sentence])
        codes = np.memmap(folder / _CODES, np.int16, "r").reshape(-1, BOOKS)
        return Tokens(sentences, codes, load_file(folder / _BOOKS)["entries"])
    except (OSError, ValueError, msgspec.DecodeError) as error:
        raise ConfigError(f"{folder}: {error}", "run the stage tokens first") from error


@torch.inference_mode()
def encoded(codec: VoiceCodec, sound: Floats) -> npt.NDArray[np.int16]:
    """``[n, 8]`` codes of a whole sentence, silence behind its end."""
    whole = np.pad(sound, (0, -len(sound) % FRAME_SAMPLES))
    return codec.encode(torch.from_numpy(whole)[None, None], {})[0].T.numpy().astype(np.int16)


def at_speed(sound: Floats, speed: float) -> Floats:
    """Played faster or slower, as a record."""
    return sound if speed == 1.0 else np.asarray(soxr.resample(sound, SPEECH_HZ * speed, SPEECH_HZ), np.float32)


def manner_of(sound: Floats, phones: int, spoken_s: float) -> Manner | None:
    """How something was said.

    Args:
        sound: ``[n]`` at 24 kHz.
        phones: Said in it, pauses left out.
        spoken_s: Seconds of it, pauses left out.

    Returns:
        None if there is too little voice to tell.
    """
    pitch = pitch_hz(sound, SPEECH_HZ)
    voiced = 12 * np.log2(pitch[pitch > 0] / 100)
    if len(voiced) < _FEWEST_VOICED or not phones:
        return None
    middle = float(np.median(voiced))
    near = voiced[np.abs(voiced - middle) < 10]  # an octave off is an error of the measurement
    spread, rate = max(float(np.std(near)), 0.1), phones / max(spoken_s, 0.1)
    return Manner(round(middle, 3), round(float(np.log2(spread)), 3), round(float(np.log2(rate)), 3))


def averages(sentences: Iterable[Sentence]) -> dict[str, Manner]:
    """Mean manner of each speaker's training sentences at their own speed."""
    known: dict[str, list[Manner]] = {}
    for sentence in sentences:
        if sentence.manner is not None and sentence.speed == 1.0 and sentence.split == "train":
            known.setdefault(sentence.speaker, []).append(sentence.manner)
    fields = Manner.__struct_fields__
    return {
        who: Manner(*(float(np.mean([getattr(m, f) for m in all_])) for f in fields)) for who, all_ in known.items()
    }


def _sentence(utterance: Utterance, aligned: Aligned, sound: Floats, speed: float, place: tuple[int, int]) -> Sentence:
    starts = [label.start for label in aligned.labels]
    lengths = np.diff([*starts, aligned.steps])
    spoken = [length for length, label in zip(lengths, aligned.labels, strict=True) if label.phone]
    manner = manner_of(sound, len(spoken), float(sum(spoken)) * STEP_SAMPLES / SPEECH_HZ / speed)
    return Sentence(
        utterance.id,
        utterance.speaker,
        utterance.lang,
        utterance.split,
        speed,
        *place,
        [round(start / speed) for start in starts],
        manner,
    )
