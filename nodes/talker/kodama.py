"""The neural voice: phones to codes by a language model, codes to sound by the codec, 80 ms at a time."""

import math
import zlib
from collections import deque
from collections.abc import Callable, Iterator

import numpy as np
import torch

from mio.contracts.messages import Reply
from mio.contracts.phones import PHONES, SILENCE
from mio.contracts.rates import SPEECH_FRAME_SAMPLES, SPEECH_HZ
from mio.errors import MioError
from nodes.talker.clause import FloatArray, Piece, SpokenPhone, SpokenWord
from nodes.talker.clone import Clone, read_clone
from nodes.talker.config import TalkerConfig, VoiceSettings
from nodes.talker.delivery import PAUSES_S, Delivery, delivery_of
from nodes.talker.models.codec.codec import DecodingStream, VoiceCodec, codebooks, read_codec
from nodes.talker.models.lm.generation import Frame, Prompt, Speaking
from nodes.talker.models.lm.lm import Voice, VoiceLm
from nodes.talker.models.lm.shipped import read_lm
from nodes.talker.models.lm.sizes import OTHER
from nodes.talker.models.lm.steps import LmSteps
from nodes.talker.models.lm.text import Phones, phones_of
from nodes.talker.text.pronunciation import MARKS, Pronunciation, Speller
from nodes.talker.text.spellers import build_speller
from nodes.talker.text.units import units_of
from nodes.talker.timbre import PeakLimiter, limited
from nodes.talker.words import WordTimes, WrittenWords

_FRAME_S = SPEECH_FRAME_SAMPLES / SPEECH_HZ
_AHEAD_FRAMES = 3  # codes before they are decoded, once there are as many: lips round 110 ms ahead
_QUIET_DB = -34.0  # against speech: silence that the sound of a unit may begin with
_BLOCK_SAMPLES = SPEECH_HZ // 200
_BREATH_SAMPLES = SPEECH_HZ // 50  # before the first sound
_FADE_SAMPLES = SPEECH_HZ // 50
_CODED_DB = -24.0  # loudness of the speech that the codec has learned
_RANGE_ASKED = 1.5  # times what is wanted of the pitch's range, which calm readers follow less than half as far
_NUMBERS = {symbol: number for number, symbol in enumerate(PHONES)}


