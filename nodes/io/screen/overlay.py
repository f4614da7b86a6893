"""Where everything over the picture stands and how it looks. Painted anew only where the scene has changed."""

from collections.abc import Callable
from typing import NamedTuple

from mio.contracts.messages import ByteArray
from nodes.io.screen.keyboard import HELP, Action
from nodes.io.screen.painting import DIM, GREY, WHITE, Colour, Panel, Patch, Type
from nodes.io.screen.scene import Scene

_STATES: dict[str, tuple[str, Colour]] = {
    "idle": ("Listening", (197, 209, 79)),
    "user_speaking": ("Hearing you", (120, 220, 120)),
    "thinking": ("Thinking", (83, 196, 246)),
    "avatar_speaking": ("Speaking", (255, 162, 122)),
    "ducked": ("Hearing you", (120, 220, 120)),
}
_MUTED: tuple[str, Colour] = ("Muted", (110, 110, 240))
_REPLY_LINES = 2
_DESIGN_HEIGHT = 720


class Button(NamedTuple):
    """A button's place on the picture and what it does.

    Attributes:
        left: Left edge.
        top: Upper edge.
        right: Right edge.
        bottom: Lower edge.
        action: What a click does.
        released: What letting go does.
    """

    left: int
    top: int
    right: int
    bottom: int
    action: Action
    released: Action | None = None


