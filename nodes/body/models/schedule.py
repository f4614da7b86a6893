"""How noisy each latent is at a time: the lower-triangular schedule and the two that it is compared with.

Source: FloodDiffusion (arXiv 2512.03520), section on the forcing schedule. Latent ``k`` becomes active at
``t = k / window`` and is clean at ``t = k / window + 1``; left of the active window everything is clean, right of it
pure noise.
"""

import torch
from torch import Tensor

from nodes.body.models.sizes import Rounding, ScheduleKind


def noise_levels(time: Tensor, length: int, window: int, kind: ScheduleKind = "triangular") -> Tensor:
    """``[B, length]`` shares of noise, 0 clean and 1 pure, at ``[B]`` times.

    ``chunk`` gives all latents of a window the same level; ``random`` is the triangle, too, since only its training
    differs.
    """
    latents = torch.arange(length, device=time.device)
    begins = (latents // window) if kind == "chunk" else latents / window
    return (1 + begins - time[:, None]).clamp(0.0, 1.0)


def active(
    step: int, steps: int, window: int, kind: ScheduleKind = "triangular", rounding: Rounding = "exact"
) -> tuple[int, int]:
    """First latent of the active window and one behind its last, after a number of solver steps.

    Args:
        step: Steps taken.
        steps: Steps per unit of time.
        window: Latents per unit of time.
        kind: The schedule.
        rounding: ``exact`` counts in whole numbers; ``released`` in floating point, as the released code does: its
            first latent gets a step less, and some later ones a step more, at a noise level of zero.
    """
    if kind == "chunk":
        chunk = step // steps
        return chunk * window, (chunk + 1) * window
    if rounding == "released":
        time = step * (1 / steps)
        return max(0, int(window * (time - 1)) + 1), int(window * time) + 1
    return max(0, window * (step - steps) // steps + 1), window * step // steps + 1


def committed(step: int, steps: int, window: int, kind: ScheduleKind = "triangular") -> int:
    """How many latents are clean after a number of solver steps."""
    if kind == "chunk":
        return step // steps * window
    return max(0, (step - steps) * window // steps + 1) if step >= steps else 0
