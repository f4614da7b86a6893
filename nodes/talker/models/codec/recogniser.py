"""The semantic teacher: hears speech and says which phone is spoken, looking back only.

What its last layer but one knows about 50 times a second is what the codec's semantic codes carry. It is frozen while
the codec learns.
"""

from torch import Tensor, nn

from mio.nn.causal import CausalConv, Past
from mio.nn.mel import CausalMel
from nodes.talker.models.codec.sizes import FEATURE_SAMPLES, SAMPLE_RATE, CodecSize
from nodes.talker.models.codec.vocos import ConvNeXtBlock

_BANDS = 64
_WINDOW = 960  # 40 ms
_FIRST_KERNEL = 5


class PhoneRecogniser(nn.Module):
    """Speech to features and phones."""

    def __init__(self, size: CodecSize) -> None:
        super().__init__()
        width, layers = size.teacher_width, size.teacher_layers
        self.mel = CausalMel(_BANDS, _WINDOW, FEATURE_SAMPLES, "teacher.mel", sample_rate=SAMPLE_RATE)
        self.entry = CausalConv(_BANDS, width, _FIRST_KERNEL, "teacher.entry")
        self.blocks = nn.ModuleList(ConvNeXtBlock(width, layers, f"teacher.{number}") for number in range(layers))
        self.norm = nn.LayerNorm(width, elementwise_affine=False)
        self.phones = nn.Linear(width, size.phones)

    def forward(self, wave: Tensor, past: Past) -> Tensor:
        """Features ``[B, teacher_width, 4 n]`` of ``[B, 1, 1920 n]`` samples."""
        x = self.entry(self.mel(wave, past), past)
        for block in self.blocks:
            x = block(x, past)
        return self.norm(x.transpose(1, 2)).transpose(1, 2)

    def recognise(self, features: Tensor) -> Tensor:
        """Logits ``[B, T, phones]`` of ``[B, teacher_width, T]`` features."""
        return self.phones(features.transpose(1, 2))
