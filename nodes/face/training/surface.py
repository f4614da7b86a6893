"""How far the skin is off when a face's numbers are off, for each basis that a face may be said in."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from mio.contracts.arkit import ARKIT_ACTIONS, ARKIT_INDEX
from mio.errors import ConfigError
from mio.measure.head import load_head
from nodes.face.models.columns import FRAME, KEPT
from nodes.face.models.flame import EXPRESSION, HEAD, JAW, Flame, read_flame, read_region
from nodes.face.models.sizes import Basis

Doubles = npt.NDArray[np.float64]

_HEAD = [KEPT.index(column) for column in range(HEAD.start, HEAD.stop)]
_SMALL = 0.01  # jaw opening, rad, over which its motion is taken for straight
_MM = 1_000.0
_TELLING = 50  # expressions of FLAME that the mouth is read from: they are in order of how much they move


class Surface(NamedTuple):
    """What a basis moves; columns are those that are modelled.

    Attributes:
        columns: That move the skin.
        pose: Head and jaw.
        skin: ``[columns, columns]``: e G e' is the mean squared error of the face's vertices, mm².
        lips: The same of the lips.
    """

    columns: list[int]
    pose: list[int]
    skin: Tensor
    lips: Tensor


def mouth_columns(basis: Basis) -> list[int]:
    """What can be read from a voice, of the columns that are modelled."""
    if basis == "flame2020":
        return [KEPT.index(JAW.start), *range(_TELLING)]
    return [column for column, name in enumerate(ARKIT_ACTIONS) if name.startswith(("mouth", "jaw"))]


def surface_of(basis: Basis, flame: Path | None = None, masks: Path | None = None) -> Surface:
    """The surface of a basis.

    Args:
        basis: The face's.
        flame: FLAME's file, for its basis.
        masks: FLAME's file of regions, for its basis.

    Raises:
        ConfigError: If one of the files is missing or is none.
    """
    if basis == "arkit52":
        return _arkit()
    if flame is None or masks is None:
        raise ConfigError(
            "these faces are said in FLAME's components",
            "name its licensed files: --flame generic_model.pkl FLAME_masks.pkl, from https://flame.is.tue.mpg.de",
        )
    return _flame(read_flame(flame), read_region(masks, ["face"]), read_region(masks, ["lips"]))


def _arkit() -> Surface:
    head, columns = load_head(), list(range(len(ARKIT_ACTIONS)))
    skin, lips = (_gram(head.actions[:, which]) for which in (head.face, head.lips))
    return Surface(columns, [ARKIT_INDEX["jawOpen"], *_HEAD], skin, lips)


def _flame(flame: Flame, face: npt.NDArray[np.int64], lips: npt.NDArray[np.int64]) -> Surface:
    """Of expressions and jaw, near the closed mouth."""
    expressions, jaw = list(range(EXPRESSION.start, EXPRESSION.stop)), KEPT.index(JAW.start)
    nudged = np.zeros((len(expressions) + 2, FRAME), np.float32)
    nudged[np.arange(len(expressions)), expressions] = 1.0
    nudged[-2, JAW.start] = _SMALL
    vertices = flame.vertices(nudged).astype(np.float64)
    moved = _MM * (vertices[:-1] - vertices[-1])
    moved[-1] /= _SMALL
    grams = (_gram(moved[:, which]) for which in (face, lips))
    return Surface([*expressions, jaw], [jaw, *_HEAD], *grams)


def _gram(moved: npt.NDArray[np.floating]) -> Tensor:
    """``[n, n]`` of what each of ``n`` numbers moves, ``[n, vertices, 3]`` mm."""
    flat = moved.reshape(len(moved), -1)
    return torch.from_numpy((flat @ flat.T / moved.shape[1]).astype(np.float32))
