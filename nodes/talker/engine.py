"""The talker: clauses in, chunks of speech out, contiguous over a turn. It knows no dora and reads no clock."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np

from mio.audio import write_wav
from mio.contracts.engine import Engine, Output, Outputs
from mio.contracts.messages import Clock, Interrupt, Message, Reply, Speech
from mio.contracts.rates import SPEECH_HZ
from mio.errors import ConfigError, MioError, Needing
from mio.espeak import is_installed
from nodes.talker.chunks import ClauseChunks
from nodes.talker.clause import ClauseVoice
from nodes.talker.config import TalkerConfig

MAX_CHARS = 20_000
_STATE_VERSION = 1

_log = logging.getLogger(__name__)


def build_engine(config: TalkerConfig) -> "Talker":
    """Build the engine that the configuration names.

    Raises:
        MioError: If what it needs is missing.
    """
    if config.engine == "auto":
        try:
            return build_engine(msgspec.structs.replace(config, engine="kodama"))
        except MioError as error:
            _log.info("espeak-ng speaks, because of this: %s", error)
        return build_engine(msgspec.structs.replace(config, engine="espeak"))
    talker = _built(config)
    talker.label = config.engine
    return talker


def _built(config: TalkerConfig) -> "Talker":
    match config.engine:
        case "kodama":
            with Needing("engine kodama", "kodama"):
                from nodes.talker.kodama import KodamaVoice

            voice = KodamaVoice.read(config)
            espeak = _installed_espeak(config)
            return Talker(voice, config, None if espeak is None else Spare(espeak, voice.leaves))
        case "openai":
            from nodes.talker.endpoint import EndpointVoice

            voice = EndpointVoice(config.openai, config.voice_settings(), _installed_espeak(config))
            return Talker(voice, config)
        case _:
            from nodes.talker.espeak import EspeakVoice

            return Talker(EspeakVoice(config.voice_settings(), config.character), config)


class Spare(NamedTuple):
    """A voice that steps in for another one before a clause begins.

    Attributes:
        voice: It is always in time and speaks everything.
        needed: Whether it has to speak a clause however much time there is.
    """

    voice: ClauseVoice
    needed: Callable[[Reply], bool]


@dataclass
class TalkerState:
    """Where the talker stands.

    Attributes:
        segment_id: The turn that is being spoken.
        next_sample: Samples of it that have been sent.
        given_up: The newest turn that was interrupted for good; it and older ones are not spoken.
        clause: The clause that is being spoken, as plain values; None between clauses.
        clause_start: Samples of the turn before that clause.
        late: Whether all sound of this turn had been heard before the next was there.
        spared: Whether the spare voice speaks that clause.
    """

    segment_id: int = 0
    next_sample: int = 0
    given_up: int = 0
    clause: dict[str, Any] | None = None
    clause_start: int = 0
    late: bool = False
    spared: bool = False


class Talker(Engine):
    """Speaks turns clause by clause with any voice.

    A turn's clauses follow each other without a gap in its sample count. A clause of a newer turn ends the older one; a
    turn that was given up, and older ones, are not spoken on. A clause that a predecessor was speaking when it exported
    its state is finished before the turn's next one. Once the listener has heard all that there is of a clause that
    goes on, a spare voice, if there is one, speaks the turn's other clauses.
    """

    def __init__(self, voice: ClauseVoice, config: TalkerConfig, spare: Spare | None = None) -> None:
        self._voice, self._spare = voice, spare
        self._config = config
        self._state = TalkerState()

    def step(self, port: str, message: Message) -> Outputs:
        """Speak a clause, or give up a turn."""
        match message:
            case Interrupt(action="commit"):
                self._state.given_up = max(self._state.given_up, message.segment_id)
            case Interrupt(action="resume") if message.segment_id == self._state.given_up:
                self._state.given_up -= 1
            case Reply():
                yield from self._speak(message)
            case Clock():
                self._notice(message)
            case _:
                pass

    def at_boundary(self) -> bool:
        """Between two clauses."""
        return self._state.clause is None

    def export_state(self) -> dict[str, Any]:
        """Turn, position, and the clause being spoken."""
        return {"version": _STATE_VERSION, **asdict(self._state)}

    def import_state(self, state: dict[str, Any]) -> None:
        """Go on where a predecessor stands.

        Raises:
            ConfigError: If the state is of another version.
        """
        if state.get("version") != _STATE_VERSION:
            raise ConfigError(f"talker state of version {state.get('version')}", "start the talker afresh")
        known = {name: state[name] for name in TalkerState.__dataclass_fields__ if name in state}
        self._state = TalkerState(**known)

    def _speak(self, reply: Reply) -> Iterator[Output | None]:
        state = self._state
        if state.clause is not None and reply.segment_id == state.segment_id:
            yield from self._chunks(msgspec.convert(state.clause, Reply))
        if reply.segment_id <= state.given_up or self._is_replaced(reply):
            return
        if reply.segment_id != state.segment_id:
            state.segment_id, state.next_sample, state.late = reply.segment_id, 0, False
        state.spared = self._spare is not None and (state.late or self._spare.needed(reply))
        state.clause, state.clause_start = msgspec.to_builtins(reply), state.next_sample
        yield from self._chunks(reply)

    def _notice(self, clock: Clock) -> None:
        """See whether the listener waits in the middle of a clause."""
        state = self._state
        waits = clock.segment_id == state.segment_id and 0 < state.next_sample <= clock.heard_sample
        state.late = state.late or (waits and state.clause is not None and not state.spared)

    def _is_replaced(self, reply: Reply) -> bool:
        """Whether a clause belongs to a turn that a newer one has replaced."""
        return reply.segment_id < self._state.segment_id and reply.index > 0

    def _chunks(self, reply: Reply) -> Iterator[Output | None]:
        """Chunks of the state's clause from ``next_sample`` on, until the turn is given up."""
        state = self._state
        chunks = ClauseChunks(reply, state.clause_start, self._config.first_frames, self._config.chunk_frames)
        voice = self._spare.voice if self._spare is not None and state.spared else self._voice
        try:
            _check_length(reply)
            for speech in chunks.of(voice.speak(reply)):
                if reply.segment_id <= state.given_up:
                    return
                if speech is None:
                    yield None
                elif speech.start_sample >= state.next_sample:
                    state.next_sample += len(speech.samples)
                    yield "speech", speech
        except MioError:
            if reply.fin:  # whoever waits for the end of the turn must not wait for ever
                yield "speech", _end(reply, state.next_sample)
            raise
        finally:
            state.clause = None


