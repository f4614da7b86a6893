"""Devices handed over while they run: how long nobody holds them, and whether stage time and sound go on.

Microphone (a sound file at the pace of real time), speaker (the virtual device) and window (on a virtual display, if
Xvfb is installed and no display is set) of the live flow are replaced in turn.
"""

import argparse
import os
import shutil
import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from mio.bench._probe import Seen
from mio.bench._swap_figures import order_of
from mio.bench._swap_flow import Swap, TalkedFlow
from mio.bench.report import Report, percentile

DURATION = "about 3 min"

SETTINGS = {"microphone": {"gain_db": "0"}, "speaker": {"device": "null"}, "screen": {}}
OUTPUTS = {"microphone": ("audio",), "speaker": ("clock", "played")}
_AROUND_NS = 1_000_000_000
_PAUSE_S = 2.0
_DISPLAY = ":93"

_ROUNDING_S = 1e-6


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    parser.add_argument("--swaps", type=int, default=10, help="of each device (10)")
    parser.add_argument("--folder", type=Path, default=Path("out/bench/device-swap"), help="for what the run leaves")


def run(args: argparse.Namespace, report: Report) -> None:
    """Swap each device several times, then look at what the probe has seen."""
    with _display() as (display, why_not):
        if why_not:
            report.note(why_not)
        nodes = [node for node in SETTINGS if node != "screen" or display]
        env = {"DISPLAY": display} if display else {"MIO_SCREEN__DEVICE": "null"}
        seconds = args.swaps * len(nodes) * 8.0
        flow = TalkedFlow(args.folder.resolve(), seconds, flow="mio.yml", outputs=OUTPUTS, env=env)
        swaps: list[Swap] = []
        with flow:
            for _ in range(args.swaps):
                for node in nodes:
                    time.sleep(_PAUSE_S)
                    swaps.append(flow.swap(node, SETTINGS[node]))
            time.sleep(_PAUSE_S)
    for node in nodes:
        gaps = [swap.handover_ms for swap in swaps if swap.node == node]
        report.figure(f"{node}_without_owner_ms_p50", percentile(gaps, 0.5))
        report.figure(f"{node}_without_owner_ms_max", max(gaps), target=300)
    _streams(flow.seen(), swaps, report)


def _streams(seen: dict[str, list[Seen]], swaps: list[Swap], report: Report) -> None:
    for port, messages in sorted(seen.items()):
        report.row("streams at the probe", stream=port, **order_of(messages)._asdict())
    of_speaker = [swap for swap in swaps if swap.node == "speaker"]
    of_microphone = [swap for swap in swaps if swap.node == "microphone"]
    leaps = [stage_leap_ms(seen["speaker_clock"], swap) for swap in of_speaker]
    report.figure("stage_time_leap_ms_max", max(leaps, key=abs), target=45)
    report.figure("stage_time_goes_back", sum(_goes_back(seen["speaker_clock"], swap) for swap in of_speaker), target=0)
    for port, own, rate_hz in (("speaker_played", of_speaker, 24_000), ("microphone_audio", of_microphone, 16_000)):
        missing = [1e3 * missing_samples(seen[port], swap) / rate_hz for swap in own]
        report.figure(f"{port}_missing_ms_max", max(missing, key=abs))


def stage_leap_ms(clocks: list[Seen], swap: Swap) -> float:
    """By how much stage time differs after a swap from what the last clock before it foretold; positive if ahead."""
    before = [clock for clock in clocks if clock.sent_ns < swap.took_over_ns - round(swap.handover_ms * 1e6)]
    after = [clock for clock in clocks if clock.sent_ns >= swap.took_over_ns]
    (stage_s, mono_ns), (later_s, later_ns) = before[-1].place, after[0].place
    return 1e3 * (later_s - stage_s - (later_ns - mono_ns) / 1e9)


def missing_samples(chunks: list[Seen], swap: Swap) -> float:
    """Samples that are missing (negative: doubled) in the numbering of a sound stream around a swap, the largest."""
    near = [chunk for chunk in chunks if abs(chunk.sent_ns - swap.took_over_ns) < _AROUND_NS]
    breaks = [b.place[0] - a.place[0] - a.place[1] for a, b in zip(near, near[1:], strict=False)]
    return max(breaks, key=abs, default=0.0)


def _goes_back(clocks: list[Seen], swap: Swap) -> bool:
    """Whether a consumer that extrapolates each clock message to when it was sent sees stage time go back."""
    near = [clock for clock in clocks if abs(clock.sent_ns - swap.took_over_ns) < _AROUND_NS]
    shown = [clock.place[0] + (clock.sent_ns - clock.place[1]) / 1e9 for clock in near]
    return any(later < earlier - _ROUNDING_S for earlier, later in zip(shown, shown[1:], strict=False))


@contextmanager
def _display() -> Generator[tuple[str, str]]:
    """A display for the window, and why there is none."""
    if os.environ.get("DISPLAY"):
        yield os.environ["DISPLAY"], ""
        return
    if shutil.which("Xvfb") is None:
        yield "", "no display and no Xvfb: the window was not swapped"
        return
    command = ["Xvfb", _DISPLAY, "-screen", "0", "1280x1024x24", "-nolisten", "tcp"]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        time.sleep(1.0)
        yield _DISPLAY, ""
    finally:
        server.terminate()
        server.wait()
