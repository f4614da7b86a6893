"""Voices as features of a frozen pretrained encoder, wav2vec 2.0 or Mimi, from a folder that transformers wrote.

UniLS (arXiv 2512.09327) hears with wav2vec 2.0 XLS-R or with Mimi; what is taken from them here is what its released
code takes. Both look at a stretch as a whole, so that they are given a chunk at a time. Their features, about 50 and 25
per second, need no resampling to frames: the generator sets each at its place in time.
"""

from abc import abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from mio.contracts.rates import MICROPHONE_HZ, SPEECH_HZ
from mio.errors import ConfigError
from nodes.face.models.sizes import Hears

if TYPE_CHECKING:
    from transformers import MimiModel, Wav2Vec2Model
    from transformers.models.mimi.modeling_mimi import MimiResidualVectorQuantizer

_EPS = 1e-6


class PretrainedEncoder(nn.Module):
    """Features of a voice from its sound; never learns.

    Attributes:
        hears: Which one it is.
        width: Numbers in a feature.
    """

    hears: Hears
    width: int

    def __init__(self, hears: Hears, width: int) -> None:
        super().__init__()
        self.hears, self.width = hears, width

    def train(self, mode: bool = True) -> "PretrainedEncoder":
        """Stay as in use, whatever the model around it does."""
        return super().train(False)

    @torch.no_grad()
    def forward(self, sound: Tensor, known: Tensor) -> Tensor:
        """``[B, N, width]`` features.

        Args:
            sound: ``[B, n]`` at 16 kHz, -1..1.
            known: ``[B, n]`` one where it has been heard, zero where it lies in the future.
        """
        features = self._features(sound * known)
        middles = (2 * torch.arange(features.shape[1]) + 1) * sound.shape[1] // (2 * features.shape[1])
        return features * known[:, middles, None]

    @abstractmethod
    def _features(self, sound: Tensor) -> Tensor:
        """``[B, N, width]`` of ``[B, n]`` sound at 16 kHz."""


class _Wav2Vec2(PretrainedEncoder):
    def __init__(self, model: "Wav2Vec2Model") -> None:
        super().__init__("wav2vec2", model.config.hidden_size)
        self.model = model.eval().requires_grad_(False)

    def _features(self, sound: Tensor) -> Tensor:
        mean, std = sound.mean(1, keepdim=True), sound.std(1, keepdim=True)
        return self.model((sound - mean) / (std + _EPS)).last_hidden_state


class _Mimi(PretrainedEncoder):
    """The semantic and the acoustic projection together, at 12.5 per second, each twice."""

    def __init__(self, model: "MimiModel") -> None:
        super().__init__("mimi", model.config.hidden_size)
        self.model = model.eval().requires_grad_(False)

    def _features(self, sound: Tensor) -> Tensor:
        import soxr

        at_24_khz = np.ascontiguousarray(soxr.resample(sound.cpu().numpy().T, MICROPHONE_HZ, SPEECH_HZ).T)
        encoder = self.model.encoder
        assert encoder is not None
        latents = encoder(torch.from_numpy(at_24_khz)[:, None].to(sound)).latents
        quantizer = self.model.quantizer
        parts = quantizer.semantic_residual_vector_quantizer, quantizer.acoustic_residual_vector_quantizer
        features = torch.stack([_projected(part, latents) for part in parts]).sum(0)
        return features.repeat_interleave(2, 2).transpose(1, 2)


def _projected(part: "MimiResidualVectorQuantizer", latents: Tensor) -> Tensor:
    """``[B, width, N]`` into the space of a part's codebooks and back."""
    if part.input_proj is None or part.output_proj is None:
        return latents
    return part.output_proj(part.input_proj(latents))


def read_encoder(folder: Path) -> PretrainedEncoder:
    """The encoder in a folder.

    Args:
        folder: As ``save_pretrained`` of transformers writes it, or a clone of facebook/wav2vec2-xls-r-300m or
            kyutai/mimi.

    Raises:
        ConfigError: If transformers is not installed, or there is no such model in the folder.
    """
    try:
        from transformers import AutoConfig, MimiModel, Wav2Vec2Model
        from transformers.utils.logging import disable_progress_bar
    except ImportError as error:
        raise ConfigError("a pretrained encoder of voices needs transformers", "pip install 'mio[train]'") from error
    disable_progress_bar()
    try:
        kind = AutoConfig.from_pretrained(folder, local_files_only=True).model_type
        if kind == "wav2vec2":
            return _Wav2Vec2(Wav2Vec2Model.from_pretrained(folder, local_files_only=True))
        if kind == "mimi":
            model = MimiModel.from_pretrained(folder, local_files_only=True)
            if hasattr(model.encoder, "downsample"):
                return _Mimi(model)
            raise ConfigError("this transformers is too old for Mimi", "pip install -U transformers")
    except (OSError, ValueError) as error:
        remedy = "name a folder that transformers wrote, with its config.json"
        raise ConfigError(f"no encoder of voices in {folder}: {error}", remedy) from error
    raise ConfigError(f"{folder}: is {kind}, not an encoder of voices", "name one of wav2vec2 or mimi")
