"""What the journal of a running conversation says, read while it is written."""

import json
from pathlib import Path
from typing import Any, TextIO

Event = dict[str, Any]


class EventReader:
    """Follows a journal's JSON lines."""

    def __init__(self, path: Path, *, skip_old: bool = False) -> None:
        """Follow a file.

        Args:
            path: The file, which may come to be only later.
            skip_old: Pass over what is in it now.
        """
        self._path = path
        self._file: TextIO | None = None
        self._rest = ""
        self._start = path.stat().st_size if skip_old and path.is_file() else 0

    def new(self) -> list[Event]:
        """Events written since the last call."""
        if self._file is None:
            if not self._path.is_file():
                return []
            self._file = self._path.open(encoding="utf-8")
            self._file.seek(self._start)
        text = self._rest + self._file.read()
        *lines, self._rest = text.split("\n")
        return [json.loads(line) for line in lines if line]

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()


class Conversation:
    """The state of one question and its answer, as far as the events tell it.

    Attributes:
        heard: What was understood; empty before.
        answer: Clauses of the answer so far.
        emotion: Emotion of the last clause.
        gesture: Last gesture.
        spoken_s: Seconds of speech that have been made.
        state: State of the turn.
        speaking_since_ns: Monotonic time at which the answer began to play; 0 before.
        finished_ns: Monotonic time at which it had been played; 0 before.
    """

    def __init__(self) -> None:
        self.heard = ""
        self.answer: list[str] = []
        self.emotion = ""
        self.gesture = ""
        self.spoken_s = 0.0
        self.state = "idle"
        self.speaking_since_ns = 0
        self.finished_ns = 0

    @property
    def answer_text(self) -> str:
        """The answer so far."""
        return " ".join(self.answer)

    def take(self, event: Event) -> None:
        """Take over one event."""
        match event["port"]:
            case "transcript":
                self.heard = event["text"] or self.heard
            case "turn":
                self.state = event["state"]
            case "reply":
                if event["text"]:
                    self.answer.append(event["text"])
                    self.emotion = event["emotion"]
            case "motion":
                self.gesture = event["gesture"]
            case "speech":
                self.spoken_s += event["samples_count"] / 24_000
            case "clock":
                self._playback(event)
            case _:
                pass

    def _playback(self, event: Event) -> None:
        if event["segment_id"]:
            self.speaking_since_ns = self.speaking_since_ns or event["sent_ns"]
        elif self.speaking_since_ns:
            self.finished_ns = event["sent_ns"]
