"""Captured faces as frames: the set of ARKit captures, LiveLink's CSV, BEAT's JSON; mirrored, retimed.

A frame is as in ``FaceMotion`` with basis ``arkit52`` at 25 per second. Where the eyes look is in their rotations; the
actions eyeLookIn and eyeLookOut, which say the same, are zero, as the engine ``viseme`` has them.
"""

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from mio.contracts.arkit import ARKIT_ACTIONS, ARKIT_INDEX
from mio.contracts.rates import FACE_DIM, FACE_FPS, FACE_HEAD, FACE_LEFT_EYE, FACE_RIGHT_EYE
from mio.errors import ConfigError
from mio.measure.face import blink_frames
from nodes.face.rotation import eye_rotation, head_rotation

Frames = npt.NDArray[np.float32]

GENERATED = ("seq00", "seq01")
"""Clips of the set that a model made: never learned from."""

PAIRED = ("seq12",)
"""Clips with sound: for reports only."""

HELD_OUT = ("seq10",)
"""Captured clips that no training sees."""

_SET_HZ = 60.0
_LIVELINK_HZ = 60.0
_BEAT_HZ = 60.0
_LOOKS = [i for i, name in enumerate(ARKIT_ACTIONS) if name.startswith(("eyeLookIn", "eyeLookOut"))]
_MIRROR = [
    ARKIT_INDEX[name.replace("Left", "@").replace("Right", "Left").replace("@", "Right")] for name in ARKIT_ACTIONS
]
_REMEDY = "name a folder with arkit60.npz, as the face training's README describes it"


class Capture(NamedTuple):
    """A captured face.

    Attributes:
        name: Of the clip.
        frames: ``[n, 112]``; the head is as captured, zero where it was not.
    """

    name: str
    frames: Frames

    @property
    def blinks_per_min(self) -> float:
        """Blinks of the clip."""
        return len(blink_frames(self.frames)) * 60 * FACE_FPS / len(self.frames)


def read_set(folder: Path) -> list[Capture]:
    """All clips of a set but those that a model made.

    Raises:
        ConfigError: If there is none.
    """
    path = folder / "arkit60.npz"
    if not path.is_file():
        raise ConfigError(f"{path} is missing", _REMEDY)
    with np.load(path) as stored:
        names = [str(name) for name in stored["names"]]
        clips = {key: stored[key].astype(np.float32) for key in stored.files if key != "names" and key not in GENERATED}
    return [Capture(key, frames_of(names, values, _SET_HZ)) for key, values in sorted(clips.items())]


def read_livelink(path: Path) -> Capture:
    """A recording of the app Live Link Face: one row a frame, columns ``EyeBlinkLeft`` to ``RightEyeRoll``."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        header, *rows = list(csv.reader(file))
    columns = [i for i, name in enumerate(header) if name not in ("Timecode", "BlendShapeCount", "BlendshapeCount")]
    values = np.array([[float(row[i]) for i in columns] for row in rows if len(row) == len(header)], np.float32)
    return Capture(path.stem, frames_of([header[i] for i in columns], values, _LIVELINK_HZ))


def read_beat(path: Path) -> Capture:
    """A face of the set BEAT (Liu et al. 2022): JSON with ``names`` and ``frames``, each with ``weights``."""
    content = json.loads(path.read_text(encoding="utf-8"))
    weights = np.array([frame["weights"] for frame in content["frames"]], np.float32)
    return Capture(path.stem, frames_of(content["names"], weights, _BEAT_HZ))


def frames_of(names: Sequence[str], values: Frames, rate_hz: float) -> Frames:
    """``[n, 112]`` frames of ``[m, columns]`` values.

    Args:
        names: ARKit's names, in any case; ``HeadYaw`` and the like in rad, positive to the right and down.
        values: One row a frame.
        rate_hz: Frames per second.
    """
    even = resampled(values, rate_hz)
    column = {name.lower(): even[:, index] for index, name in enumerate(names)}
    missing = [name for name in ARKIT_ACTIONS if name.lower() not in column and name != "tongueOut"]
    if missing:
        raise ConfigError(f"the capture lacks {missing[0]} and {len(missing) - 1} more", "name ARKit's 52 actions")
    none = np.zeros(len(even), np.float32)
    frames = np.zeros((len(even), FACE_DIM), np.float32)
    for index, name in enumerate(ARKIT_ACTIONS):
        frames[:, index] = column.get(name.lower(), none).clip(0.0, 1.0)
    frames[:, _LOOKS] = 0.0
    pitch, yaw, roll = (column.get(f"head{axis}", none) for axis in ("pitch", "yaw", "roll"))
    frames[:, FACE_HEAD] = head_rotation(np.stack((pitch, -yaw, roll), 1).astype(np.float64))
    for side, place in (("left", FACE_LEFT_EYE), ("right", FACE_RIGHT_EYE)):
        turn = (column.get(f"{side}eye{axis}", none).astype(np.float64) for axis in ("pitch", "yaw"))
        frames[:, place] = eye_rotation(*(sign * angle for sign, angle in zip((1, -1), turn, strict=True)))
    return frames


def resampled(values: Frames, rate_hz: float) -> Frames:
    """``[n, columns]`` values at 25 per second, each the mean of what lies around it."""
    times = np.arange(int(len(values) / rate_hz * FACE_FPS)) / FACE_FPS * rate_hz
    spread = rate_hz / FACE_FPS / 2
    near = [np.clip(times + offset * spread, 0, len(values) - 1) for offset in (-0.5, 0.0, 0.5)]
    places = np.arange(len(values))
    columns = [np.mean([np.interp(at, places, column) for at in near], 0) for column in values.T]
    return np.stack(columns, 1).astype(np.float32)


def retimed(frames: Frames, speed: float) -> Frames:
    """The same motion faster or slower."""
    at = np.arange(0, len(frames) - 1, speed)
    low = at.astype(int)
    share = (at - low)[:, None].astype(np.float32)
    return (frames[low] * (1 - share) + frames[low + 1] * share).astype(np.float32)


def mirrored(frames: Frames) -> Frames:
    """As in a mirror: left and right exchanged."""
    turned = frames.copy()
    turned[:, : len(ARKIT_ACTIONS)] = frames[:, _MIRROR]
    flip = np.array((1.0, -1.0, -1.0), np.float32)
    turned[:, FACE_HEAD] = frames[:, FACE_HEAD] * flip
    turned[:, FACE_LEFT_EYE], turned[:, FACE_RIGHT_EYE] = (
        frames[:, FACE_RIGHT_EYE] * flip,
        frames[:, FACE_LEFT_EYE] * flip,
    )
    return turned
