"""Where in its phones a voice is: the pointer to the phone that sounds, which goes on by none to three per frame.

The alignment is explicit, not attended to, so that nothing can be skipped or said twice, and little speech suffices to
learn it. A frame of 80 ms has 0.9 phones on average.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from nodes.talker.models.lm.sizes import MOST_ADVANCE, OLDEST, SLOTS


class Pointer(NamedTuple):
    """Where each frame begins; all ``[B, T]`` int64.

    Attributes:
        place: Number of the phone that sounds when the frame begins.
        age: Frames since that one began, at most 15.
        advance: Phones that begin in the frame, 0 to 3.
    """

    place: Tensor
    age: Tensor
    advance: Tensor


def pointer_of(starts: list[int], frame_steps: int, frames: int) -> Pointer:
    """The pointer through a recording, and one frame more, in which it leaves the last phone.

    Args:
        starts: Beginning of each phone in steps, ascending; the first one's is 0.
        frame_steps: Steps per frame.
        frames: Of the recording.

    Returns:
        One row of ``frames + 1``.
    """
    place, age, begun = 0, 0, [0] * (frames + 1)
    for start in starts[1:]:
        begun[min(start // frame_steps, frames - 1)] += 1
    rows: list[tuple[int, int, int]] = []
    waiting = 0
    for count in begun[:-1]:
        waiting += count
        advance = min(waiting, MOST_ADVANCE)
        rows.append((place, min(age, OLDEST), advance))
        waiting -= advance
        place, age = place + advance, 0 if advance else age + 1
    rows.append((place, min(age, OLDEST), 1))
    return Pointer(*(torch.tensor([column]) for column in zip(*rows, strict=True)))


def slots(encoded: Tensor, place: Tensor) -> Tensor:
    """``[B, T, 5, width]``: the phones from ``[B, T]`` places on, of ``[B, N, width]``; nothing behind the last."""
    wanted = place[..., None] + torch.arange(SLOTS, device=place.device)
    inside = wanted < encoded.shape[1]
    rows = torch.arange(len(encoded), device=place.device)[:, None, None]
    return encoded[rows, wanted.clamp(max=encoded.shape[1] - 1)] * inside[..., None]


def sounding(seen: Tensor, advance: Tensor) -> Tensor:
    """What sounds in a frame: slots up to the pointer's new place, and the one behind it marked as next.

    Args:
        seen: ``[B, T, 5, width]`` of :func:`slots`.
        advance: ``[B, T]``.

    Returns:
        ``[B, T, 3, width]``: the mean of the phones that sound, the last of them, and the one that follows.
    """
    number = torch.arange(SLOTS, device=seen.device)
    among = (number <= advance[..., None]).to(seen.dtype)[..., None]
    mean = (seen * among).sum(-2) / among.sum(-2)
    last = seen.gather(-2, advance[..., None, None].expand(*advance.shape, 1, seen.shape[-1]))
    following = seen.gather(-2, (advance + 1)[..., None, None].expand(*advance.shape, 1, seen.shape[-1]))
    return torch.cat((mean[..., None, :], last, following), -2)