class KodamaVoice:
    """Speaks clauses with a language model and a codec."""

    def __init__(
        self, lm: VoiceLm, codec: VoiceCodec, settings: VoiceSettings, speller: Speller, clone: Clone | None = None
    ) -> None:
        """Get ready.

        Args:
            lm: The language model.
            codec: The codec whose codes it speaks.
            settings: How the character sounds.
            speller: Knows how words sound.
            clone: A recording that clauses in its language go on from.
        """
        self._lm, self._codec, self._settings = lm, codec, settings
        self._steps, self._clone, self._speller = LmSteps(lm), clone, speller

    @classmethod
    def read(cls, config: TalkerConfig) -> "KodamaVoice":
        """The voice whose weights a configuration names.

        Raises:
            MioError: If there are none, they are broken, or nothing is installed that spells words out.
        """
        for folder in (config.language_model, config.codec):
            if not folder.is_dir():
                raise MioError(f"the voice kodama has no weights in {folder}", "train it, or set talker.engine: espeak")
        codec = read_codec(config.codec)
        clone = None if config.clone is None else read_clone(config.clone, config.codec)
        lm, speller = read_lm(config.language_model, codebooks(codec)), build_speller(config.phones)
        voice = cls(lm, codec, config.voice_settings(), speller, clone)
        voice._warm_up()
        return voice

    def _warm_up(self) -> None:
        """Speak once, which takes half as long again as any time later."""
        language = next((known for known in self._settings.speakers if self._speaker(known) is not None), None)
        if language is not None:
            for _ in self.speak(Reply(text="Hm.", language=language)):
                pass

    def leaves(self, clause: Reply) -> bool:
        """Whether there is a language in a clause that it does not speak."""
        return any(self._speaker(unit.language) is None for unit in units_of(clause.text, clause.language))

    def speak(self, clause: Reply) -> Iterator[Piece | None]:
        """Speak a clause frame by frame, with the pause after each sentence.

        Raises:
            MioError: If it does not speak the language.
        """
        delivery = delivery_of(clause.emotion, clause.intensity, self._settings.expressiveness)
        words, begun_samples = WordTimes(WrittenWords(clause.text)), 0
        for number, unit in enumerate(units_of(clause.text, clause.language)):
            yield None
            said = self._speller.spell(unit)
            seed = zlib.crc32(f"{number} {unit.text.text}".encode())
            voice, prompt = self._voice(unit.language, delivery), self._prompt(unit.language)
            speaking = Speaking(self._steps, _as_phones(said), voice, seed, prompt=prompt)
            pause_s = PAUSES_S[unit.pause] * delivery.pauses * self._settings.pauses
            for piece in self._unit(speaking, UnitTimes(said, words, begun_samples / SPEECH_HZ), delivery, pause_s):
                yield piece
                begun_samples += len(piece.samples) if piece is not None else 0

    def _unit(
        self, speaking: Speaking, times: "UnitTimes", delivery: Delivery, pause_s: float
    ) -> Iterator[Piece | None]:
        """The sound of a unit, without the silence before it, and with a pause behind its last phone.

        Codes are made some frames ahead of their sound, so that lips know what comes; decoding takes one of them. At
        the beginning it is one frame and then one more with each that is decoded, so that sound comes soon.
        """
        gain = 10 ** ((self._settings.loudness_db - _CODED_DB + delivery.volume_db) / 20)
        said, ahead = UnitSound(DecodingStream(self._codec), times, gain), deque[Frame]()
        while (frame := speaking.frame()) is not None and not times.over(frame):
            if not times.begun(frame):
                said.skip(frame)
                yield None
                continue
            said.learn(*times.pass_by(frame))
            ahead.append(frame)
            yield None
            if len(ahead) > min(_AHEAD_FRAMES, 1 + said.count):
                yield said.piece(ahead.popleft())
        said.learn(*times.end())
        while ahead:
            yield said.piece(ahead.popleft())
        yield said.last_piece()
        yield said.pause(pause_s)

    def _speaker(self, language: str) -> int | None:
        """Number of the speaker of a language, in BCP 47."""
        primary = _primary(language)
        name = OTHER if self._prompt(language) else self._settings.speakers.get(primary)
        if primary not in self._lm.size.languages or name not in self._lm.size.speakers:
            return None
        return self._lm.size.speakers.index(name)

    def _prompt(self, language: str) -> Prompt | None:
        """What is gone on from in a language."""
        return self._clone.prompt if self._clone is not None and self._clone.language == _primary(language) else None

    def _voice(self, language: str, delivery: Delivery) -> Voice:
        speaker = self._speaker(language)
        if speaker is None:
            raise MioError(f"the voice kodama has no speaker for '{language}'", "name one in voice.speakers")
        manner = [delivery.pitch_st, _RANGE_ASKED * math.log2(delivery.pitch_range), math.log2(delivery.rate)]
        return Voice(
            torch.tensor([speaker]),
            torch.tensor([self._lm.size.languages.index(_primary(language))]),
            torch.tensor([manner]),
            torch.ones(1),
        )


class UnitSound:
    """The sound of a unit's frames, with the phones and words that have become known meanwhile.

    Attributes:
        count: Frames that were given to be decoded.
    """

    def __init__(self, decoding: DecodingStream, times: "UnitTimes", gain: float) -> None:
        self._decoding, self._times, self._gain = decoding, times, gain
        self._limiter = PeakLimiter()
        self._phones, self._words = list[SpokenPhone](), list[SpokenWord]()
        self._decoded: Frame | None = None
        self._silent_samples = 0
        self._heard = False
        self.count = 0

    def learn(self, phones: list[SpokenPhone], words: list[SpokenWord]) -> None:
        """What goes with the next piece."""
        self._phones.extend(phones)
        self._words.extend(words)

    def skip(self, frame: Frame) -> None:
        """A frame that is not heard."""
        self._decoding.decode(frame.codes[None])

    def piece(self, frame: Frame) -> Piece | None:
        """Decode a frame: the sound of the one before, unless that is not heard."""
        before, self._decoded = self._decoded, frame
        self.count += 1
        sound = self._decoding.decode(frame.codes[None])
        return None if before is None else self._finished(sound, before)

    def last_piece(self) -> Piece | None:
        """The sound of the last frame, if there was any."""
        return None if self._decoded is None else self._finished(self._decoding.finish(), self._decoded)

    def _finished(self, sound: FloatArray, frame: Frame) -> Piece | None:
        last = self._times.last(frame)
        if not self._heard:
            silent = 0 if last else _silence_before(sound)
            self._silent_samples += silent
            if silent == len(sound):
                return None
            self._heard, sound = True, sound[silent:]
            self._leave_out_silence()
        sound = limited(self._limiter(self._gain * sound))
        return self._with_known(_ending(sound) if last else sound)

    def _leave_out_silence(self) -> None:
        """All that is known comes sooner by the silence that is not heard; phones inside it share what is left."""
        earlier = self._times.leave_out(self._silent_samples / SPEECH_HZ)
        self._phones = [phone._replace(start_s=earlier(phone.start_s)) for phone in self._phones]
        self._words = [word._replace(start_s=earlier(word.start_s), end_s=earlier(word.end_s)) for word in self._words]

    def pause(self, length_s: float) -> Piece:
        """Silence."""
        return self._with_known(np.zeros(round(length_s * SPEECH_HZ), np.float32))

    def _with_known(self, samples: FloatArray) -> Piece:
        phones, self._phones = self._phones, []
        words, self._words = self._words, []
        return Piece(samples, phones, words)


