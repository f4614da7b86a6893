"""Chunks one after another, each passing over from the one before: in the running engine, and for a recording."""

import numpy as np
import numpy.typing as npt

from mio.contracts.arkit import ARKIT_INDEX
from mio.contracts.rates import FACE_DIM
from nodes.face.chunks import MELS_PER_FRAME, ChunkModel, HeardVoice
from nodes.face.models.voice import SILENT

Floats = npt.NDArray[np.float32]

HOP_FRAMES = 10
"""A chunk is made every so many frames; the rest of the one before is replaced."""

PASS_FRAMES = 4
"""Frames over which a chunk passes into the next; but for the lids, or blinks would be halved."""

_LIDS = np.isin(np.arange(FACE_DIM), [ARKIT_INDEX["eyeBlinkLeft"], ARKIT_INDEX["eyeBlinkRight"]])
_DELAY_FRAMES = 2  # between what is known of the user's voice and the chunk that is made then


class Chain:
    """Frames by number.

    Attributes:
        made: The frames of all chunks, those that were replaced as what replaced them.
    """

    def __init__(self, model: ChunkModel) -> None:
        self.model = model
        self.made: dict[int, Floats] = {}

    def extend(self, first: int, before: Floats, voices: tuple[HeardVoice, HeardVoice], style: str) -> None:
        """Make the chunk that begins with a frame; see :meth:`ChunkModel.next_chunk`."""
        chunk = self.model.next_chunk(first, before, *voices, style)
        old = [self.made[index] for index in range(first, first + PASS_FRAMES) if index in self.made]
        for index, frame in enumerate(old):
            share = np.where(_LIDS, 1.0, (index + 1) / (PASS_FRAMES + 1)).astype(np.float32)
            chunk[index] = (1 - share) * frame + share * chunk[index]
        self.made.update(enumerate(chunk, first))

    def forget(self, before: int) -> None:
        """Drop frames before one."""
        for index in [index for index in self.made if index < before]:
            del self.made[index]


def performed(
    model: ChunkModel, own: Floats, other: Floats, before: Floats, style: str = "neutral", *, hop: int = HOP_FRAMES
) -> Floats:
    """``[n, 112]`` frames of a face in a recorded conversation, made as the engine makes them.

    Args:
        model: In use.
        own: ``[4 n, 40]`` log-mel of its voice.
        other: ``[4 n, 40]`` of the other's; what lies ahead of a chunk is not heard.
        before: ``[previous, 112]`` frames that it goes on from.
        style: Name of a style.
        hop: Frames between two chunks.
    """
    count, chain = len(own) // MELS_PER_FRAME, Chain(model)
    lead, tail = model.before * MELS_PER_FRAME, model.frames * MELS_PER_FRAME
    padded = [np.pad(mel, ((lead, tail), (0, 0)), constant_values=SILENT) for mel in (own, other)]
    places = np.arange(lead + tail)
    shown = list(before[-model.previous :])
    for first in range(0, count, hop):
        own_mel, other_mel = (mel[first * MELS_PER_FRAME :][: lead + tail] for mel in padded)
        known = (places < lead - _DELAY_FRAMES * MELS_PER_FRAME).astype(np.float32)
        voices = HeardVoice(own_mel, np.ones_like(known)), HeardVoice(other_mel, known)
        chain.extend(first, np.stack(shown[-model.previous :]), voices, style)
        shown += [chain.made[index] for index in range(first, first + hop)]
        chain.forget(first)
    return np.stack(shown[len(before[-model.previous :]) :][:count])
