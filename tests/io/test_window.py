"""The real window on a virtual display, in a process of its own, driven with a keyboard and a mouse."""

import os
import shutil
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

SESSION = """
    import sys, time
    import numpy as np
    from mio.contracts.messages import Clock, Command, Tick, Transcript, VideoFrame
    from nodes.io.screen.config import ScreenConfig
    from nodes.io.screen.engine import build_engine

    config = ScreenConfig(title="Mio test", width=360, height=360)
    engine = build_engine(config)
    engine.prepare({"display": {"place": [0, 0, 200, 200]}})
    engine.import_state({"display": {"place": [40, 30, 360, 360]}})
    engine.open()
    pixels = np.tile(np.array([200, 40, 90], np.uint8), 360 * 360)
    began = time.monotonic_ns()
    list(engine.step("clock", Clock(stage_s=0.0, mono_ns=began)))
    deadline, frames, done = began + 240_000_000_000, 0, False
    while time.monotonic_ns() < deadline and not done:
        now = time.monotonic_ns()
        if (now - began) * 30e-9 > frames:
            frame = VideoFrame(pixels=pixels, width=360, height=360, stage_s=(now - began) * 1e-9)
            list(engine.step("frame", frame))
            frames += 1
        for _, message in engine.step("tick", Tick(mono_ns=now)):
            text = message.action if isinstance(message, Command) else f"typed {message.text}"
            print(text, flush=True)
            done = done or text == "quit"
        if frames == 5:
            print("shown", flush=True)
            frames += 1
        time.sleep(0.005)
    engine.close()
    print("end", flush=True)
"""


class Window:
    """A running session."""

    def __init__(self, display: str) -> None:
        self.environment = {**os.environ, "DISPLAY": display, "PYTHONPATH": str(Path.cwd())}
        command = [sys.executable, "-c", textwrap.dedent(SESSION)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=self.environment)

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def xdotool(self, *words: str) -> str:
        found = subprocess.run(["xdotool", *words], capture_output=True, text=True, env=self.environment, check=True)
        return found.stdout.strip()

    def pixel(self, x: int, y: int) -> tuple[int, ...]:
        """Red, green and blue on the display."""
        command = ["import", "-window", "root", "-crop", f"1x1+{x}+{y}", "-depth", "8", "rgb:-"]
        return tuple(subprocess.run(command, capture_output=True, env=self.environment, check=True).stdout[:3])


@pytest.fixture
def window(x_display: str) -> Iterator[Window]:
    for tool in ("xdotool", "import"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    window = Window(x_display)
    try:
        assert window.line() == "shown"
        yield window
    finally:
        window.process.kill()
        window.process.communicate()


def test_the_window_shows_the_picture_and_takes_keys_and_clicks(window: Window) -> None:
    number = window.xdotool("search", "--name", "Mio test").splitlines()[0]
    window.xdotool("windowfocus", "--sync", number)
    geometry = dict(
        line.split("=") for line in window.xdotool("getwindowgeometry", "--shell", number).splitlines() if "=" in line
    )
    left, top = int(geometry["X"]), int(geometry["Y"])
    assert (geometry["WIDTH"], geometry["HEIGHT"]) == ("360", "360")
    deadline = time.monotonic() + 120
    while not np.allclose(seen := window.pixel(left + 180, top + 150), (200, 40, 90), atol=3):
        assert time.monotonic() < deadline, f"the picture is not on the display, but {seen}"
    window.xdotool("key", "F2")
    assert window.line() == "mute"
    window.xdotool("type", "--delay", "150", "hi mio")
    window.xdotool("key", "Return")
    assert window.line() == "typed hi mio"
    window.xdotool("keydown", "space")
    assert window.line() == "talk_start"
    window.xdotool("keyup", "space")
    assert window.line() == "talk_end"
    window.xdotool("mousemove", str(left + 285), str(top + 17), "mousedown", "1")
    assert window.line() == "stop"
    window.xdotool("mouseup", "1", "key", "Escape")
    window.xdotool("key", "Escape")
    assert window.line() == "quit"
    assert window.line() == "end"
