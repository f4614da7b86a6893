"""Faces of whole recordings by a model that hears with a pretrained encoder, chunk after chunk.

Source: UniLS (arXiv 2512.09327), inference: each chunk follows from the one before, from both voices during it, and
from a style, and is led away from what it would be without style and voices. Nothing is smoothed.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from mio.contracts.rates import FACE_FPS, MICROPHONE_HZ
from mio.errors import ConfigError
from mio.nn.weights import fill, read_weights
from nodes.face.models.columns import modelled, refilled
from nodes.face.models.face import FaceModel
from nodes.face.models.generator import Conditions, Voices
from nodes.face.models.pretrained import PretrainedEncoder
from nodes.face.models.sizes import FaceSize

Floats = npt.NDArray[np.float32]

SAMPLES_PER_FRAME = MICROPHONE_HZ // FACE_FPS


class Choice(NamedTuple):
    """How bits are chosen.

    Attributes:
        guidance: How far away from what they would be without style and voices; 1 for not at all.
        temperature: Of the choice.
        seed: Of the choice.
    """

    guidance: float = 1.5
    temperature: float = 1.0
    seed: int = 1


_AS_THEY_DO = Choice()


class RecordedFace:
    """A model in use on recordings.

    Attributes:
        basis: What the first columns of its frames are.
        frames: In a chunk.
    """

    def __init__(self, folder: Path, encoder: PretrainedEncoder) -> None:
        """Load a folder of weights.

        Args:
            folder: As ``mio train face --stage import`` or ``--stage export`` writes it.
            encoder: What the model hears with.

        Raises:
            ConfigError: If something is missing or broken there, or it hears with another one.
        """
        weights, size = read_weights(folder, FaceSize)
        wanted = size.voice.hears, size.generator.audio_width
        if wanted != (encoder.hears, encoder.width):
            raise ConfigError(
                f"{folder}: hears {wanted[0]} with {wanted[1]} features, not {encoder.hears} with {encoder.width}",
                "name the encoder that it was trained with",
            )
        self._model, self._encoder = FaceModel(size), encoder
        fill(self._model, weights, folder)
        self.basis, self.frames = size.basis, size.codec.frames
        self._before = size.generator.audio_before
        self._previous = size.codec.frames * size.generator.previous_chunks
        self._style = size.codec.frames * size.generator.style_chunks

    @torch.inference_mode()
    def perform(
        self,
        own: Floats,
        other: Floats,
        style: Floats | None = None,
        choice: Choice = _AS_THEY_DO,
    ) -> Floats:
        """``[frames, 112]`` of a face in a conversation.

        Args:
            own: ``[n]`` its voice at 16 kHz, -1..1.
            other: ``[m]`` the other's; silence after its end.
            style: ``[style frames, 112]`` motion of its own kind; None for no style.
            choice: How bits are chosen.
        """
        count = -(-len(own) // SAMPLES_PER_FRAME)
        dice = torch.Generator().manual_seed(choice.seed)
        nothing = torch.zeros(1, self._style, self._model.size.codec.features)
        shown = nothing if style is None else modelled(torch.from_numpy(style))[None, -self._style :]
        made = torch.zeros(1, self._previous, self._model.size.codec.features)
        for first in range(0, count, self.frames):
            voices = Voices(self._hear(own, first), self._hear(other, first))
            conditions = self._conditions(shown, nothing, made[:, -self._previous :], voices)
            if choice.guidance == 1.0:
                conditions = Conditions(conditions.style[:1], conditions.previous[:1], voices)
            chunk = self._model.next_chunk(
                conditions,
                guidance=choice.guidance,
                temperature=choice.temperature,
                lots=self._model.generator.tossed(1, dice),
            )
            made = torch.cat((made, chunk), 1)
        return refilled(made[0, self._previous :][:count]).numpy()

    def _hear(self, sound: Floats, first: int) -> Tensor:
        """``[1, N, width]`` of a voice during a chunk and before."""
        begin, end = ((first + offset) * SAMPLES_PER_FRAME for offset in (-self._before, self.frames))
        heard = np.zeros(end - begin, np.float32)
        there = sound[max(0, begin) : max(0, end)]
        heard[max(0, -begin) :][: len(there)] = there
        known = torch.ones(1, len(heard))
        return self._encoder(torch.from_numpy(heard)[None], known)

    def _conditions(self, style: Tensor, nothing: Tensor, previous: Tensor, voices: Voices) -> Conditions:
        """What the chunk follows from, and a second row without style and voices."""
        condition = self._model.codec.condition
        unheard = Voices(*(torch.cat((track, torch.zeros_like(track))) for track in voices))
        return Conditions(condition(torch.cat((style, nothing))), condition(previous).expand(2, -1, -1), unheard)