def _installed_espeak(config: TalkerConfig) -> ClauseVoice | None:
    """espeak-ng for what another voice leaves; None if it is not installed.

    Raises:
        MioError: If it is, but the character's voice cannot be had from it.
    """
    from nodes.talker.espeak import EspeakVoice

    if not is_installed():
        _log.warning("espeak-ng is not installed: what %s leaves is not spoken by another voice", config.engine)
        return None
    return EspeakVoice(config.voice_settings(), config.character)


def _check_length(reply: Reply) -> None:
    if len(reply.text) > MAX_CHARS:
        raise MioError(f"a clause of {len(reply.text)} characters is not spoken", f"send at most {MAX_CHARS} at once")


def _end(reply: Reply, start_sample: int) -> Speech:
    """An empty chunk that ends a turn."""
    return Speech(
        session=reply.session,
        segment_id=reply.segment_id,
        origin_ns=reply.origin_ns,
        fin=True,
        samples=np.zeros(0, np.float32),
        start_sample=start_sample,
        index=reply.index,
        first_char=reply.first_char,
        last_char=reply.first_char + len(reply.text),
    )


def say(text: str, path: Path, voice: str | None = None) -> None:
    """Speak a text into a sound file.

    Args:
        text: What to say.
        path: WAV file.
        voice: espeak-ng voice, such as ``en-us+f2``; the default character's if left out.

    Raises:
        MioError: If the voice is unknown, nothing in the text can be spoken, or the file cannot be written.
    """
    language, config = "en", TalkerConfig()
    if voice is not None:
        language, _, variant = voice.partition("+")
        config = TalkerConfig(engine="espeak", voice={"languages": {language: language}, "variant": variant})
    reply = Reply(text=text, language=language, segment_id=1, fin=True)
    outputs = build_engine(config).step("reply", reply)
    sound = [output[1].samples for output in outputs if output is not None and isinstance(output[1], Speech)]
    if not any(len(samples) for samples in sound):
        raise MioError(f"nothing in {text[:40]!r} can be spoken", "give a text with letters or digits")
    write_wav(path, np.concatenate(sound), SPEECH_HZ)
