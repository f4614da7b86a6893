"""The body at ease and gesturing: sway, breath, feet, smoothness, beats on stresses, time to retract, cost per frame.

The same of each engine; those of ``idle`` are what any engine that is to be the live default must meet.
"""

import argparse
import time
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import numpy as np

from mio.bench.report import Report, percentile
from mio.contracts.emotions import GESTURES
from mio.contracts.messages import BodyMotion, Clock, Interrupt, Message, MotionPrompt, Speech, Tick, Turn
from mio.contracts.rates import BODY_FPS, SPEECH_FRAME_SAMPLES, SPEECH_HZ
from mio.contracts.skeleton import JOINT_INDEX
from mio.rotation import Array, inverse, product, quaternion, rotvec
from nodes.body.config import BodyConfig
from nodes.body.engine import build_engine
from nodes.body.skeleton import forward

DURATION = "about 1 min"

_WRISTS = [JOINT_INDEX["left_wrist"], JOINT_INDEX["right_wrist"]]
_FEET = [JOINT_INDEX[name] for name in ("left_ankle", "right_ankle", "left_foot", "right_foot")]
_STILL_S = 10
_STILL_M = 0.02
_SENTENCE = "silver boats carried golden lanterns through every narrow harbour street until morning light returned"

Event = tuple[float, str, Message]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of this benchmark."""
    parser.add_argument("--engine", choices=("idle", "flood"), default="idle", help="whose motion (idle)")
    parser.add_argument("--seed", type=int, default=1, help="of the engine and of the random prompts")
    parser.add_argument("--minutes", type=float, default=10.0, help="of standing, as fast as possible")


def run(args: argparse.Namespace, report: Report) -> None:
    """Measure standing, random gestures, speaking and an interruption."""
    config = BodyConfig(engine=args.engine, seed=args.seed)
    _standing(report, config, args.minutes)
    _gesturing(report, config)
    _speaking(report, config)
    _retracting(report, config)
    report.note("real people: see the sources of constants in nodes/body/README.md")


class Show:
    """An engine on a stage clock that runs as fast as it can.

    Attributes:
        beats: When the strokes of beats were planned.
        breaths: When quiet breaths were to begin.
    """

    def __init__(self, config: BodyConfig) -> None:
        self._engine = build_engine(config)
        self.beats: set[float] = set()
        self.breaths: set[float] = set()

    def play(self, run_s: float, script: Iterable[Event] = (), talk: tuple[float, float] = (1e9, 1e9)) -> Any:
        """Play a script; the talk is when turn 1 is heard.

        Returns:
            ``[n, 159]`` frames as shown, and CPU seconds of every tick.
        """
        waiting = sorted(script, key=lambda event: event[0])
        shown: dict[int, Array] = {}
        costs: list[float] = []
        for frame in range(round(run_s * BODY_FPS)):
            stage_s, mono_ns = frame / BODY_FPS, 1_000_000 + round(frame / BODY_FPS * 1e9)
            if frame % 4 == 0:
                self._say_time(stage_s, mono_ns, talk)
            while waiting and waiting[0][0] <= stage_s + 1e-6:
                self._step(waiting[0][1], waiting.pop(0)[2], shown)
            began = time.process_time()
            self._step("tick", Tick(mono_ns=mono_ns), shown)
            costs.append(time.process_time() - began)
            if frame % 10 == 0:
                self._note_plans()
        return np.stack([shown[key] for key in sorted(shown)]).astype(np.float64), costs

    def _note_plans(self) -> None:
        state = self._engine.export_state()
        state = state.get("understudy", state)
        self.breaths.add(state["breath"]["next_s"])
        for entry in state["choreography"]["performer"]["performances"]:
            if entry["name"] == "beat":
                self.beats.add(entry["stroke_end_s"])

    def _say_time(self, stage_s: float, mono_ns: int, talk: tuple[float, float]) -> None:
        speaking = talk[0] - 0.4 <= stage_s < talk[1]
        heard = round((stage_s - talk[0]) * SPEECH_HZ) if speaking else 0
        clock = Clock(stage_s=stage_s, mono_ns=mono_ns, segment_id=int(speaking), heard_sample=heard)
        self._step("clock", clock, {})

    def _step(self, port: str, message: Message, shown: dict[int, Array]) -> None:
        for output in self._engine.step(port, message):
            if output is not None and isinstance(output[1], BodyMotion):
                first = round(output[1].start_stage_s * BODY_FPS)
                shown.update({first + index: frame for index, frame in enumerate(output[1].frames)})


def _standing(report: Report, config: BodyConfig, minutes: float) -> None:
    show = Show(config)
    frames, _ = show.play(60.0 * minutes)
    windows = frames[: len(frames) // (_STILL_S * BODY_FPS) * _STILL_S * BODY_FPS, (0, 2)]
    windows = windows.reshape(-1, _STILL_S * BODY_FPS, 2)
    still = windows[np.ptp(windows[:, :, 0], axis=1) < _STILL_M]
    report.figure("sway_side_sd_mm", 1e3 * still[..., 0].std(1).mean())
    report.figure("sway_ahead_sd_mm", 1e3 * still[..., 1].std(1).mean())
    path = np.linalg.norm(np.diff(still, axis=1), axis=-1).sum(1)
    report.figure("sway_speed_mm_s", 1e3 * path.mean() / _STILL_S)
    report.figure("sway_median_frequency_hz", _median_frequency(still[..., 1]))
    bears = np.where(frames[:, 0] > 0.014, 1, np.where(frames[:, 0] < -0.014, -1, 0))[:: 2 * BODY_FPS]
    report.figure("weight_shifts_per_min", 60.0 * BODY_FPS * (np.diff(bears) != 0).sum() / len(frames))
    places, turns = forward(frames)
    report.figure("foot_slide_mm", _slide_mm(places), target=1.0)
    up = turns[:, JOINT_INDEX["head"], 1, 1]
    report.figure("head_tilt_max_deg", np.degrees(np.arccos(np.clip(up, -1.0, 1.0))).max())
    report.figure("idle_peak_jerk_m_s3", _peak(places[:, :22], 3))
    cycles = np.diff(sorted(show.breaths))
    report.figure("breaths_per_min", 60.0 / cycles.mean())
    report.figure("breath_rate_variation_pct", 100.0 * cycles.std() / cycles.mean())


def _gesturing(report: Report, config: BodyConfig) -> None:
    rng = np.random.default_rng(config.seed)
    script: list[Event] = []
    at_s = 1.0
    while at_s < 170.0:
        at_s += float(rng.uniform(0.15, 3.0))
        turn = int(at_s)
        gesture: Any = str(rng.choice(GESTURES))
        script.append((at_s, "prompt", MotionPrompt(text="", gesture=gesture, segment_id=turn)))
        if rng.random() < 0.15:
            script.append((at_s + 0.3, "interrupt", Interrupt(action="commit", segment_id=turn)))
        if rng.random() < 0.2:
            state: Any = str(rng.choice(("idle", "user_speaking", "thinking", "avatar_speaking", "ducked")))
            script.append((at_s + 0.2, "turn", Turn(state=state)))
    frames, costs = Show(config).play(180.0, script)
    places = forward(frames)[0]
    turned = quaternion(frames[:, 3:].reshape(len(frames), -1, 3))
    step = np.linalg.norm(rotvec(product(inverse(turned[:-1]), turned[1:])), axis=-1)
    report.figure("random_joint_step_max_deg", float(np.degrees(step).max()), target=27.0)
    report.figure("random_wrist_peak_speed_m_s", _peak(places[:, _WRISTS], 1))
    report.figure("random_wrist_peak_jerk_m_s3", _peak(places[:, _WRISTS], 3), target=600.0)
    report.figure("random_foot_slide_mm", _slide_mm(places), target=1.0)
    report.figure("tick_cpu_p50_ms", 1e3 * percentile(costs, 0.5), target=3.0)
    report.figure("tick_cpu_p99_ms", 1e3 * percentile(costs, 0.99))


def _speaking(report: Report, config: BodyConfig) -> None:
    """Beats against the vowels that carry the stresses."""
    words = _SENTENCE.split() * 16
    lengths = np.random.default_rng(config.seed).uniform(0.28, 0.55, len(words))
    starts = np.concatenate(([0.0], np.cumsum(lengths)[:-1]))
    speech = _speech(words, starts, lengths)
    script: list[Event] = [(0.5, "speech", speech), (1.0, "turn", Turn(state="avatar_speaking"))]
    show = Show(config)
    frames, _ = show.play(speech.end_s + 4.0, script, (2.0, 2.0 + speech.end_s))
    vowels = 2.0 + starts + 0.08
    wrists = forward(frames)[0][:, _WRISTS]
    late = [at_s - vowels[np.abs(vowels - at_s).argmin()] for at_s in _stroke_ends(wrists, show.beats)]
    report.figure("beats_per_min_of_speech", 60.0 * len(show.beats) / speech.end_s)
    report.figure("stroke_end_after_vowel_start_p50_ms", 1e3 * percentile(late, 0.5))
    report.figure("stroke_end_after_vowel_start_p10_ms", 1e3 * percentile(late, 0.1))
    report.figure("stroke_end_after_vowel_start_p90_ms", 1e3 * percentile(late, 0.9))


def _retracting(report: Report, config: BodyConfig) -> None:
    """From an interruption in the middle of a gesture until both wrists are as low as they hang, within 3 cm."""
    took: list[float] = []
    for index, gesture in enumerate(("greet", "explain", "point", "shrug", "think")):
        script: list[Event] = [
            (1.0, "prompt", MotionPrompt(text="", gesture=gesture, segment_id=1)),  # type: ignore[arg-type]
            (2.2, "interrupt", Interrupt(action="commit", segment_id=1)),
        ]
        frames, _ = Show(msgspec.structs.replace(config, seed=config.seed + index)).play(5.0, script)
        places = forward(frames)[0]
        height = places[:, _WRISTS, 1] - places[:, [0], 1]
        away = np.abs(height - height[-1]).max(1) > 0.03
        took.append(float(np.flatnonzero(away)[-1] + 1) / BODY_FPS - 2.2)
    report.figure("commit_to_rest_max_ms", 1e3 * max(took), target=700.0)


def _speech(words: Sequence[str], starts: Array, lengths: Array) -> Speech:
    frames = -(-round(float(starts[-1] + lengths[-1]) * SPEECH_HZ) // SPEECH_FRAME_SAMPLES)
    phones = ["t", "ɑː"] * len(words)
    return Speech(
        segment_id=1,
        samples=np.zeros(frames * SPEECH_FRAME_SAMPLES, np.float32),
        start_sample=0,
        phones=phones,
        phone_start_s=[float(at_s) for start_s in starts for at_s in (start_s, start_s + 0.08)],
        phone_stress=[0, 1] * len(words),
        words=list(words),
        word_start_s=[float(start_s) for start_s in starts],
        word_end_s=[float(end_s) for end_s in starts + lengths],
        word_char=[0] * len(words),
        fin=True,
    )


def _stroke_ends(wrists: Array, beats: Iterable[float]) -> list[float]:
    """When each beat's stroke has ended: the faster wrist's speed has fallen to half of its peak about then."""
    speed = np.linalg.norm(np.diff(wrists, axis=0), axis=-1) * BODY_FPS
    ends: list[float] = []
    for beat_s in beats:
        first = round((beat_s - 0.25) * BODY_FPS)
        near = speed[first : first + round(0.3 * BODY_FPS)]
        hand = int(near.max(0).argmax())
        peak = first + int(near[:, hand].argmax())
        slow = speed[peak:, hand] < 0.5 * speed[peak, hand]
        ends.append((peak + 0.5 + int(slow.argmax())) / BODY_FPS)
    return ends


def _median_frequency(series: Array) -> float:
    power = (np.abs(np.fft.rfft(series - series.mean(1, keepdims=True), axis=1)) ** 2).mean(0)[1:]
    share = np.cumsum(power) / power.sum()
    return float(np.fft.rfftfreq(series.shape[1], 1.0 / BODY_FPS)[1 + int((share >= 0.5).argmax())])


def _slide_mm(places: Array) -> float:
    return float(1e3 * np.ptp(places[:, _FEET], axis=0).max())


def _peak(path: Array, order: int) -> float:
    """Largest derivative of that order along paths ``[T, ..., 3]``, in m/s to that power."""
    return float(np.linalg.norm(np.diff(path, order, axis=0), axis=-1).max() * BODY_FPS**order)
