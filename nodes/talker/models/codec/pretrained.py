"""A pretrained semantic teacher: w2v-BERT 2.0, as the paper has it, for users who have its weights.

It hears a recording as a whole, forwards and backwards, so that sound cannot be coded piece by piece with it; decoding
does not need it. Source: "Towards Interactive Intelligence for Digital Humans" (arXiv 2512.13674), the figure of
Kodama-Tokenizer; it does not say which layer, others listen to the 16th or 17th (MaskGCT, arXiv 2409.00750).
"""

from pathlib import Path
from typing import TYPE_CHECKING

import soxr
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mio.contracts.rates import MICROPHONE_HZ
from mio.errors import ConfigError, Needing
from mio.nn.causal import Past
from nodes.talker.models.codec.sizes import FEATURE_SAMPLES, SAMPLE_RATE, CodecSize

if TYPE_CHECKING:
    from transformers import SeamlessM4TFeatureExtractor, Wav2Vec2BertModel


class PretrainedTeacher(nn.Module):
    """Recordings to features of one layer."""

    def __init__(self, model: "Wav2Vec2BertModel", extractor: "SeamlessM4TFeatureExtractor", layer: int) -> None:
        """Get ready.

        Args:
            model: w2v-BERT 2.0.
            extractor: Makes the spectra that it hears.
            layer: That is listened to, counted from 1.
        """
        super().__init__()
        self.model = model.eval().requires_grad_(False)
        self._extractor, self._layer = extractor, layer

    @torch.no_grad()
    def forward(self, wave: Tensor, past: Past) -> Tensor:
        """Features ``[B, teacher_width, 4 n]`` of ``[B, 1, 1920 n]`` samples, the whole of recordings.

        Args:
            wave: The recordings.
            past: Not looked at; nothing may have come before.
        """
        sound = soxr.resample(wave[:, 0].cpu().numpy().T, SAMPLE_RATE, MICROPHONE_HZ).T
        heard = self._extractor(list(sound), sampling_rate=MICROPHONE_HZ, return_tensors="pt").to(wave.device)
        hidden = self.model(**heard, output_hidden_states=True).hidden_states[self._layer].float()
        features = F.layer_norm(hidden, hidden.shape[-1:]).transpose(1, 2)
        count = wave.shape[2] // FEATURE_SAMPLES
        missing = max(0, count - features.shape[2])
        return F.pad(features, (0, missing), mode="replicate")[:, :, :count]


def read_teacher(folder: Path | None, size: CodecSize) -> PretrainedTeacher:
    """The teacher in a folder.

    Args:
        folder: As ``save_pretrained`` of transformers writes it, or a clone of facebook/w2v-bert-2.0.
        size: Of the codec that it teaches.

    Raises:
        MioError: If transformers is not installed, no folder is named, or there is no such model in it.
    """
    remedy = "name a clone of facebook/w2v-bert-2.0 with --teacher, or take a codec whose teacher is learned here"
    if folder is None:
        raise ConfigError("this codec hears with w2v-BERT 2.0, which is not among its weights", remedy)
    with Needing("w2v-BERT 2.0", "train"):
        from transformers import AutoConfig, SeamlessM4TFeatureExtractor, Wav2Vec2BertModel
        from transformers.utils.logging import disable_progress_bar
    disable_progress_bar()
    try:
        kind = AutoConfig.from_pretrained(folder, local_files_only=True).model_type
        if kind != "wav2vec2-bert":
            raise ConfigError(f"{folder}: is {kind}, not w2v-BERT", remedy)
        model = Wav2Vec2BertModel.from_pretrained(folder, local_files_only=True)
        extractor = SeamlessM4TFeatureExtractor.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError) as error:
        raise ConfigError(f"no w2v-BERT in {folder}: {error}", remedy) from error
    found = model.config.hidden_size, model.config.num_hidden_layers
    if found[0] != size.teacher_width or found[1] < size.teacher_layers:
        wanted = f"{size.teacher_width} channels and layer {size.teacher_layers}"
        raise ConfigError(f"{folder}: has {found[0]} channels and {found[1]} layers, not {wanted}", remedy)
    return PretrainedTeacher(model, extractor, size.teacher_layers)
