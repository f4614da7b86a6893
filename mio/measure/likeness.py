"""How like a reference a generated face is: the measures of UniLS (arXiv 2512.09327, its released evaluation).

Vertices are those of the drawn head without its pose, in mm. With basis ``arkit52`` there is no jaw code; its place is
taken by the action jawOpen.
"""

import numpy as np
import numpy.typing as npt

from mio.contracts.arkit import ARKIT_ACTIONS, ARKIT_INDEX
from mio.contracts.rates import FACE_HEAD
from mio.measure.frechet import frechet_distance
from mio.measure.head import load_head

Array = npt.NDArray[np.float64]
Frames = npt.NDArray[np.float32]

_BATCH = 250
_EXPRESSION = slice(0, len(ARKIT_ACTIONS))


def lip_error_mm(made: Frames, reference: Frames) -> float:
    """LVE: root of the mean over time of the largest squared error among the lips' vertices."""
    return float(np.sqrt(np.concatenate([e.max(1) for e in _errors_mm2(made, reference, load_head().lips)]).mean()))


def head_error_mm(made: Frames, reference: Frames) -> float:
    """MHD: root of the mean squared error of all vertices of the face."""
    return float(np.sqrt(np.concatenate([e.mean(1) for e in _errors_mm2(made, reference, load_head().face)]).mean()))


def upper_face_difference(made: Frames, reference: Frames) -> float:
    """FDD: 100 times the mean difference, over the upper face, of how much each vertex moves in time."""
    return 100 * float(np.abs(_liveliness(made) - _liveliness(reference)).mean())


def pose_difference(made: Frames, reference: Frames) -> float:
    """PDD: the same of the head's rotation, rad."""
    return 100 * float(np.abs(made[:, FACE_HEAD].std(0) - reference[:, FACE_HEAD].std(0)).mean())


def jaw_difference(made: Frames, reference: Frames) -> float:
    """JDD: the same of the opening of the jaw."""
    jaw = ARKIT_INDEX["jawOpen"]
    return 100 * float(np.abs(made[:, jaw].std() - reference[:, jaw].std()))


def face_distance(made: Frames, reference: Frames) -> float:
    """F-FID: Fréchet distance between the frames' expressions."""
    return frechet_distance(made[:, _EXPRESSION], reference[:, _EXPRESSION])


def pose_distance(made: Frames, reference: Frames) -> float:
    """P-FID: Fréchet distance between the frames' rotations of the head."""
    return frechet_distance(made[:, FACE_HEAD], reference[:, FACE_HEAD])


def _errors_mm2(made: Frames, reference: Frames, which: npt.NDArray[np.int64]) -> list[Array]:
    """Squared errors of some vertices, ``[batch, v]`` each."""
    head = load_head()
    off = made[:, _EXPRESSION].astype(float) - reference[:, _EXPRESSION]
    moved = head.actions[:, which]
    parts = [off[at : at + _BATCH] for at in range(0, len(off), _BATCH)]
    return [np.square(np.tensordot(part, moved, 1)).sum(2) for part in parts]


def _liveliness(frames: Frames) -> Array:
    """``[v]`` standard deviation in time of the sum of each upper-face vertex's coordinates, mm."""
    head = load_head()
    summed = head.actions[:, head.upper_face].sum(2)
    weights = frames[:, _EXPRESSION].astype(float)
    return (weights @ summed).std(0)
