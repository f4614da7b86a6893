import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mio.contracts.messages import Clock, Command, Message, Reply, Transcript, Turn, VideoFrame
from mio.errors import DeviceError
from mio.runtime.testing import run_engine, steps, tick
from nodes.io.screen.config import ScreenConfig
from nodes.io.screen.displays import Input, KeyPressed, NullDisplay, WindowClosed, display_for
from nodes.io.screen.engine import ScreenEngine, build_engine
from nodes.io.screen.keyboard import Action
from nodes.io.screen.overlay import Overlay
from nodes.io.screen.scene import Scene

MANIFEST = Path("nodes/io/screen/dora-node.yml")
F1, F2, F3, F4, F11, ENTER, ESCAPE, BACKSPACE = 0xFFBE, 0xFFBF, 0xFFC0, 0xFFC1, 0xFFC8, 13, 27, 8


class FakeDisplay:
    """Keeps what it is shown; the test presses its keys."""

    def __init__(self) -> None:
        self.shown: list[float | None] = []
        self.scene = Scene()
        self.given: list[Input] = []
        self.fullscreen = False
        self.closed = True
        self.opened = 0
        self.place: list[int] = []

    def open(self) -> None:
        self.opened += self.closed
        self.closed = False

    def show(self, frame: VideoFrame | None, scene: Scene) -> None:
        self.shown.append(frame.stage_s if frame is not None else None)
        self.scene = scene

    def inputs(self) -> list[Input]:
        given, self.given = self.given, []
        return given

    def set_fullscreen(self, on: bool) -> None:
        self.fullscreen = on

    def close(self) -> None:
        self.closed = True

    def export_state(self) -> dict[str, Any]:
        return {"place": [1, 2, 3, 4]}

    def import_state(self, state: dict[str, Any]) -> None:
        self.place = state.get("place", [])


class Sitting:
    """A screen engine on a fake display, with stage time 0 at second 10."""

    def __init__(self, **config: object) -> None:
        self.display = FakeDisplay()
        self.config = ScreenConfig(**config)  # type: ignore[arg-type]
        self.engine = ScreenEngine(self.display, self.config)
        self.engine.open()
        self.now_s = 10.0
        self.sent: list[tuple[str, Message]] = []
        self.send("clock", Clock(stage_s=0.0, mono_ns=10_000_000_000))
        self.run(0.02)

    def send(self, port: str, message: Message) -> None:
        self.sent += steps(self.engine, port, message)

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds * 100)):
            self.sent += tick(self.engine, self.now_s)
            self.now_s += 0.01

    def press(self, *keys: int | str) -> None:
        codes = [ord(c) for key in keys if isinstance(key, str) for c in key] or [k for k in keys if isinstance(k, int)]
        self.display.given += [KeyPressed(code) for code in codes]
        self.run(0.01)

    def commands(self) -> list[str]:
        return [message.action for _, message in self.sent if isinstance(message, Command)]

    def typed(self) -> list[str]:
        return [message.text for port, message in self.sent if isinstance(message, Transcript) and port == "typed"]


def picture(stage_s: float, size: int = 8) -> VideoFrame:
    return VideoFrame(pixels=np.zeros(size * size * 3, np.uint8), width=size, height=size, stage_s=stage_s)


def test_each_picture_is_shown_when_its_stage_time_has_come() -> None:
    sitting = Sitting()
    for index in range(30):
        sitting.send("frame", picture(0.1 + index / 30))
        sitting.run(0.03)
    sitting.run(0.3)
    shown = [at for at in sitting.display.shown if at is not None]
    assert shown == pytest.approx([0.1 + index / 30 for index in range(30)])
    summary = sitting.engine._frames.punctuality.summary()
    assert summary["frames_late"] == summary["frames_dropped"] == 0
    assert -5.1 <= summary["lateness_ms"]["p50"] <= 5.1


def test_of_several_due_pictures_only_the_newest_is_shown() -> None:
    sitting = Sitting()
    sitting.run(1.0)
    for stage_s in (0.90, 0.93, 0.96):
        sitting.send("frame", picture(stage_s))
    sitting.run(0.05)
    assert [at for at in sitting.display.shown if at is not None] == [0.96]
    assert sitting.engine._frames.punctuality.dropped == 2


