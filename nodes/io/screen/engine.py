"""The screen's engine: shows each picture when its stage time has come, and turns keys into commands and lines.

It knows no window system; a display is given to it.
"""

import json
import logging
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from mio.contracts.engine import Engine, Outputs
from mio.contracts.messages import Clock, Command, Message, Reply, Tick, Transcript, Turn, VideoFrame
from mio.contracts.stage import StageClock
from nodes.io.screen.config import ScreenConfig
from nodes.io.screen.conversation import Conversation
from nodes.io.screen.displays import Display, Input, KeyPressed, WindowClosed, display_for
from nodes.io.screen.frame_queue import FrameQueue
from nodes.io.screen.keyboard import Action, Keyboard
from nodes.io.screen.scene import Scene

_TICK_HZ = 100.0
_EARLY_S = 0.5 / _TICK_HZ  # nearer to its time now than at the next tick
_CAPTION_NS = 6_000_000_000
_NOTICE_NS = 3_000_000_000
_WELCOME = "Speak, type, or hold space to talk.   F1: help"

_log = logging.getLogger(__name__)


@dataclass
class _State:
    """What a successor needs.

    Attributes:
        turn: State of the turn.
        muted: Whether the microphone is muted.
        talking: Whether push-to-talk is held.
        captions: Whether words are shown.
        help: Whether the keys are explained.
        fullscreen: Whether the window fills the display.
        closed: Whether the user has closed the window.
        notice: A short message.
        notice_until_ns: When it goes.
        words_until_ns: When the words go; 0 while somebody speaks.
        speaking: Whether the avatar's turn is being heard.
    """

    turn: str = "idle"
    muted: bool = False
    talking: bool = False
    captions: bool = True
    help: bool = False
    fullscreen: bool = False
    closed: bool = False
    notice: str = ""
    notice_until_ns: int = 0
    words_until_ns: int = 0
    speaking: bool = False
    conversation: Conversation = field(default_factory=Conversation)
    keyboard: Keyboard = field(default_factory=Keyboard)


