"""Writes messages down as they come. It knows nothing of what they mean to others."""

import json
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from mio.contracts.engine import Engine, Outputs
from mio.contracts.messages import Clock, Interrupt, Message, Reply, Transcript
from mio.contracts.stage import StageClock
from mio.errors import DeviceError
from nodes.io.journal.config import JournalConfig

_OWNER_ONLY = 0o600
_STATE_VERSION = 1


class JournalEngine(Engine):
    """Appends every event to a JSON lines file and every finished turn to a transcript."""

    def __init__(self, config: JournalConfig) -> None:
        self._events = _Log(config.events)
        self._transcript = _Log(config.transcript)
        self._avatar = config.avatar
        self._clock = StageClock()
        self._dialogue = _Dialogue()
        self._question = ""
        self._asked = 0  # turn of that question
        self._broken_off = 0  # turn of an answer that was interrupted and may still go on

    def open(self) -> None:
        """Open both files."""
        self._events.open()
        self._transcript.open()

    def step(self, port: str, message: Message) -> Outputs:
        """Write one message down."""
        if isinstance(message, Clock):
            self._follow(message)
            return ()
        match message:
            case Transcript(final=True) if message.text:
                self._hear(message)
            case Reply():
                if self._dialogue.segment_id != message.segment_id:
                    self._finish_answer()
                self._finish_question()
                self._dialogue.reply(message)
            case Interrupt(action="commit"):
                self._broken_off = message.segment_id
            case Interrupt(action="resume"):
                self._broken_off = 0
            case _:
                pass
        self._events.write(self._event(port, message))
        return ()

    def close(self) -> None:
        """Write the last answer as far as it was heard, and close the files."""
        self._finish_question()
        self._finish_answer()
        self._events.close()
        self._transcript.close()

    def export_state(self) -> dict[str, Any]:
        """The question and the answer that are not in the transcript yet."""
        dialogue = self._dialogue
        return {
            "version": _STATE_VERSION,
            "question": self._question,
            "answer": [dialogue.segment_id, list(dialogue.clauses), dialogue.heard_chars],
            "broken_off": self._broken_off,
        }

    def import_state(self, state: dict[str, Any]) -> None:
        """Go on in the middle of an answer; another version's state is ignored."""
        if state.get("version") == _STATE_VERSION:
            self._question = str(state["question"])
            self._broken_off = int(state.get("broken_off", 0))
            dialogue = self._dialogue
            dialogue.segment_id, dialogue.clauses, dialogue.heard_chars = state["answer"]

    def _follow(self, clock: Clock) -> None:
        was = self._clock.segment_id
        self._clock.update(clock)
        if clock.segment_id != was:
            self._events.write({"port": "clock", "sent_ns": clock.sent_ns, **_fields(clock)})
        if clock.segment_id:
            self._dialogue.heard(clock.segment_id, clock.heard_char, last=clock.fin)
        elif was and self._dialogue.segment_id != self._broken_off:
            self._finish_answer()

    def _hear(self, heard: Transcript) -> None:
        """Keep what the user said until it is answered: who goes on after a pause is heard once more from the start."""
        if self._dialogue.segment_id < heard.segment_id:  # its answer may come first
            self._finish_answer()
        if not heard.text.startswith(self._question.rstrip(".?! ")):
            self._finish_question()
        self._question, self._asked = heard.text, heard.segment_id

    def _finish_question(self) -> None:
        if self._question:
            self._say("You", self._question)
            self._question = ""

    def _finish_answer(self) -> None:
        text = self._dialogue.take_heard()
        if text and self._asked <= self._dialogue.segment_id:
            self._finish_question()
        if text:
            self._say(self._avatar, text)

    def _say(self, who: str, text: str) -> None:
        self._transcript.write_text(f"**{who}:** {text}\n\n")

    def _event(self, port: str, message: Message) -> dict[str, Any]:
        stage_s = round(self._clock.stage_s(message.sent_ns), 4) if self._clock.running else None
        return {"port": port, "sent_ns": message.sent_ns, "stage_s": stage_s, **_fields(message)}


class _Dialogue:
    """The clauses of the current answer, and how much of it has been heard.

    Attributes:
        segment_id: Turn of the answer.
        clauses: Its clauses so far.
        heard_chars: Characters of it that have been heard.
    """

    def __init__(self) -> None:
        self.segment_id = 0
        self.clauses: list[str] = []
        self.heard_chars = 0

    def reply(self, reply: Reply) -> None:
        if reply.segment_id != self.segment_id:
            self.segment_id, self.clauses, self.heard_chars = reply.segment_id, [], 0
        if reply.text:
            self.clauses.append(reply.text)

    def heard(self, segment_id: int, chars: int, *, last: bool) -> None:
        """Follow the speaker; its last word counts, which leaves out what was said with a lowered voice."""
        if segment_id == self.segment_id:
            self.heard_chars = chars if last else max(self.heard_chars, chars)

    def take_heard(self) -> str:
        """The part of the answer that was heard; forgets the answer."""
        text = " ".join(self.clauses)
        heard = text[: self.heard_chars].rstrip()
        cut = bool(heard) and len(heard) < len(text.rstrip())
        self.clauses, self.heard_chars = [], 0
        return f"{heard} ..." if cut else heard


class _Log:
    """An append-only text file that only its owner may read, or nothing."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._file: TextIO | None = None

    def open(self) -> None:
        """Open the file for appending.

        Raises:
            DeviceError: If it cannot be written.
        """
        if self._path is None:
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.touch(mode=_OWNER_ONLY)
            self._file = self._path.open("a", encoding="utf-8")
        except OSError as error:
            problem = f"{self._path}: {error.strerror or error}"
            raise DeviceError(problem, "choose another place for the journal") from error

    def write(self, record: dict[str, Any]) -> None:
        """Append one JSON line."""
        self.write_text(json.dumps(record, ensure_ascii=False) + "\n")

    def write_text(self, text: str) -> None:
        """Append text, visible to readers at once.

        Raises:
            DeviceError: If the disk is full or gone; the file is closed and the conversation goes on without it.
        """
        if self._file is None:
            return
        try:
            self._file.write(text)
            self._file.flush()
        except OSError as error:
            self._file = None
            raise DeviceError(f"{self._path}: {error.strerror or error}", "free some space and start again") from error

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def _fields(message: Message) -> dict[str, Any]:
    """Plain values of a message; sound and pictures are left out, only their length is kept."""
    fields: dict[str, Any] = {"kind": message.KIND}
    for name in message.__struct_fields__:
        value = getattr(message, name)
        if isinstance(value, np.ndarray):
            fields[f"{name}_count"] = len(value)
        elif name not in ("sent_ns", "host"):
            fields[name] = value
    return fields


def build_engine(config: JournalConfig) -> JournalEngine:
    """Make the engine."""
    return JournalEngine(config)
