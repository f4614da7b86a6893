"""Figures of generated motion: agreement with text, diversity, smoothness, feet."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from mio.contracts.rates import BODY_FPS
from mio.contracts.skeleton import SMPL_JOINTS
from mio.rotation import Array

Vectors = npt.NDArray[np.float32]

_FEET = [SMPL_JOINTS.index(name) for name in ("left_foot", "right_foot")]
_LOW_M = 0.05
_CANDIDATES = 32


def precision(
    motion: Vectors, text: Vectors, groups: Sequence[object], rng: np.random.Generator, rounds: int = 20
) -> list[float]:
    """R-precision at 1, 2 and 3 over 32 candidates with different captions.

    Args:
        motion: ``[n, D]``.
        text: ``[n, D]`` of each motion's caption.
        groups: What of two motions is equal if their captions mean the same.
        rng: Draws the candidates.
        rounds: How often every motion is tried.
    """
    likeness = _unit(motion) @ _unit(text).T
    members: dict[object, list[int]] = {}
    for number, group in enumerate(groups):
        members.setdefault(group, []).append(number)
    names = list(members)
    ranks: list[int] = []
    for own in range(len(motion)):
        others = [name for name in names if name != groups[own]]
        for _ in range(rounds):
            drawn = rng.choice(len(others), min(_CANDIDATES - 1, len(others)), replace=False)
            rivals = [members[others[k]][int(rng.integers(len(members[others[k]])))] for k in drawn]
            ranks.append(int((likeness[own, rivals] > likeness[own, own]).sum()))
    found = np.array(ranks)
    return [float((found < k).mean()) for k in (1, 2, 3)]


def distance(motion: Vectors, text: Vectors) -> float:
    """Mean distance of motions from their texts, both ``[n, D]`` scaled to unit length."""
    return float(np.linalg.norm(_unit(motion) - _unit(text), axis=1).mean())


def diversity(motion: Vectors, rng: np.random.Generator, pairs: int = 300) -> float:
    """Mean distance of random pairs."""
    chosen = rng.integers(len(motion), size=(2, pairs))
    return float(np.linalg.norm(motion[chosen[0]] - motion[chosen[1]], axis=1).mean())


def jerk(places: Array) -> Array:
    """``[T - 3]`` largest jerk of any joint of ``[T, 22, 3]`` places, m/s3."""
    return np.linalg.norm(np.diff(places, 3, axis=0), axis=-1).max(1) * BODY_FPS**3


def foot_slide(places: Array) -> float:
    """Mean speed along the floor of feet that are less than 5 cm above it, cm/s; 0 if none is."""
    feet = places[:, _FEET]
    speed = np.linalg.norm(np.diff(feet[..., (0, 2)], axis=0), axis=-1) * BODY_FPS
    low = (feet[:-1, :, 1] < _LOW_M) & (feet[1:, :, 1] < _LOW_M)
    return 100 * float(speed[low].mean()) if low.any() else 0.0


def _unit(vectors: Vectors) -> Vectors:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
