"""The speaker's engine: puts speech on the stage clock, prepares what the device plays, and says what is heard.

The sound of the next ``ahead_ms`` is always prepared and can be rewritten, so a fade begins within a few
milliseconds however much is prepared. It knows no sound system; time comes with ticks.
"""

import logging
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mio.audio import limited, load_converters
from mio.contracts.engine import Engine, Outputs
from mio.contracts.messages import AudioChunk, Clock, Interrupt, Message, Speech, Tick
from mio.contracts.rates import SPEECH_HZ
from nodes.io.devices import device_name
from nodes.io.portaudio import PortAudio
from nodes.io.speaker.config import SpeakerConfig
from nodes.io.speaker.outputs import Handed, SoundCardOutput
from nodes.io.speaker.play_queue import PlayQueue
from nodes.io.speaker.playout import Playout
from nodes.io.speaker.voice import Voice

_TICK_HZ = 25.0
_TICKS_PER_CLOCK = 2  # 12.5 Hz; changes are told at once
_DUCK_SAMPLES = SPEECH_HZ * 20 // 1000
_RESUME_SAMPLES = SPEECH_HZ * 80 // 1000
_STOP_SAMPLES = SPEECH_HZ * 20 // 1000
_MESSAGE_SAMPLES = SPEECH_HZ * 200 // 1000  # of what was played: after a stall it is told in pieces, as at other times

_log = logging.getLogger(__name__)


@dataclass
class _State:
    """What a successor needs.

    Attributes:
        epoch: Tells this clock from those before a restart.
        voices: Turns that are played: those that fade out, then the one that speaks.
        past: The newest turn that has ended or was given up; it and older ones are not played any more.
        broken_off: The turn that was given up last, if it may still go on.
        rendered_to: First stage position that has not been prepared.
        ticks: Ticks so far.
        underruns: Breaks in speech because it came too late.
        starving: Whether speech is missing now.
    """

    epoch: int = -1
    voices: list[Voice] = field(default_factory=list[Voice])
    past: int = 0
    broken_off: Voice | None = None
    rendered_to: int = 0
    ticks: int = 0
    underruns: int = 0
    starving: bool = False