def test_late_doubled_and_absurd_pictures_are_counted() -> None:
    sitting = Sitting()
    sitting.run(1.0)
    sitting.send("frame", picture(0.9))
    sitting.run(0.02)
    for stage_s in (0.9, 0.5, float("nan"), 1e9):
        sitting.send("frame", picture(stage_s))
    sitting.run(0.02)
    summary = sitting.engine._frames.punctuality.summary()
    assert (summary["frames_shown"], summary["frames_late"], summary["frames_dropped"]) == (1, 1, 4)
    assert summary["late_frames_pct"] == 100.0


def test_without_a_clock_pictures_are_shown_at_once() -> None:
    display = FakeDisplay()
    engine = ScreenEngine(display, ScreenConfig())
    engine.open()
    tick(engine, 1.0)
    steps(engine, "frame", picture(123.0))
    tick(engine, 1.01)
    assert 123.0 in display.shown


def test_after_a_restarted_clock_pictures_go_on() -> None:
    sitting = Sitting()
    sitting.run(5.0)
    sitting.send("frame", picture(5.0))
    sitting.run(0.05)
    sitting.send("clock", Clock(stage_s=0.0, mono_ns=round(sitting.now_s * 1e9), epoch=1))
    sitting.send("frame", picture(0.05))
    sitting.run(0.1)
    assert sitting.display.shown[-1] == 0.05


def test_typing_makes_a_line_that_enter_sends() -> None:
    sitting = Sitting()
    sitting.press("Hi there1")
    sitting.press(BACKSPACE)
    assert sitting.display.scene.typed == "Hi there"
    sitting.press(ENTER)
    assert sitting.typed() == ["Hi there"]
    assert sitting.display.scene.typed == ""
    message = next(message for port, message in sitting.sent if port == "typed")
    assert isinstance(message, Transcript)
    assert (message.final, message.source) == (True, "text")
    assert message.origin_ns > 0


def test_escape_clears_the_line_and_an_empty_line_is_not_sent() -> None:
    sitting = Sitting()
    sitting.press("x")
    sitting.press(ESCAPE)
    sitting.press(ENTER)
    assert sitting.typed() == []
    assert sitting.commands() == []


def test_escape_twice_quits_and_once_does_not() -> None:
    sitting = Sitting()
    sitting.press(ESCAPE)
    assert sitting.display.scene.notice == "Esc again to quit"
    sitting.run(4.0)
    sitting.press(ESCAPE)
    assert sitting.commands() == []
    sitting.press(ESCAPE)
    assert sitting.commands() == ["quit"]
    assert sitting.display.closed


def test_closing_the_window_quits_once_and_the_node_goes_on_without_it() -> None:
    sitting = Sitting()
    sitting.display.given = [WindowClosed()]
    sitting.run(0.1)
    sitting.display.given = [WindowClosed()]
    sitting.send("frame", picture(0.2))
    sitting.run(0.1)
    assert sitting.commands() == ["quit"]


def test_a_kiosk_has_no_buttons_and_does_not_quit_by_key() -> None:
    sitting = Sitting(kiosk=True)
    sitting.press(ESCAPE)
    sitting.press(ESCAPE)
    assert sitting.commands() == []
    assert not sitting.display.scene.buttons


def test_mute_and_stop_are_sent_and_shown() -> None:
    sitting = Sitting()
    sitting.send("clock", Clock(stage_s=0.1, mono_ns=10_100_000_000, segment_id=6))
    sitting.press(F2)
    assert sitting.display.scene.muted
    sitting.press(F2)
    sitting.press(F3)
    assert sitting.commands() == ["mute", "unmute", "stop"]
    stop = [message for _, message in sitting.sent if isinstance(message, Command)][-1]
    assert stop.segment_id == 6