class UnitTimes:
    """When the phones and words of a unit are spoken, as its frames pass by.

    Phones that begin in a frame are taken to share it evenly, each to begin in the middle of its share.
    """

    def __init__(self, said: Pronunciation, words: WordTimes, begin_s: float) -> None:
        """Get ready.

        Args:
            said: What is spoken.
            words: Of the clause.
            begin_s: Start of the unit in the clause, seconds.
        """
        self._said, self._words = said, words
        self._positions = {word.first_phone: word.first_char for word in said.words}
        self._begin_s = self._now_s = begin_s

    def begun(self, frame: Frame) -> bool:
        """Whether the first pause is over."""
        return frame.place > 0

    def last(self, frame: Frame) -> bool:
        """Whether the last pause begins in a frame."""
        return frame.place == len(self._said.phones) - 1

    def over(self, frame: Frame) -> bool:
        """Whether a frame holds nothing but the last pause."""
        return self.last(frame) and frame.advance == 0

    def pass_by(self, frame: Frame) -> tuple[list[SpokenPhone], list[SpokenWord]]:
        """Phones that begin in the next 80 ms, and words that end in them."""
        phones, words = list[SpokenPhone](), list[SpokenWord]()
        for number in range(frame.advance):
            place = frame.place - frame.advance + 1 + number
            phone, time_s = self._said.phones[place], self._now_s + (number + 0.5) / frame.advance * _FRAME_S
            phones.append(SpokenPhone(phone.symbol, phone.stress, time_s))
            if phone.symbol == SILENCE:
                self._words.pause(time_s)
            elif place in self._positions:
                words.extend(self._words.begin(self._positions[place], time_s))
        self._now_s += _FRAME_S
        return phones, words

    def leave_out(self, silence_s: float) -> Callable[[float], float]:
        """The unit's first sound comes so much sooner; gives new times of old ones."""
        whole_s = _FRAME_S * (silence_s // _FRAME_S + 1)
        begin_s, share = self._begin_s, 1 - silence_s / whole_s

        def earlier(time_s: float) -> float:
            since_s = time_s - begin_s
            return time_s - silence_s if since_s > whole_s else begin_s + share * since_s

        self._now_s = earlier(self._now_s)
        self._words.move(earlier)
        return earlier

    def end(self) -> tuple[list[SpokenPhone], list[SpokenWord]]:
        """Nothing more is spoken: the pause, and the last word."""
        return [SpokenPhone(SILENCE, 0, self._now_s)], self._words.end(self._now_s)


def _primary(language: str) -> str:
    return language.lower().replace("_", "-").partition("-")[0]


def _silence_before(samples: FloatArray) -> int:
    """How many of ``[1920]`` decoded samples come before anything is heard."""
    power = np.square(samples).reshape(-1, _BLOCK_SAMPLES).mean(1)
    heard = np.flatnonzero(power > 10 ** ((_CODED_DB + _QUIET_DB) / 10))
    return max(int(heard[0]) * _BLOCK_SAMPLES - _BREATH_SAMPLES, 0) if len(heard) else len(samples)


def _ending(samples: FloatArray) -> FloatArray:
    """The last frame, faded out."""
    ramp = np.ones(len(samples), np.float32)
    ramp[-_FADE_SAMPLES:] = np.linspace(1.0, 0.0, _FADE_SAMPLES)
    return samples * ramp


def _as_phones(said: Pronunciation) -> Phones:
    return phones_of(
        [_NUMBERS[phone.symbol] for phone in said.phones],
        [phone.stress for phone in said.phones],
        [phone.begins_word for phone in said.phones],
        [MARKS.index(phone.mark) for phone in said.phones],
    )