class ScreenEngine(Engine):
    """Shows pictures and the conversation, takes keys.

    Args:
        display: Where.
        config: How.
    """

    tick_hz = _TICK_HZ
    exclusive = True

    def __init__(self, display: Display, config: ScreenConfig) -> None:
        self._display = display
        self._config = config
        self._clock = StageClock()
        self._frames = FrameQueue()
        self._now_ns = 0
        self._scene: Scene | None = None
        self._state = _State(captions=config.captions, fullscreen=config.fullscreen)
        self._state.keyboard.may_quit = not config.kiosk

    def prepare(self, state: dict[str, Any]) -> None:
        """Open the window over the predecessor's, which goes when this one takes over.

        Raises:
            DeviceError: If no window can be opened here.
        """
        self.import_state(state)
        self.open()
        if not self._state.closed:
            self._display.show(None, self._compose(self._now_ns))

    def open(self) -> None:
        """Open the window, unless it is open or the user has closed it.

        Raises:
            DeviceError: If no window can be opened here.
        """
        self._scene = None
        if self._state.closed:
            self._display.close()
            return
        self._display.open()
        if self._state.fullscreen:
            self._display.set_fullscreen(True)

    def step(self, port: str, message: Message) -> Outputs:
        """Show what is due on a tick; take in pictures and words."""
        match message:
            case Tick():
                yield from self._tick(message.mono_ns)
            case VideoFrame():
                self._frames.add(message, self._clock.stage_s(self._now_ns))
            case Clock():
                self._clock.update(message)
                self._follow(message)
            case Transcript():
                self._state.conversation.understood(message)
                self._keep_words()
            case Reply():
                self._state.conversation.replied(message)
                self._keep_words()
            case Turn():
                self._state.turn = message.state
                self._keep_words()
            case _:
                pass

    def close(self) -> None:
        """Close the window, and write the report."""
        self._display.close()
        path = self._config.report_path
        if path is not None:
            _write_report(path, self._frames.punctuality.summary())

    def export_state(self) -> dict[str, Any]:
        """What is shown and typed, where the window stands, and how punctual pictures were."""
        return {
            "version": 1,
            "screen": asdict(self._state),
            "frames": self._frames.export_state(),
            "clock": self._clock.export_state(),
            "display": self._display.export_state(),
        }

    def import_state(self, state: dict[str, Any]) -> None:
        """Go on as the predecessor's window was left."""
        if "screen" in state:
            values = dict(state["screen"])
            values["conversation"] = Conversation(**values["conversation"])
            values["keyboard"] = Keyboard(**values["keyboard"])
            self._state = _State(**values)
            self._state.keyboard.may_quit = not self._config.kiosk
        if "frames" in state:
            self._frames.import_state(state["frames"])
        self._clock.import_state(state.get("clock"))
        self._display.import_state(state.get("display", {}))

    def _tick(self, now_ns: int) -> Outputs:
        if not self._state.notice_until_ns:
            self._notify(_WELCOME, now_ns)
        self._now_ns = now_ns
        if self._state.closed:
            return
        for given in self._display.inputs():
            yield from self._react(given, now_ns)
        released = self._state.keyboard.release_due(now_ns)
        if released is not None:
            yield from self._act(released, now_ns)
        if not self._state.closed:
            self._show(now_ns)

    def _show(self, now_ns: int) -> None:
        frame = self._frames.due(self._clock.stage_s(now_ns), now_ns, _EARLY_S)
        scene = self._compose(now_ns)
        if frame is not None or scene != self._scene:
            self._scene = scene
            self._display.show(frame, scene)

    def _compose(self, now_ns: int) -> Scene:
        state = self._state
        words = state.conversation
        visible = not state.words_until_ns or now_ns < state.words_until_ns
        return Scene(
            turn=state.turn,
            muted=state.muted,
            talking=state.talking,
            user_text=words.user_text if visible else "",
            user_final=words.user_final,
            reply_text=words.reply_text if visible else "",
            heard=self._bright(),
            typed=state.keyboard.line,
            notice=state.notice if now_ns < state.notice_until_ns else "",
            captions=state.captions,
            buttons=not self._config.kiosk,
            help=state.help,
        )

    def _bright(self) -> int:
        """Characters of the reply that have been heard, with the word that is being said."""
        words = self._state.conversation
        if not self._state.speaking or words.heard >= len(words.reply_text):
            return words.heard
        end = words.reply_text.find(" ", words.heard + 1)
        return len(words.reply_text) if end < 0 else end

    def _follow(self, clock: Clock) -> None:
        words = self._state.conversation
        self._state.speaking = 0 < clock.segment_id == words.reply_id and clock.heard_sample >= 0 and not clock.fin
        words.heard_until(clock)

    def _react(self, given: Input, now_ns: int) -> Outputs:
        match given:
            case KeyPressed():
                action = self._state.keyboard.press(given.code, now_ns)
                if action is not None:
                    yield from self._act(action, now_ns)
            case WindowClosed():
                yield from self._act(Action.QUIT, now_ns)
            case Action():
                yield from self._act(given, now_ns)

    def _act(self, action: Action, now_ns: int) -> Outputs:
        state = self._state
        match action:
            case Action.MUTE:
                state.muted = not state.muted
                yield "command", Command(action="mute" if state.muted else "unmute")
            case Action.STOP:
                yield "command", Command(action="stop", segment_id=self._clock.segment_id)
            case Action.TALK_START | Action.TALK_END:
                state.talking = action is Action.TALK_START
                yield "command", Command(action="talk_start" if state.talking else "talk_end")
            case Action.SEND:
                yield "typed", self._typed()
            case Action.QUIT:
                state.closed = True
                self._display.close()
                yield "command", Command(action="quit")
            case _:
                self._toggle(action, now_ns)

    def _toggle(self, action: Action, now_ns: int) -> None:
        state = self._state
        match action:
            case Action.HELP:
                state.help = not state.help
            case Action.CAPTIONS:
                state.captions = not state.captions
                self._notify("Captions on" if state.captions else "Captions off", now_ns)
            case Action.FULLSCREEN if not self._config.kiosk:
                state.fullscreen = not state.fullscreen
                self._display.set_fullscreen(state.fullscreen)
            case Action.ASK_QUIT if state.help:
                state.help = False
            case Action.ASK_QUIT:
                self._notify("Esc again to quit", now_ns)
            case _:
                pass

    def _typed(self) -> Transcript:
        keyboard = self._state.keyboard
        text, keyboard.line = keyboard.line.strip(), ""
        return Transcript(text=text, final=True, source="text", origin_ns=self._now_ns)

    def _notify(self, text: str, now_ns: int) -> None:
        self._state.notice, self._state.notice_until_ns = text, now_ns + _NOTICE_NS

    def _keep_words(self) -> None:
        """Words stay while a turn is under way, and a while longer."""
        idle = self._state.turn == "idle"
        self._state.words_until_ns = self._now_ns + _CAPTION_NS if idle else 0


def build_engine(config: ScreenConfig) -> ScreenEngine:
    """Make the engine with its display, which is not opened yet."""
    return ScreenEngine(display_for(config), config)


def _write_report(path: Path, summary: dict[str, Any]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        _log.warning("%s: cannot be written: %s", path, error.strerror)