class Overlay:
    """Paints a scene for pictures of one size.

    Args:
        width: Of the picture, pixels.
        height: Of the picture.
    """

    def __init__(self, width: int, height: int) -> None:
        self._width, self._height = width, height
        self._scale = min(height, width) / _DESIGN_HEIGHT
        self._small = Type(self._px(15))
        self._user = Type(self._px(17))
        self._label = Type(self._px(16), 600)
        self._reply = Type(self._px(22))
        self._margin = self._px(18)
        self._painted: dict[str, tuple[object, list[Patch]]] = {}
        self.buttons: list[Button] = []

    def lay_on(self, picture: ByteArray, scene: Scene) -> None:
        """Blend everything into a picture, ``[h, w, 3]`` BGR, in place."""
        for patch in self.patches(scene):
            patch.lay_on(picture)

    def patches(self, scene: Scene) -> list[Patch]:
        """All panels of a scene."""
        words = (scene.user_text, scene.user_final, scene.reply_text, scene.heard, scene.typed, scene.captions)
        state = (scene.turn, scene.muted)
        buttons = (scene.buttons, scene.muted, scene.talking)
        return [
            *self._part("state", state, lambda: self._paint_state(scene)),
            *self._part("buttons", buttons, lambda: self._paint_buttons(scene)),
            *self._part("words", words, lambda: self._paint_words(scene)),
            *self._part("notice", scene.notice, lambda: self._paint_notice(scene)),
            *self._part("help", scene.help, lambda: self._paint_help(scene)),
        ]

    def button_at(self, x: int, y: int) -> Button | None:
        """The button at a place on the picture."""
        inside = (b for b in self.buttons if b.left <= x < b.right and b.top <= y < b.bottom)
        return next(inside, None)

    def _part(self, name: str, key: object, paint: Callable[[], list[Patch]]) -> list[Patch]:
        painted = self._painted.get(name)
        if painted is None or painted[0] != key:
            painted = key, paint()
            self._painted[name] = painted
        return painted[1]

    def _paint_state(self, scene: Scene) -> list[Patch]:
        label, colour = _MUTED if scene.muted else _STATES.get(scene.turn, _STATES["idle"])
        height = self._px(34)
        panel = Panel(self._label.width(label) + self._px(50), height, height // 2)
        panel.dot(self._px(20), height // 2, self._px(5), colour)
        panel.text(label, self._label, self._px(34), self._baseline(height, self._label))
        return [panel.patch(self._margin, self._margin)]

    def _paint_buttons(self, scene: Scene) -> list[Patch]:
        self.buttons = []
        if not scene.buttons:
            return []
        entries = (
            ("?", Action.HELP, None, False),
            ("Talk", Action.TALK_START, Action.TALK_END, scene.talking),
            ("Stop", Action.STOP, None, False),
            ("Unmute" if scene.muted else "Mute", Action.MUTE, None, scene.muted),
        )
        patches: list[Patch] = []
        height = self._px(34)
        right = self._width - self._margin
        for label, action, released, lit in entries:
            width = max(height, self._small.width(label) + self._px(26))
            panel = Panel(width, height, height // 2, (150, 110, 60) if lit else (34, 26, 22), 0.85 if lit else 0.5)
            x = (width - self._small.width(label)) // 2
            panel.text(label, self._small, x, self._baseline(height, self._small), WHITE if lit else GREY)
            patches.append(panel.patch(right - width, self._margin))
            self.buttons.append(Button(right - width, self._margin, right, self._margin + height, action, released))
            right -= width + self._px(8)
        return patches

    def _paint_words(self, scene: Scene) -> list[Patch]:
        reply = scene.reply_text if scene.captions else ""
        user = scene.user_text if scene.captions else ""
        width = self._width - 2 * self._margin
        inner = width - self._px(40)
        replied = self._lines_in_view(self._reply.wrap(reply, inner), scene.heard)
        above = self._typed_line(scene.typed, inner) if scene.typed else self._last_line(user, inner)
        if not replied and not above:
            return []
        step, row = self._px(31), self._px(27)
        height = self._px(24) + (row if above else 0) + step * len(replied)
        panel = Panel(width, height, self._px(16))
        y = self._px(12)
        if above:
            colour = WHITE if scene.typed else GREY if scene.user_final else DIM
            panel.text(above, self._user, self._px(20), y + self._baseline(row, self._user), colour)
            y += row
        for start, line in replied:
            baseline = y + self._baseline(step, self._reply)
            self._write_heard(panel, line, max(0, scene.heard - start), baseline)
            y += step
        return [panel.patch(self._margin, self._height - self._margin - height)]

    def _write_heard(self, panel: Panel, line: str, heard: int, baseline: int) -> None:
        """A line whose first ``heard`` characters are bright and the rest dim."""
        x = self._px(20)
        panel.text(line, self._reply, x, baseline, DIM)
        panel.text(line[:heard], self._reply, x, baseline, WHITE)

    def _lines_in_view(self, lines: list[tuple[int, str]], heard: int) -> list[tuple[int, str]]:
        """The line that is being said and the one after it."""
        current = max((i for i, (start, _) in enumerate(lines) if start <= heard), default=0)
        first = max(0, min(current, len(lines) - _REPLY_LINES))
        return lines[first : first + _REPLY_LINES]

    def _last_line(self, text: str, width: int) -> str:
        """The user's words, without the first ones where there are too many."""
        words, left_out = text.split(), ""
        while len(words) > 1 and self._user.width(f"You  {left_out}{' '.join(words)}") > width:
            words, left_out = words[1:], "… "
        return f"You  {left_out}{' '.join(words)}" if words else ""

    def _typed_line(self, typed: str, width: int) -> str:
        while typed and self._user.width(f"›  {typed}_") > width:
            typed = typed[1:]
        return f"›  {typed}_"

    def _paint_notice(self, scene: Scene) -> list[Patch]:
        if not scene.notice:
            return []
        height, width = self._px(36), self._small.width(scene.notice) + self._px(36)
        panel = Panel(width, height, height // 2)
        panel.text(scene.notice, self._small, self._px(18), self._baseline(height, self._small), GREY)
        return [panel.patch((self._width - width) // 2, self._margin + self._px(52))]

    def _paint_help(self, scene: Scene) -> list[Patch]:
        if not scene.help:
            return []
        row, left = self._px(32), self._px(104)
        width = left + max(self._small.width(text) for _, text in HELP) + self._px(52)
        height = row * len(HELP) + self._px(32)
        panel = Panel(width, height, self._px(18), opacity=0.82)
        for number, (key, text) in enumerate(HELP):
            baseline = self._px(16) + row * number + self._baseline(row, self._small)
            panel.text(key, self._label, self._px(24), baseline)
            panel.text(text, self._small, self._px(24) + left, baseline, GREY)
        return [panel.patch((self._width - width) // 2, (self._height - height) // 2)]

    def _baseline(self, height: int, face: Type) -> int:
        """Baseline that centres capitals (0.7 of the size) in a row."""
        return round(height / 2 + face.size * 0.35)

    def _px(self, pixels: float) -> int:
        return max(1, round(pixels * self._scale))
