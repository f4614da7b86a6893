"""The numbers of a frame that are modelled: 108 of 112; what is left out can be refilled without loss.

Source: UniLS (arXiv 2512.09327), released code: of the jaw's rotation only the opening, no torsion of the eyes.
"""

import torch
from torch import Tensor

KEPT = [*range(104), 106, 107, 109, 110]
"""Columns of a frame that are modelled."""

FRAME = 112


def modelled(frames: Tensor) -> Tensor:
    """``[..., 108]`` of ``[..., 112]`` frames."""
    return frames[..., KEPT]


def refilled(motion: Tensor) -> Tensor:
    """``[..., 112]`` frames of ``[..., 108]``; what is not modelled is zero."""
    frames = torch.zeros(*motion.shape[:-1], FRAME, dtype=motion.dtype, device=motion.device)
    frames[..., KEPT] = motion
    return frames