class SpeakerEngine(Engine):
    """Plays turns and publishes the stage clock.

    Args:
        playout: The device behind the queue.
        config: Lead, volume and loudness.
    """

    tick_hz = _TICK_HZ
    exclusive = True

    def __init__(self, playout: Playout, config: SpeakerConfig) -> None:
        self._playout = playout
        self._lead = round(config.lead_ms * 1e-3 * SPEECH_HZ)
        self._ahead = round(config.ahead_ms * 1e-3 * SPEECH_HZ)
        self._volume = np.float32(10.0 ** (config.volume_db / 20.0))
        self._duck_gain = 10.0 ** (config.duck_db / 20.0)
        self._now_ns: int | None = None
        self._early: list[Message] = []
        self._state = _State()

    @property
    def underruns(self) -> int:
        """Breaks in speech so far because it came too late."""
        return self._state.underruns

    def prepare(self, state: dict[str, Any]) -> None:
        """Start the sound system.

        Raises:
            DeviceError: If it is missing.
        """
        self._playout.prepare()

    def open(self) -> None:
        """Acquire the device; stage time, if it has begun, goes on.

        Raises:
            DeviceError: If the device is missing.
        """
        self._playout.open()

    def step(self, port: str, message: Message) -> Outputs:
        """Let time pass on a tick; take speech and interruptions."""
        if isinstance(message, Tick):
            yield from self._tick(message.mono_ns)
        elif self._now_ns is None:
            self._early.append(message)
        elif isinstance(message, Speech):
            yield from self._speak(message, self._now_ns)
        elif isinstance(message, Interrupt):
            yield from self._interrupt(message, self._now_ns)

    def export_state(self) -> dict[str, Any]:
        """Stage time and the turns that are played."""
        state = self._state
        return {
            "version": 1,
            "epoch": state.epoch,
            "voices": [voice.export_state() for voice in state.voices],
            "past": state.past,
            "broken_off": state.broken_off.export_state() if state.broken_off else None,
            "underruns": state.underruns,
            "playout": self._playout.export_state(),
        }

    def import_state(self, state: dict[str, Any]) -> None:
        """Go on with the predecessor's stage time and turns; speech begins again where it was heard to."""
        self._state = _State(
            epoch=int(state.get("epoch", -1)),
            voices=[Voice.from_state(values) for values in state.get("voices", [])],
            past=int(state.get("past", 0)),
            broken_off=Voice.from_state(state["broken_off"]) if state.get("broken_off") else None,
            underruns=int(state.get("underruns", 0)),
        )
        self._playout.import_state(state.get("playout", {}))
        self._rejoin()

    def close(self) -> None:
        """Release the device."""
        self._playout.close()
        self._rejoin()

    def _rejoin(self) -> None:
        """What was prepared beyond the stage time is prepared again; that this breaks speech is no underrun."""
        self._state.rendered_to = self._playout.position
        self._state.starving = True

    def _tick(self, now_ns: int) -> Outputs:
        self._now_ns = now_ns
        if self._state.epoch < 0:
            self._state.epoch = now_ns // 1_000_000  # grows with every start, as CLOCK_MONOTONIC does
        for block in self._playout.poll(now_ns):
            yield from _as_messages(block)
        early, self._early = self._early, []
        for message in early:
            yield from self.step("", message)
        ended = self._end_voices(now_ns)
        changed = self._keep_up() or bool(ended)
        self._render(everything=changed)
        yield from ended
        if changed or self._state.ticks % _TICKS_PER_CLOCK == 0:
            yield "clock", self._clock(now_ns)
        self._state.ticks += 1

    def _speak(self, speech: Speech, now_ns: int) -> Outputs:
        voice = self._speaking()
        if speech.segment_id <= self._state.past or (voice and speech.segment_id < voice.segment_id):
            return
        if voice is None or speech.segment_id > voice.segment_id:
            self._state.broken_off = None
            yield from self._stop(speech.segment_id - 1, now_ns)
            start = max(round(self._position(now_ns)) + self._lead, self._playout.changeable)
            voice = Voice(speech.segment_id, start)
            voice.add(speech)
            self._state.voices.append(voice)
            self._render(everything=True)
            yield "clock", self._clock(now_ns)
            return
        missing = voice.add(speech)
        if missing:
            _log.warning("turn %d: %d samples of speech never came; silence instead", voice.segment_id, missing)
        moved = self._keep_up()
        self._render(everything=True)
        if moved:
            yield "clock", self._clock(now_ns)

    def _interrupt(self, interrupt: Interrupt, now_ns: int) -> Outputs:
        if interrupt.action == "commit":
            yield from self._stop(interrupt.segment_id, now_ns)
            self._render(everything=True)
            yield "clock", self._clock(now_ns)
            return
        voice = self._speaking()
        if voice is None and interrupt.action == "resume":
            yield from self._take_up(interrupt.segment_id, now_ns)
        if voice is None or voice.segment_id > interrupt.segment_id > 0:
            return
        if interrupt.action == "duck":
            voice.duck(self._duck_gain, self._playout.changeable, _DUCK_SAMPLES)
        else:
            voice.resume(self._playout.changeable, _RESUME_SAMPLES)
        self._render(everything=True)

    def _take_up(self, segment_id: int, now_ns: int) -> Outputs:
        """Go on with a turn that was given up by mistake, from the word in which it was lowered or cut."""
        voice, self._state.broken_off = self._state.broken_off, None
        if voice is None or voice.segment_id != segment_id:
            return
        self._state.voices = [other for other in self._state.voices if other.segment_id != segment_id]
        self._state.past = segment_id - 1
        voice.take_up(max(round(self._position(now_ns)) + self._lead, self._playout.changeable), _RESUME_SAMPLES)
        self._state.voices.append(voice)
        self._render(everything=True)
        yield "clock", self._clock(now_ns)

    def _stop(self, segment_id: int, now_ns: int) -> Outputs:
        """Fade out the turn that speaks if it is ``segment_id`` or older, and play nothing of them any more."""
        self._state.past = max(self._state.past, segment_id)
        voice = self._speaking()
        if voice is not None and voice.segment_id <= segment_id:
            voice.stop(self._playout.changeable, _STOP_SAMPLES)
            self._state.broken_off = voice
            yield "clock", self._last_clock(voice, now_ns)

    def _end_voices(self, now_ns: int) -> list[tuple[str, Message]]:
        """Forget turns that have been heard to their end; returns the last clock of each that was not cut."""
        position = int(self._position(now_ns) + 1e-3)
        over = [voice for voice in self._state.voices if voice.over(position)]
        self._state.past = max([self._state.past, *(voice.segment_id for voice in over)])
        self._state.voices = [voice for voice in self._state.voices if voice not in over]
        return [("clock", self._last_clock(voice, now_ns)) for voice in over if not voice.cut]

    def _keep_up(self) -> bool:
        """Move speech that was not there in time; whether any was moved."""
        voice = self._speaking()
        moved = 0
        if voice is not None:
            playout = self._playout
            moved = voice.keep_up(playout.position, self._state.rendered_to, playout.changeable)
        if moved and not self._state.starving:
            self._state.underruns += 1
            _log.warning("turn %d: speech came too late, break number %d", self._voice_id(), self._state.underruns)
        self._state.starving = moved > 0
        return moved > 0

    def _render(self, *, everything: bool) -> None:
        """Prepare what is new, or all that can still be changed."""
        playout = self._playout
        if playout.silent:
            return
        last = max(playout.position + self._ahead, self._state.rendered_to if everything else 0)
        first = playout.changeable if everything else max(self._state.rendered_to, playout.changeable)
        if last <= first:
            return
        mix = np.zeros(last - first, np.float32)
        for voice in self._state.voices:
            mix += voice.render(first, last)
        playout.put(first, limited(mix * self._volume))
        self._state.rendered_to = last

    def _speaking(self) -> Voice | None:
        """The turn that speaks or is about to; None if none, or if it fades out."""
        return next((voice for voice in self._state.voices if not voice.cut), None)

    def _voice_id(self) -> int:
        voice = self._speaking()
        return voice.segment_id if voice is not None else 0

    def _position(self, now_ns: int) -> float:
        return self._playout.stage_s(now_ns) * SPEECH_HZ

    def _clock(self, now_ns: int) -> Clock:
        voice = self._speaking()
        position = self._position(now_ns)
        heard = voice.heard_sample(position) if voice is not None else 0
        return Clock(
            segment_id=self._voice_id(),
            epoch=self._state.epoch,
            stage_s=position / SPEECH_HZ,
            mono_ns=now_ns,
            rate=self._playout.rate,
            heard_sample=heard,
            heard_char=voice.heard_char(heard) if voice is not None else 0,
            uncertainty_s=self._playout.uncertainty_s,
        )

    def _last_clock(self, voice: Voice, now_ns: int) -> Clock:
        """The clock of a turn's last heard sample, which may be a moment away."""
        heard = voice.last_heard_sample()
        away_s = (voice.start + heard - self._position(now_ns)) / SPEECH_HZ
        return Clock(
            segment_id=voice.segment_id,
            fin=True,
            epoch=self._state.epoch,
            stage_s=(voice.start + heard) / SPEECH_HZ,
            mono_ns=now_ns + round(away_s / self._playout.rate * 1e9),
            rate=self._playout.rate,
            heard_sample=heard,
            heard_char=voice.heard_char(heard),
            uncertainty_s=self._playout.uncertainty_s,
        )


def _as_messages(block: Handed) -> Outputs:
    """What was played, in messages of a bounded size."""
    for start in range(0, len(block.samples), _MESSAGE_SAMPLES):
        samples = block.samples[start : start + _MESSAGE_SAMPLES]
        yield "played", AudioChunk(samples=samples, sample_rate=SPEECH_HZ, start_sample=block.position + start)


def build_engine(config: SpeakerConfig) -> SpeakerEngine:
    """Make the engine with its device, which is not opened yet."""
    queue = PlayQueue()
    card = None
    if device_name(config.device) != "null":
        load_converters()
        card = SoundCardOutput(queue, device_name(config.device), config.latency_ms / 1e3, PortAudio())
    return SpeakerEngine(Playout(queue, card), config)
