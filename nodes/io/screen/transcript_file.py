"""The conversation as a file that only grows: Markdown for people or JSON lines for programs."""

import json
import logging
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from mio.errors import MioError
from nodes.io.screen.conversation import Line

_NAMES = {"user": "You", "avatar": "Mio"}

_log = logging.getLogger(__name__)


class TranscriptFile:
    """Appends lines as they are spoken. A full disk is logged once; the conversation goes on.

    Args:
        path: The file; its folder is made.
        now: Tells the time of day.

    Raises:
        MioError: If it cannot be written.
    """

    def __init__(self, path: Path, now: Callable[[], datetime] = lambda: datetime.now().astimezone()) -> None:
        self._path = path
        self._now = now
        self._failed = False
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("a", encoding="utf-8"):
                pass
        except OSError as error:
            problem = f"{path}: cannot be written: {error.strerror}"
            raise MioError(problem, "set 'transcript_path:' to a writable file") from error

    def add(self, line: Line) -> None:
        """Append a line."""
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(self._format(line))
            self._failed = False
        except OSError as error:
            if not self._failed:
                _log.error("%s: the transcript cannot be written: %s", self._path, error.strerror)
            self._failed = True

    def _format(self, line: Line) -> str:
        now = self._now()
        if self._path.suffix.lower() == ".md":
            text = " ".join(line.text.split()) + (" —" if line.interrupted else "")
            return f"**{_NAMES[line.who]}** ({now:%H:%M:%S}): {text}\n\n"
        fields = {"at": now.isoformat(timespec="milliseconds"), **line._asdict(), "stage_s": round(line.stage_s, 3)}
        return json.dumps(fields, ensure_ascii=False) + "\n"
