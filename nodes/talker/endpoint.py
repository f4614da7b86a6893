"""A voice behind an OpenAI-compatible speech endpoint (``/audio/speech``), such as Kokoro-FastAPI, or a hosted one.

Sound is handed on as it arrives. The endpoint tells no times, so phones and words are placed as they are expected (see
:mod:`~nodes.talker.expected`) from where the sound begins, at the pace of what it said before; its end is exact. What
it does not say is said by another voice, which also says the rest of the turn.
"""

import logging
import os
import queue
import threading
import time
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from openai import APIError, OpenAI

from mio.contracts.messages import Reply
from mio.contracts.phones import SILENCE
from mio.contracts.rates import SPEECH_HZ
from mio.errors import MioError
from nodes.talker.clause import ClauseVoice, FloatArray, Piece, SpokenPhone, SpokenWord
from nodes.talker.config import OpenAIConfig, VoiceSettings
from nodes.talker.delivery import PAUSES_S, Delivery, delivery_of
from nodes.talker.expected import Expectation, Expected
from nodes.talker.text.cleaning import EMPHASIS_END, EMPHASIS_START
from nodes.talker.text.units import Unit, units_of
from nodes.talker.timbre import limited
from nodes.talker.words import WordTimes, WrittenWords

_POLL_S = 0.005
_PART_BYTES = SPEECH_HZ // 50 * 2  # 20 ms of 16-bit samples
_LARGEST = 32_768.0
_AUDIBLE = 3e-3  # of full scale, -50 dB
_LEARNED = 0.5  # share of a new pace in the one that is expected

_log = logging.getLogger(__name__)


class EndpointError(MioError):
    """The endpoint said nothing, or stopped in the middle."""


class EndpointVoice:
    """Speaks clauses through an endpoint."""

    def __init__(self, config: OpenAIConfig, settings: VoiceSettings, spare: ClauseVoice | None) -> None:
        """Get ready; nothing is sent yet.

        Args:
            config: Where the endpoint is.
            settings: How the character sounds.
            spare: Speaks what the endpoint does not; None for nobody.
        """
        self._config, self._settings, self._spare = config, settings, spare
        key = os.environ.get(config.api_key_env, "") or "none"
        self._client = OpenAI(base_url=config.base_url, api_key=key, max_retries=0)
        self._expectation = Expectation()
        self._pace = 1.0
        self._failed_segment: int | None = None

    def speak(self, clause: Reply) -> Iterator[Piece | None]:
        """Speak a clause as it arrives, with the pause after each sentence.

        Raises:
            MioError: If the endpoint fails and nobody steps in.
        """
        if self._spare is not None and clause.segment_id == self._failed_segment:
            yield from self._spare.speak(clause)
            return
        delivery = delivery_of(clause.emotion, clause.intensity, self._settings.expressiveness)
        words, begun_samples = WordTimes(WrittenWords(clause.text)), 0
        for unit in units_of(clause.text, clause.language):
            yield None
            times = GuessedTimes(
                self._expectation.of(unit), words, begun_samples / SPEECH_HZ, self._pace / delivery.rate
            )
            try:
                for piece in self._unit(unit, times, delivery, clause.emotion):
                    yield piece
                    begun_samples += len(piece.samples) if piece is not None else 0
            except EndpointError as error:
                yield from self._instead(clause, begun_samples, error)
                return
            self._pace += _LEARNED * (times.pace * delivery.rate - self._pace)

    def _instead(self, clause: Reply, begun_samples: int, error: EndpointError) -> Iterator[Piece | None]:
        """Let the spare voice speak a clause of which nothing has been heard; else it ends here."""
        self._failed_segment = clause.segment_id
        if self._spare is None:
            raise error
        _log.warning("%s; another voice speaks the rest of this turn", error)
        if begun_samples == 0:
            yield from self._spare.speak(clause)

    def _unit(self, unit: Unit, times: "GuessedTimes", delivery: Delivery, emotion: str) -> Iterator[Piece | None]:
        gain = 10 ** ((self._config.gain_db + delivery.volume_db) / 20)
        request = Request(self._client, self._arguments(unit, delivery, emotion), self._config)
        try:
            for samples in request.sound():
                if samples is None:
                    yield None
                    continue
                known = times.heard(samples)
                yield Piece(limited(gain * samples), known.phones, known.words)
        finally:
            request.cancel()
        pause_s = PAUSES_S[unit.pause] * delivery.pauses * self._settings.pauses
        known = times.end()
        yield Piece(np.zeros(round(pause_s * SPEECH_HZ), np.float32), known.phones, known.words)

    def _arguments(self, unit: Unit, delivery: Delivery, emotion: str) -> dict[str, object]:
        text = unit.text.text.replace(EMPHASIS_START, "").replace(EMPHASIS_END, "")
        arguments: dict[str, object] = {
            "model": self._config.model,
            "voice": self._config.voice,
            "input": text,
            "response_format": "pcm",
            "speed": round(delivery.rate, 3),
        }
        if self._config.instructions:
            arguments["instructions"] = self._config.instructions.format(emotion=emotion)
        return arguments


