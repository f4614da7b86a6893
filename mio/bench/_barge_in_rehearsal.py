"""Talking over the avatar without a dataflow: the engines that decide, stepped in fake time, faster than real time.

Computing takes no time here and messages arrive at once, so the same cases always come out the same.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mio.bench._barge_in_tape import Streams
from mio.bench._echo_stage import EchoStage
from mio.bench.echo import speeches
from mio.contracts.messages import Speech
from mio.contracts.rates import SPEECH_HZ
from mio.measure.room import RoomSettings
from nodes.io.microphone.config import EchoConfig, Line, SimulatedRoom
from nodes.listener.config import ListenerConfig
from nodes.listener.engine import build_engine

_ANSWERS = 60
_LEAST_ANSWER_S = 6.5  # long enough to be talked over
_PER_CASE_S = 30.0


class Rehearsed(NamedTuple):
    """What came of a rehearsal.

    Attributes:
        streams: What was spoken, played and decided.
        said: The lines that were said, by number, as the room logs them.
    """

    streams: Streams
    said: dict[int, dict[str, Any]]


class Rehearsal:
    """Conversations of users who only talk over the avatar, with one listener that begins each anew.

    Args:
        character: Folder of the character pack, whose longer answers are spoken.
        seed: Of their order.
    """

    def __init__(self, character: Path, seed: int) -> None:
        self._listener = build_engine(ListenerConfig(character=character))
        self._fresh = self._listener.export_state()
        spoken = speeches(character, _ANSWERS, seed)
        self._answers = [answer for answer in spoken if _length_s(answer) > _LEAST_ANSWER_S]

    def converse(self, sounds: Sequence[tuple[Path, float]], room: RoomSettings, folder: Path) -> Rehearsed:
        """Let users say their lines, each in another answer.

        Args:
            sounds: Sound file of each line, and how much of the answer is heard before, seconds.
            room: Where they are.
            folder: For the log.
        """
        log = folder / "lines.jsonl"
        log.unlink(missing_ok=True)
        lines = [Line(sound=path, when="answer", after_s=after_s) for path, after_s in sounds]
        self._listener.import_state(self._fresh)
        stage = EchoStage(
            SimulatedRoom(acoustics=room, lines=lines, log=log), self._listener, self._answers, EchoConfig()
        )
        stage.run(_PER_CASE_S * len(lines), until_said=True)
        rows = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
        return Rehearsed(Streams(stage.streams), {row["line"]: row for row in rows if row["said"]})


def _length_s(answer: Sequence[Speech]) -> float:
    return (answer[-1].start_sample + len(answer[-1].samples)) / SPEECH_HZ
