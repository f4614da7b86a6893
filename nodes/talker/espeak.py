"""The voice of espeak-ng: units of text to sound with phone and word times."""

import logging
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from mio.contracts.messages import Reply
from mio.contracts.rates import SPEECH_HZ
from mio.espeak import Espeak, Synthesis
from nodes.talker.clause import FloatArray, Piece, SpokenPhone
from nodes.talker.config import VoiceSettings
from nodes.talker.delivery import PAUSES_S, Delivery, delivery_of
from nodes.talker.text.cleaning import EMPHASIS_END, EMPHASIS_START
from nodes.talker.text.mapped import Mapped
from nodes.talker.text.units import Unit, units_of
from nodes.talker.timbre import Timbre
from nodes.talker.words import WrittenWords

_VARIANTS = Path(__file__).parent / "voices"
_SEMITONES_PER_STEP = 0.24  # espeak-ng's pitch parameter: an octave in 50 steps

# All vowels and most consonants of English: what the timbre is fitted to.
_SAMPLE = (
    "The boy was there when the sun rose. A rod is used to catch pink salmon. Those words were the cue for the actor "
    "to leave. She has a smart way of wearing clothes. The north wind and the sun disputed which was the stronger."
)

_EMPHASIS = (
    (re.compile("&"), "&amp;"),
    (re.compile(EMPHASIS_START), '<prosody pitch="+25%" rate="-12%" volume="+25%">'),
    (re.compile(EMPHASIS_END), "</prosody>"),
)

_log = logging.getLogger(__name__)


class EspeakVoice:
    """Speaks clauses with espeak-ng.

    Raises:
        MioError: If espeak-ng, a voice or the variant is missing.
    """

    def __init__(self, settings: VoiceSettings, pack: Path | None = None) -> None:
        self._settings = settings
        self._espeak = Espeak.shared()
        self._variant = self._find_variant(settings.variant, pack)
        self._voices: dict[str, str] = {}
        default = next(iter(settings.languages), "en")
        for language in settings.languages:
            self._espeak.synthesize("a", self._voice(language))
        sample = self._espeak.synthesize(_SAMPLE, self._voice(default), rate_wpm=settings.rate_wpm)
        self._timbre = Timbre.fitted(
            sample.samples,
            sample.sample_rate,
            warmth=settings.warmth,
            room_db=settings.room_db,
            loudness_db=settings.loudness_db,
        )

    def speak(self, clause: Reply) -> Iterator[Piece | None]:
        """Speak a clause, with the pause after it."""
        delivery = delivery_of(clause.emotion, clause.intensity, self._settings.expressiveness)
        written = WrittenWords(clause.text)
        begun_samples = 0
        for unit in units_of(clause.text, clause.language):
            yield None
            synthesis, spoken = self._synthesize(unit, delivery)
            sound = self._timbre.process(synthesis.samples, synthesis.sample_rate, delivery.volume_db)
            end = round(len(synthesis.samples) / synthesis.sample_rate * SPEECH_HZ)
            pause_s = PAUSES_S[unit.pause] * delivery.pauses * self._settings.pauses
            sound = _with_length(sound, end + round(pause_s * SPEECH_HZ))
            begin_s = begun_samples / SPEECH_HZ
            yield Piece(
                sound,
                [SpokenPhone(phone.symbol, phone.stress, begin_s + phone.start_s) for phone in synthesis.phones],
                written.spoken(synthesis, spoken, begin_s),
            )
            begun_samples += len(sound)

    def _synthesize(self, unit: Unit, delivery: Delivery) -> tuple[Synthesis, Mapped]:
        """Speak a unit; also returns the text that the positions of its words count in."""
        settings = self._settings
        text = unit.text
        emphasis = EMPHASIS_START in text.text
        if emphasis:
            for pattern, replacement in _EMPHASIS:
                text = text.sub(pattern, replacement)
        pitch = settings.pitch + delivery.pitch_st / _SEMITONES_PER_STEP
        synthesis = self._espeak.synthesize(
            text.text,
            self._voice(unit.language),
            rate_wpm=round(settings.rate_wpm * delivery.rate),
            pitch=round(min(max(pitch, 0.0), 99.0)),
            pitch_range=round(min(settings.pitch_range * delivery.pitch_range, 99.0)),
            ssml=emphasis,
        )
        return synthesis, text

    def _voice(self, language: str) -> str:
        """espeak-ng's name for the voice of a language, with the variant."""
        if language not in self._voices:
            named = self._settings.languages
            primary = language.lower().partition("-")[0]
            voice = named.get(language) or named.get(primary) or self._espeak.voice_for(language)
            if voice is None:
                voice = next(iter(named.values()), "en-us")
                _log.warning("no voice for language '%s', so '%s' speaks: name one in voice.languages", language, voice)
            self._voices[language] = f"{voice}+{self._variant}" if self._variant else voice
        return self._voices[language]

    def _find_variant(self, name: str, pack: Path | None) -> str:
        """espeak-ng's name for a variant: a file in the pack or in this node, else one of its own."""
        for folder in (pack, _VARIANTS):
            if name and folder is not None and (folder / name).is_file():
                return self._espeak.add_variant(folder / name)
        return name


def _with_length(sound: FloatArray, length: int) -> FloatArray:
    if len(sound) >= length:
        return sound[:length]
    return np.concatenate([sound, np.zeros(length - len(sound), np.float32)])