class Request:
    """One sentence from the endpoint, read by a thread of its own so that nobody waits for the network."""

    def __init__(self, client: OpenAI, arguments: dict[str, object], config: OpenAIConfig) -> None:
        """Send it.

        Args:
            client: To the endpoint.
            arguments: What is asked for.
            config: How long to wait.
        """
        self._client, self._arguments, self._config = client, arguments, config
        self._parts: queue.SimpleQueue[bytes | Exception | None] = queue.SimpleQueue()
        self._cancelled = threading.Event()
        threading.Thread(target=self._read, name="speech endpoint", daemon=True).start()

    def sound(self) -> Iterator[FloatArray | None]:
        """Samples at 24 kHz as they arrive; None while there are none.

        Raises:
            EndpointError: If it fails or takes too long.
        """
        limit_s, since_s, odd = self._config.first_sound_s, time.monotonic(), b""
        said = False
        while True:
            try:
                part = self._parts.get(timeout=_POLL_S)
            except queue.Empty:
                if time.monotonic() - since_s > limit_s:
                    raise self._error(f"no sound for {limit_s:g} s") from None
                yield None
                continue
            if part is None:
                if not said:
                    raise self._error("no sound")
                return
            if isinstance(part, Exception):
                raise self._error(_described(part))
            whole = odd + part
            odd = whole[len(whole) // 2 * 2 :]
            said, limit_s, since_s = True, self._config.sound_gap_s, time.monotonic()
            yield np.frombuffer(whole[: len(whole) // 2 * 2], "<i2").astype(np.float32) / _LARGEST

    def cancel(self) -> None:
        """Close the connection; nothing more of it is wanted."""
        self._cancelled.set()

    def _read(self) -> None:
        longest_s = self._config.first_sound_s + self._config.sound_gap_s  # whoever waits gives up sooner
        try:
            speech = self._client.audio.speech.with_streaming_response
            with speech.create(**self._arguments, timeout=longest_s) as response:  # type: ignore[arg-type]
                for part in response.iter_bytes(_PART_BYTES):
                    if self._cancelled.is_set():
                        return
                    self._parts.put(part)
            self._parts.put(None)
        except Exception as error:  # whatever the network or the server does, the voice hears of it
            self._parts.put(error)

    def _error(self, why: str) -> EndpointError:
        remedy = "look whether it runs, and at talker.openai: base_url, model, voice and the key's variable"
        return EndpointError(f"speech endpoint {self._config.base_url}: {why}", remedy)


class Known(NamedTuple):
    """What has become known of phones and words."""

    phones: list[SpokenPhone]
    words: list[SpokenWord]


class GuessedTimes:
    """When the phones and words of a unit are spoken, guessed while its sound arrives.

    What has been given stands; what comes next goes on from there.

    Attributes:
        pace: Seconds that were taken for each that was expected; as it was said to be until the end is known.
    """

    def __init__(self, expected: Expected, words: WordTimes, begin_s: float, pace: float) -> None:
        """Get ready.

        Args:
            expected: What is to be said.
            words: Of the clause.
            begin_s: Start of the unit in the clause, seconds.
            pace: Seconds that will be taken for each that is expected.
        """
        self._phones, self._starts = deque(expected.phones), deque(expected.words)
        self._length_s, self._words, self._begin_s = expected.length_s, words, begin_s
        self.pace = self._rate = pace
        self._given = _Moment(0.0, 0.0)
        self._heard = self._last = 0
        self._first: int | None = None

    def heard(self, samples: FloatArray) -> Known:
        """``[n]`` more samples have come: what is expected in them."""
        audible = np.flatnonzero(np.abs(samples) > _AUDIBLE)
        if len(audible):
            if self._first is None:
                self._first = self._heard + int(audible[0])
                self._given = _Moment(0.0, self._first / SPEECH_HZ)
            self._last = self._heard + int(audible[-1]) + 1
        self._heard += len(samples)
        return Known([], []) if self._first is None else self._until(self._heard / SPEECH_HZ)

    def end(self) -> Known:
        """All of the sound has come: what is left shares the rest of it, and a pause follows."""
        given = self._given
        end_s = max(self._last / SPEECH_HZ, given.time_s)
        if self._length_s and self._first is not None:
            self.pace = (self._last - self._first) / SPEECH_HZ / self._length_s
        self._rate = (end_s - given.time_s) / max(self._length_s - given.expected_s, 1e-6)
        known = self._until(float("inf"))
        pause = SpokenPhone(SILENCE, 0, self._begin_s + end_s)
        return Known([*known.phones, pause], [*known.words, *self._words.end(self._begin_s + end_s)])

    def _until(self, heard_s: float) -> Known:
        """Phones that begin before a moment of the sound, and words that end with the next ones."""
        known = Known([], [])
        while self._phones and (at := self._at(self._phones[0].start_s)).time_s < heard_s:
            known.phones.append(self._phones.popleft()._replace(start_s=self._begin_s + at.time_s))
            while self._starts and self._starts[0].start_s <= at.expected_s:
                known.words.extend(self._words.begin(self._starts.popleft().first_char, self._begin_s + at.time_s))
            self._given = at
        while not self._phones and self._starts and (at := self._at(self._starts[0].start_s)).time_s < heard_s:
            known.words.extend(self._words.begin(self._starts.popleft().first_char, self._begin_s + at.time_s))
            self._given = at
        return known

    def _at(self, expected_s: float) -> "_Moment":
        return _Moment(expected_s, self._given.time_s + self._rate * (expected_s - self._given.expected_s))


class _Moment(NamedTuple):
    """A moment as expected, and in the unit's sound; seconds."""

    expected_s: float
    time_s: float


def _described(error: Exception) -> str:
    """An error in one line; an endpoint's own message if it gave one."""
    body = error.body if isinstance(error, APIError) else None
    message = body.get("message") if isinstance(body, dict) else None
    return " ".join(str(message or error).split())[:200]
