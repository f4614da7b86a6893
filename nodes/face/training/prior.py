"""A face by itself, for as long as one likes: real captures in pieces, mixed, over constructed motion of the head.

Eyes and lids come from one capture, brows, cheeks and mouth from another, either mirrored and retimed at random. The
captures have no head motion; it is constructed from neck and head of a set of body motion.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from mio.contracts.arkit import ARKIT_ACTIONS, ARKIT_INDEX
from mio.contracts.rates import BODY_FPS, FACE_DIM, FACE_FPS, FACE_HEAD
from mio.contracts.skeleton import SMPL_JOINTS
from mio.errors import ConfigError
from mio.rotation import product, quaternion, rotvec
from nodes.face.lips import closing_share, seal_lips
from nodes.face.score import minimum_jerk
from nodes.face.training.captures import HELD_OUT, PAIRED, Capture, Frames, mirrored, resampled, retimed

MOUTH = np.array([name.startswith(("mouth", "jaw", "tongue", "cheekPuff")) for name in ARKIT_ACTIONS])
"""``[52]`` whether an action moves the mouth."""

_EYES = np.zeros(FACE_DIM, bool)
_EYES[[i for i, name in enumerate(ARKIT_ACTIONS) if name.startswith(("eyeBlink", "eyeLook", "eyeWide"))]] = True
_EYES[106:] = True
_JAW = ARKIT_INDEX["jawOpen"]

# Standing actions of CMU's part of the motion set, in which the head moves freely; the other part forbids commerce.
_SOURCE = "CMU"
_STANDING = ("basketball_signal", "directing_traffic", "washwindow")
_SPEED = (0.85, 1.15)
_PIECE_S = (3.0, 10.0)
_FADE_S = 0.5
_LEAST_BLINKS_PER_MIN = 10.0  # of clips that lend their eyes, so that the pool blinks at the rates of people
_INTENSITY = (0.25, 0.8)  # of acted emotions, in conversation
# Whoever directs traffic turns the head further than whoever talks: the SD of a clip is limited, and all are scaled per
# axis to about the SD of the rule-based face.
_HEAD_SD_RAD = np.radians((5.0, 5.0, 3.0))
_HEAD_AXES = np.array((0.7, 0.8, 0.65), np.float32)
_HEAD_GAIN = (0.5, 1.0)
_MOODS = 2  # clips that a face is drawn from: it stays in its mood, so that a style can be learned
_HEAD_LIMIT_RAD = 0.3
_OPEN = 0.05  # jawOpen from which the lips are meant to be apart


class Pool(NamedTuple):
    """What pieces are drawn from.

    Attributes:
        eyes: Clips that lend eyes and lids.
        faces: Clips that lend the rest.
        heads: ``[n, 3]`` each: rotation of the head relative to the torso, axis-angle, rad, mean zero.
    """

    eyes: list[Capture]
    faces: list[Capture]
    heads: list[Frames]

    def draw(self, count: int, rng: np.random.Generator, intensity: float | None = None) -> Frames:
        """``[count, 112]`` frames of a face that says nothing.

        Args:
            count: Frames.
            rng: Of the choice.
            intensity: Of the captured emotions, 0..1; drawn if None.
        """
        amount = rng.uniform(*_INTENSITY) if intensity is None else intensity
        mood = rng.choice(len(self.faces), min(_MOODS, len(self.faces)), replace=False)
        frames = _chained([self.faces[int(number)].frames for number in mood], count, rng)
        frames[:, : len(ARKIT_ACTIONS)] *= amount
        frames[:, _EYES] = _chained([clip.frames for clip in self.eyes], count, rng)[:, _EYES]
        head = _chained(self.heads, count, rng) * _HEAD_AXES * np.float32(rng.uniform(*_HEAD_GAIN))
        frames[:, FACE_HEAD] = head.clip(-_HEAD_LIMIT_RAD, _HEAD_LIMIT_RAD)
        weights = frames[:, : len(ARKIT_ACTIONS)].astype(np.float64)
        rest_lips(weights, np.ones(count))
        frames[:, : len(ARKIT_ACTIONS)] = weights.clip(0.0, 1.0)
        return frames


def rest_lips(weights: npt.NDArray[np.float64], share: npt.NDArray[np.float64]) -> None:
    """Let lips that no open jaw parts lie on each other, in place, as far as ``[n]`` shares say."""
    weights[:, _JAW] += share * closing_share(weights * MOUTH)
    seal_lips(weights, share * (1.0 - np.clip(weights[:, _JAW] / _OPEN - 1.0, 0.0, 1.0)))


def build_pool(captures: Sequence[Capture], heads: list[Frames], *, held_out: bool = False) -> Pool:
    """The pool to learn from, or the one that is held out."""
    silent = [clip for clip in captures if clip.name not in PAIRED and (clip.name in HELD_OUT) == held_out]
    blinking = [clip for clip in silent if clip.blinks_per_min >= _LEAST_BLINKS_PER_MIN]
    return Pool(blinking or silent, silent, heads)


def read_heads(folder: Path, *, held_out: bool = False) -> list[Frames]:
    """Motion of the head in a motion set: ``motion_text.npz`` and ``clips.json``, 20 frames per second.

    Args:
        folder: Of the set.
        held_out: Clips of the splits ``val`` and ``test`` together (each alone has few), not those to learn from.

    Raises:
        ConfigError: If there is no such set.
    """
    try:
        clips = json.loads((folder / "clips.json").read_text(encoding="utf-8"))
        with np.load(folder / "motion_text.npz") as stored:
            rotations, offsets = stored["rot"], stored["offsets"]
    except (OSError, ValueError) as error:
        raise ConfigError(f"{folder}: {error}", "name a folder with motion_text.npz and clips.json") from error
    neck, head = SMPL_JOINTS.index("neck"), SMPL_JOINTS.index("head")
    found: list[Frames] = []
    for number, clip in enumerate(clips):
        if (clip["split"] != "train") != held_out or clip["src"] != _SOURCE or clip["action"] not in _STANDING:
            continue
        turns = rotations[int(offsets[number]) : int(offsets[number + 1])].astype(np.float64)
        turn = rotvec(product(quaternion(turns[:, neck]), quaternion(turns[:, head])))
        turn = (turn - turn.mean(0)) * np.minimum(1.0, _HEAD_SD_RAD / turn.std(0).clip(1e-6))
        even = resampled(turn.astype(np.float32), BODY_FPS)
        if len(even) >= 2 * _FADE_S * FACE_FPS:
            found.append(even)
    return found


def _chained(clips: Sequence[Frames], count: int, rng: np.random.Generator) -> Frames:
    """``[count, columns]`` random pieces one after another; what they differ by where they meet fades away."""
    columns = clips[0].shape[1]
    chain = np.zeros((count, columns), np.float32)
    at = 0
    while at < count:
        piece = _piece(clips[int(rng.integers(len(clips)))], rng)[: count - at]
        if at:
            fade = 1.0 - minimum_jerk(np.arange(len(piece)) / (_FADE_S * FACE_FPS))
            piece = piece + (fade[:, None] * (chain[at - 1] - piece[0])).astype(np.float32)
        chain[at : at + len(piece)] = piece
        at += len(piece)
    return chain


def _piece(clip: Frames, rng: np.random.Generator) -> Frames:
    """A piece of a clip, at another speed and perhaps mirrored."""
    length = min(len(clip), round(rng.uniform(*_PIECE_S) * FACE_FPS))
    begin = int(rng.integers(len(clip) - length + 1))
    piece = retimed(clip[begin : begin + length], rng.uniform(*_SPEED))
    if rng.random() < 0.5:
        return piece
    if clip.shape[1] == FACE_DIM:
        return mirrored(piece)
    return piece * np.array((1.0, -1.0, -1.0), np.float32)
