"""Faces of the trained model in held-out conversations, and how like the reference they are."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from mio.measure import likeness
from nodes.face.chain import performed
from nodes.face.chunks import ChunkModel
from nodes.face.training.data_set import Tracks, read

Frames = npt.NDArray[np.float32]

_STYLE = "reference"


class Pair(NamedTuple):
    """A face and the reference, frame by frame.

    Attributes:
        made: ``[n, 112]``.
        reference: ``[n, 112]``.
        speaking: ``[n]`` whether the reference speaks.
    """

    made: Frames
    reference: Frames
    speaking: npt.NDArray[np.bool_]


def conversations(built: Path, split: str, most: int) -> list[Pair]:
    """References alone: each face of some held-out conversations beside itself."""
    tracks = read(built, split)
    return [_pair(tracks, number, None) for number in range(most) if tracks.partner[number] >= 0]


def generated(built: Path, split: str, most: int, model: ChunkModel) -> list[Pair]:
    """Faces of the model beside the references, from the same voices; the style is taken from the middle of each."""
    tracks = read(built, split)
    return [_pair(tracks, number, model) for number in range(most) if tracks.partner[number] >= 0]


def _pair(tracks: Tracks, number: int, model: ChunkModel | None) -> Pair:
    span = tracks.span(number)
    reference = tracks.frames[span].astype(np.float32)
    if model is None:
        return Pair(reference, reference, tracks.speaking[span])
    own, heard = _mel(tracks, number), _mel(tracks, int(tracks.partner[number]))
    model.add_style(_STYLE, reference[len(reference) // 2 :][: model.style_frames])
    lead = model.previous
    made = performed(model, own[4 * lead :], heard[4 * lead :], reference[:lead], _STYLE)
    return Pair(made, reference[lead:], tracks.speaking[span][lead:])


def _mel(tracks: Tracks, number: int) -> Frames:
    span = tracks.span(number)
    return tracks.mel[4 * span.start : 4 * span.stop].astype(np.float32)


def unpaired(made: Frames, reference: Frames, kind: str, *, head: bool = True) -> dict[str, float]:
    """The measures of UniLS that need no frame beside a frame.

    Args:
        made: ``[n, 112]``.
        reference: ``[m, 112]``.
        kind: ``S`` for speaking faces, ``L`` for listening ones, of which the distances are measured too.
        head: Whether the head was captured.
    """
    found = {f"{kind}-FDD": likeness.upper_face_difference(made, reference)}
    if head:
        found[f"{kind}-PDD"] = likeness.pose_difference(made, reference)
    found[f"{kind}-JDD"] = likeness.jaw_difference(made, reference)
    if kind == "L":
        found["F-FID"] = likeness.face_distance(made, reference)
        if head:
            found["P-FID"] = likeness.pose_distance(made, reference)
    return found


def figures(pairs: list[Pair]) -> dict[str, float]:
    """The measures of UniLS while speaking and while listening, over all pairs."""
    made, reference = np.concatenate([pair.made for pair in pairs]), np.concatenate([pair.reference for pair in pairs])
    speaking = np.concatenate([pair.speaking for pair in pairs])
    said, heard = (made[speaking], reference[speaking]), (made[~speaking], reference[~speaking])
    return {
        "LVE": likeness.lip_error_mm(*said),
        "MHD": likeness.head_error_mm(*said),
        **unpaired(*said, "S"),
        **unpaired(*heard, "L"),
    }
