"""How far a voice does what an emotion asks for: pitch, its range, rate and energy of each emotion against neutral."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from mio.bench.report import Report
from mio.contracts.emotions import Emotion
from mio.contracts.messages import Reply
from mio.contracts.phones import SILENCE
from mio.contracts.rates import SPEECH_HZ
from mio.measure.pitch import pitch_hz
from nodes.talker.clause import ClauseVoice, Piece
from nodes.talker.delivery import DELIVERIES

_FOLLOWED = 0.8  # correlation of what is measured with what is asked for, over the emotions


class Manner(NamedTuple):
    """Of some speech, or what is asked for.

    Attributes:
        pitch_st: Median pitch, semitones.
        pitch_range_octaves: Of its standard deviation in semitones.
        rate_octaves: Of phones per second, pauses left out.
        level_db: RMS of what sounds.
    """

    pitch_st: float
    pitch_range_octaves: float
    rate_octaves: float
    level_db: float

    def against(self, other: "Manner") -> "Manner":
        """The difference."""
        return Manner(*(mine - theirs for mine, theirs in zip(self, other, strict=True)))


def compare_emotions(report: Report, name: str, voice: ClauseVoice, texts: Sequence[str], *, aimed: bool) -> None:
    """Each emotion at full intensity against neutral, over some sentences, beside what is asked of the voice.

    Args:
        report: Gets a row per emotion, and how far what is measured goes with what is asked, over all emotions.
        name: Of the voice.
        voice: Says the sentences.
        texts: English sentences.
        aimed: Whether the figures have a target.
    """
    found = {emotion: _delivered(voice, emotion, texts) for emotion in DELIVERIES}
    measured = {emotion: manner.against(found["neutral"]) for emotion, manner in found.items()}
    asked = {emotion: asked_for(emotion) for emotion in DELIVERIES}
    for emotion, own in measured.items():
        wanted = asked[emotion]
        report.row(
            "emotions",
            voice=name,
            emotion=emotion,
            pitch_st=_beside(own.pitch_st, wanted.pitch_st),
            pitch_range=_percent(own.pitch_range_octaves, wanted.pitch_range_octaves),
            rate=_percent(own.rate_octaves, wanted.rate_octaves),
            energy_db=_beside(own.level_db, wanted.level_db),
        )
    for number, part in enumerate(("pitch", "pitch_range", "rate", "energy")):
        together = follows([own[number] for own in measured.values()], [own[number] for own in asked.values()])
        figure = f"{name}_{part}_follows_emotion"
        report.figure(figure, together, target=_FOLLOWED if aimed else None, at_least=True)


def asked_for(emotion: Emotion) -> Manner:
    """What an emotion asks for at full intensity."""
    delivery = DELIVERIES[emotion]
    return Manner(
        delivery.pitch_st,
        float(np.log2(delivery.pitch_range)),
        float(np.log2(delivery.rate)),
        delivery.volume_db,
    )


def follows(measured: Sequence[float], asked: Sequence[float]) -> float:
    """Correlation of two series; 0 where one never changes."""
    if min(np.std(measured), np.std(asked)) < 1e-9:
        return 0.0
    return float(np.corrcoef(measured, asked)[0, 1])


def _delivered(voice: ClauseVoice, emotion: Emotion, texts: Sequence[str]) -> Manner:
    replies = [Reply(text=text, emotion=emotion, intensity=1.0) for text in texts]
    made = [[piece for piece in voice.speak(reply) if piece is not None] for reply in replies]
    sounds = [np.concatenate([piece.samples for piece in pieces]) for pieces in made]
    tracks = [12 * np.log2(track[track > 0]) for track in (pitch_hz(sound, SPEECH_HZ) for sound in sounds)]
    spreads = [float(np.std(_near(track))) for track in tracks if len(track)]
    phones, spoken_s = np.sum([_phones(pieces) for pieces in made], axis=0)
    every = np.concatenate(sounds)
    loud = every[np.abs(every) > 1e-4]
    return Manner(
        float(np.median(np.concatenate(tracks))) if spreads else 0.0,
        float(np.log2(max(0.1, float(np.mean(spreads))))) if spreads else 0.0,
        float(np.log2(max(1.0, phones) / max(0.1, spoken_s))),
        float(10 * np.log10(np.square(loud, dtype=np.float64).mean())) if len(loud) else -100.0,
    )


def _near(track: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """``[n]`` semitones without those that are an octave off, which are errors of the measurement."""
    return track[np.abs(track - np.median(track)) < 10]


def _phones(pieces: Sequence[Piece]) -> tuple[int, float]:
    """Phones of a clause, and seconds of them all, pauses left out."""
    phones = [phone for piece in pieces for phone in piece.phones]
    lengths = [after.start_s - phone.start_s for phone, after in zip(phones, phones[1:], strict=False)]
    spoken = [length for phone, length in zip(phones, lengths, strict=False) if phone.symbol != SILENCE]
    return len(spoken), sum(spoken)


def _beside(measured: float, asked: float) -> str:
    return f"{measured:+.1f} ({asked:+.1f})"


def _percent(measured_octaves: float, asked_octaves: float) -> str:
    return f"{2**measured_octaves - 1:+.0%} ({2**asked_octaves - 1:+.0%})"