def test_space_talks_while_it_is_held() -> None:
    sitting = Sitting()
    sitting.press(" ")
    sitting.run(0.6)
    for _ in range(20):
        sitting.press(" ")
        sitting.run(0.03)
    assert sitting.commands() == ["talk_start"]
    assert sitting.display.scene.talking
    sitting.run(0.25)
    assert sitting.commands() == ["talk_start", "talk_end"]
    assert not sitting.display.scene.talking


def test_a_tap_on_space_ends_by_itself_and_space_in_a_line_is_a_letter() -> None:
    sitting = Sitting()
    sitting.press(" ")
    sitting.run(0.8)
    assert sitting.commands() == ["talk_start", "talk_end"]
    sitting.press("a b")
    assert sitting.display.scene.typed == "a b"
    assert len(sitting.commands()) == 2


def test_toggles_for_help_captions_and_full_screen() -> None:
    sitting = Sitting()
    sitting.press("?")
    assert sitting.display.scene.help
    sitting.press(F1)
    assert not sitting.display.scene.help
    sitting.press(F4)
    assert not sitting.display.scene.captions
    sitting.press(F11)
    assert sitting.display.fullscreen


def test_buttons_on_the_picture_do_what_they_say() -> None:
    sitting = Sitting()
    sitting.display.given = [Action.MUTE, Action.TALK_START, Action.TALK_END]
    sitting.run(0.01)
    assert sitting.commands() == ["mute", "talk_start", "talk_end"]


def test_captions_show_both_sides_and_brighten_with_what_is_heard() -> None:
    sitting = Sitting()
    sitting.send("turn", Turn(state="thinking"))
    sitting.send("transcript", Transcript(text="Who are", final=False, segment_id=1))
    sitting.send("transcript", Transcript(text="Who are you?", segment_id=1))
    sitting.send("reply", Reply(text="I keep the light.", segment_id=1))
    sitting.send("reply", Reply(text="And the garden.", segment_id=1, index=1, first_char=18, fin=True))
    sitting.send("turn", Turn(state="avatar_speaking"))
    sitting.run(0.02)
    scene = sitting.display.scene
    assert (scene.user_text, scene.user_final) == ("Who are you?", True)
    assert (scene.reply_text, scene.heard) == ("I keep the light. And the garden.", 0)
    clock = Clock(stage_s=1.0, mono_ns=11_000_000_000, segment_id=1, heard_sample=12_000, heard_char=6)
    sitting.send("clock", clock)
    sitting.run(0.02)
    assert scene.reply_text[: sitting.display.scene.heard] == "I keep the"
    assert sitting.display.scene.turn == "avatar_speaking"


def test_captions_go_some_seconds_after_the_turn() -> None:
    sitting = Sitting()
    sitting.send("transcript", Transcript(text="Hello"))
    sitting.send("turn", Turn(state="idle"))
    sitting.run(5.0)
    assert sitting.display.scene.user_text == "Hello"
    sitting.run(2.0)
    assert sitting.display.scene.user_text == ""


def test_how_punctual_pictures_were_is_reported_at_the_end(tmp_path: Path) -> None:
    engine = build_engine(ScreenConfig(device="null", report_path=tmp_path / "screen.json"))
    frames = [("frame", picture(0.05 + index / 30), index / 30) for index in range(60)]
    script = [("clock", Clock(stage_s=0.0, mono_ns=0)), *frames]
    transport = run_engine(engine, MANIFEST, script, run_s=2.2)
    assert not transport.logged
    report = json.loads((tmp_path / "screen.json").read_text())
    assert report["frames_received"] == report["frames_shown"] == 60
    assert report["late_frames_pct"] == 0.0
    assert report["interval_ms"]["p50"] == pytest.approx(1000 / 30, abs=10.0)


def test_a_missing_display_is_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    with pytest.raises(DeviceError, match="no display: DISPLAY is not set.*--screen null"):
        build_engine(ScreenConfig()).open()
    (problem,) = ScreenConfig().check()
    assert "--screen null" in problem.remedy
    monkeypatch.setenv("DISPLAY", ":987")
    with pytest.raises(DeviceError, match="no window can be opened on display :987.*--screen null"):
        build_engine(ScreenConfig()).open()
    assert not list(ScreenConfig(device="null").check())
    assert isinstance(display_for(ScreenConfig(device="null")), NullDisplay)


