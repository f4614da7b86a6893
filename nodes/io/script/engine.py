"""Plays cues when their time has come."""

from collections import deque
from pathlib import Path

import msgspec

from mio.contracts.engine import Engine, Output, Outputs
from mio.contracts.messages import (
    Clock,
    Command,
    Interrupt,
    Message,
    MessageType,
    MotionPrompt,
    Reply,
    Tick,
    Transcript,
    Turn,
)
from mio.contracts.stage import StageClock
from mio.errors import ConfigError
from mio.yaml_source import read_yaml
from nodes.io.script.config import Cue, ScriptConfig

_PORTS: dict[str, MessageType] = {
    "transcript": Transcript,
    "turn": Turn,
    "interrupt": Interrupt,
    "reply": Reply,
    "motion": MotionPrompt,
    "command": Command,
}


class ScriptEngine(Engine):
    """Sends each cue's message once stage time has reached it."""

    tick_hz = 50.0

    def __init__(self, config: ScriptConfig) -> None:
        self._cues = deque(sorted(read_script(config.path), key=lambda cue: cue[0]))
        self._clock = StageClock()

    def step(self, port: str, message: Message) -> Outputs:
        """Follow the clock, and play what is due."""
        if isinstance(message, Clock):
            self._clock.update(message)
        elif isinstance(message, Tick):
            now_s = self._clock.stage_s(message.mono_ns)
            while self._cues and self._cues[0][0] <= now_s:
                yield self._cues.popleft()[1]


def read_script(path: Path) -> list[tuple[float, Output]]:
    """Read a script.

    Returns:
        Stage time, port and message of each cue.

    Raises:
        ConfigError: With file, line and remedy.
    """
    source = read_yaml(path)
    if not isinstance(source.data, list):
        raise ConfigError(f"{path}:1: a script is a list of cues", "write '- {at_s: 1.0, port: reply, message: {...}}'")
    cues: list[tuple[float, Output]] = []
    for index, item in enumerate(source.data):
        where = f"{path}:{source.line(str(index))}"
        try:
            cue = msgspec.convert(item, Cue)
            struct = _PORTS.get(cue.port)
            if struct is None:
                raise ConfigError(f"{where}: no port '{cue.port}'", f"one of {', '.join(_PORTS)}")
            cues.append((cue.at_s, (cue.port, msgspec.convert(cue.message, struct))))
        except msgspec.ValidationError as error:
            raise ConfigError(f"{where}: {error}", "correct the cue") from error
    return cues


def build_engine(config: ScriptConfig) -> ScriptEngine:
    """Make the engine."""
    return ScriptEngine(config)
