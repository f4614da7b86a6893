"""Styles of the shipped model: for emotions of which there are captures, a stretch of one, as the codec's bits have it.

The set of captures has acted anger, fear, joy and sadness; other emotions of the conversation have no style of their
own and look neutral until somebody captures them.
"""

from collections.abc import Sequence
from types import MappingProxyType

import numpy as np
import torch
from torch import Tensor

from mio.contracts.arkit import ARKIT_ACTIONS, ARKIT_INDEX
from mio.errors import ConfigError
from nodes.face.models.codec import MotionCodec
from nodes.face.models.columns import modelled
from nodes.face.training.captures import Capture, Frames

# Emotion: the clip, and how much of it is shown.
_SOURCES = MappingProxyType(
    {
        "neutral": ("seq08", 0.3),
        "happy": ("seq08", 0.9),
        "amused": ("seq08", 0.7),
        "tender": ("seq08", 0.5),
        "sad": ("seq09", 0.7),
        "angry": ("seq03", 0.7),
        "afraid": ("seq05", 0.7),
    }
)
_BLINK = ARKIT_INDEX["eyeBlinkLeft"]


def styles(captures: Sequence[Capture], codec: MotionCodec, frames: int) -> dict[str, Tensor]:
    """``[frames, bits]`` of each emotion, from where its clip shows most of it without a blink.

    Raises:
        ConfigError: If a clip is missing.
    """
    clips = {capture.name: capture.frames for capture in captures}
    missing = sorted({clip for clip, _ in _SOURCES.values()} - set(clips))
    if missing:
        raise ConfigError(f"the captures lack {', '.join(missing)}", "name the data folder with face_motion")
    found: dict[str, Tensor] = {}
    for emotion, (clip, amount) in _SOURCES.items():
        stretch = _strongest(clips[clip], frames)
        stretch[:, : len(ARKIT_ACTIONS)] *= amount
        found[emotion] = codec.condition(modelled(torch.from_numpy(stretch))[None])[0]
    return found


def _strongest(clip: Frames, frames: int) -> Frames:
    """The stretch with most expression in which the eyes stay open; with fewest blinks if they never do."""
    begins = range(0, len(clip) - frames, frames // 2)
    stretches = [clip[begin : begin + frames] for begin in begins]
    shown = [float(s[:, : len(ARKIT_ACTIONS)].sum(1).mean()) - 100 * float(s[:, _BLINK].max() > 0.4) for s in stretches]
    return stretches[int(np.argmax(shown))].copy()