def test_a_successor_shows_what_was_shown_and_typed_and_keeps_the_figures() -> None:
    old = Sitting()
    old.run(4.0)
    old.send("turn", Turn(state="avatar_speaking"))
    old.send("reply", Reply(text="I keep the light.", segment_id=1))
    old.press("half a li")
    old.press(F4)
    for index in range(10):
        old.send("frame", picture(4.2 + index / 30))
        old.run(0.03)
    old.engine.close()
    new = Sitting()
    new.engine.close()
    new.engine.import_state(old.engine.export_state())
    new.engine.open()
    new.now_s = old.now_s
    assert new.display.place == [1, 2, 3, 4]
    new.run(0.02)
    scene = new.display.scene
    assert (scene.turn, scene.typed, scene.captions) == ("avatar_speaking", "half a li", False)
    assert scene.reply_text == "I keep the light."
    new.press("ne", ENTER)
    new.press(ENTER)
    assert new.typed() == ["half a line"]
    summary = new.engine._frames.punctuality.summary()
    assert summary["frames_received"] == 10
    assert summary["lateness_ms"] != {}


def test_a_successors_window_is_open_before_the_predecessors_is_closed() -> None:
    old = Sitting()
    old.send("reply", Reply(text="I keep the light.", segment_id=1))
    display = FakeDisplay()
    new = ScreenEngine(display, old.config)
    new.prepare(old.engine.export_state())
    assert (display.closed, display.place, display.scene.reply_text) == (False, [1, 2, 3, 4], "I keep the light.")
    old.engine.close()
    new.import_state(old.engine.export_state())
    new.open()
    assert display.opened == 1
    old.engine._state.closed = True
    new.import_state(old.engine.export_state())
    new.open()
    assert display.closed


def test_a_window_that_the_user_has_closed_stays_closed_in_a_successor() -> None:
    old = Sitting()
    old.display.given = [WindowClosed()]
    old.run(0.02)
    new = Sitting()
    new.engine.close()
    new.engine.import_state(old.engine.export_state())
    new.engine.open()
    assert new.display.closed
    new.send("frame", picture(0.5))
    new.run(0.5)
    assert new.commands() == []


def test_the_overlay_repaints_only_what_has_changed() -> None:
    overlay = Overlay(360, 360)
    first = overlay.patches(Scene(reply_text="One two three", heard=3))
    second = overlay.patches(Scene(reply_text="One two three", heard=7))
    same = [a is b for a, b in zip(first, second, strict=True)]
    assert same.count(False) == 1


def test_the_overlay_fits_any_size_and_text() -> None:
    for width, height in ((64, 64), (721, 333), (1080, 1920)):
        picture = np.full((height, width, 3), 90, np.uint8)
        scene = Scene(
            user_text="word " * 400,
            reply_text="Donaudampfschifffahrtsgesellschaft" * 20 + " äöüß 中文 " * 30,
            heard=500,
            typed="x" * 500,
            notice="notice",
            help=True,
        )
        overlay = Overlay(width, height)
        overlay.lay_on(picture, scene)
        assert (picture != 90).any()
        overlay.lay_on(picture, Scene(turn="thinking", muted=True, talking=True))


def test_heard_words_are_brighter_than_the_rest() -> None:
    def brightness(heard: int) -> float:
        picture = np.zeros((360, 360, 3), np.uint8)
        Overlay(360, 360).lay_on(picture, Scene(reply_text="one two three four", heard=heard, buttons=False))
        return float(picture[200:].mean())

    assert brightness(0) < brightness(8) < brightness(18)


def test_a_button_is_found_where_it_is_painted() -> None:
    overlay = Overlay(720, 720)
    overlay.patches(Scene())
    for button in overlay.buttons:
        assert overlay.button_at((button.left + button.right) // 2, (button.top + button.bottom) // 2) == button
    assert {button.action for button in overlay.buttons} == {
        Action.HELP,
        Action.TALK_START,
        Action.STOP,
        Action.MUTE,
    }
    assert overlay.button_at(360, 600) is None
