"""From keys to what they mean.

OpenCV reports presses only, repeated while a key is held, and no character beyond ASCII.
"""

from dataclasses import dataclass
from enum import Enum, auto

_SPACE, _ENTER, _ESCAPE, _BACKSPACE = 32, 13, 27, 8
_LONGEST_LINE = 500
_FIRST_REPEAT_NS = 750_000_000  # X servers repeat a held key after 660 ms
_NEXT_REPEAT_NS = 200_000_000
_QUIT_NS = 3_000_000_000


class Action(Enum):
    """What a key or button does."""

    MUTE = auto()
    STOP = auto()
    TALK_START = auto()
    TALK_END = auto()
    CAPTIONS = auto()
    FULLSCREEN = auto()
    HELP = auto()
    SEND = auto()
    ASK_QUIT = auto()
    QUIT = auto()


KEYS: dict[int, Action] = {
    0xFFBE: Action.HELP,  # F1 ... as X11 numbers them
    0xFFBF: Action.MUTE,
    0xFFC0: Action.STOP,
    0xFFC1: Action.CAPTIONS,
    0xFFC8: Action.FULLSCREEN,
    0x700000: Action.HELP,  # as Windows does
    0x710000: Action.MUTE,
    0x720000: Action.STOP,
    0x730000: Action.CAPTIONS,
    0x7A0000: Action.FULLSCREEN,
    0xF704: Action.HELP,  # as macOS does
    0xF705: Action.MUTE,
    0xF706: Action.STOP,
    0xF707: Action.CAPTIONS,
    0xF70E: Action.FULLSCREEN,
}

HELP: tuple[tuple[str, str], ...] = (
    ("type", "write a line, Enter sends it"),
    ("Space", "hold to talk"),
    ("F2", "mute the microphone"),
    ("F3", "stop the answer"),
    ("F4", "captions on or off"),
    ("F11", "full screen on or off"),
    ("Esc", "clear the line; twice: quit"),
    ("F1 or ?", "this help"),
)


@dataclass
class Keyboard:
    """The typed line and the keys that are held.

    Attributes:
        line: What has been typed.
        may_quit: Whether Escape quits.
    """

    line: str = ""
    may_quit: bool = True
    _held_until_ns: int = 0
    _asked_ns: int = 0

    def press(self, key: int, now_ns: int) -> Action | None:
        """Take in a key press; returns what it does beyond typing."""
        if key in KEYS:
            return KEYS[key]
        if key == _SPACE and not self.line:
            return self._hold(now_ns)
        if key == ord("?") and not self.line:
            return Action.HELP
        if key == _ENTER or key == ord("\n"):
            return Action.SEND if self.line.strip() else None
        if key == _ESCAPE:
            return self._escape(now_ns)
        if key == _BACKSPACE:
            self.line = self.line[:-1]
        elif _SPACE <= key < 127 and len(self.line) < _LONGEST_LINE:
            self.line += chr(key)
        return None

    def release_due(self, now_ns: int) -> Action | None:
        """The end of a held key, which shows as repeats that stay away."""
        if self._held_until_ns and now_ns > self._held_until_ns:
            self._held_until_ns = 0
            return Action.TALK_END
        return None

    def _hold(self, now_ns: int) -> Action | None:
        first = not self._held_until_ns
        self._held_until_ns = now_ns + (_FIRST_REPEAT_NS if first else _NEXT_REPEAT_NS)
        return Action.TALK_START if first else None

    def _escape(self, now_ns: int) -> Action | None:
        if self.line:
            self.line = ""
            return None
        if not self.may_quit:
            return None
        asked, self._asked_ns = self._asked_ns, now_ns
        return Action.QUIT if asked and now_ns - asked < _QUIT_NS else Action.ASK_QUIT
