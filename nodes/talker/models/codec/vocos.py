"""The decoder: a vector per 80 ms to 24 kHz speech, through magnitudes and phases of a short-time Fourier transform.

Source: Vocos (Siuzdak 2023), with convolutions that look back only. Sound comes a frame late, so that it is made with
the next frame known: without that the beginning of each frame, where windows reach over from the one before, comes out
worst. A spectrum's window begins with its own samples instead of being centred on them.
"""

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mio.nn.causal import CausalConv, CausalUpsampling, Past, with_context
from nodes.talker.models.codec.harmonics import HarmonicSource, Pitch
from nodes.talker.models.codec.noise import NoiseSource
from nodes.talker.models.codec.sizes import FRAME_SAMPLES, SAMPLE_RATE, CodecSize

HOP = 320
WINDOW = 1_280
LATE_SAMPLES = FRAME_SAMPLES
"""How much later than its frame sound comes out."""

_UPSAMPLING = FRAME_SAMPLES // HOP  # to 75 spectra per second
_KERNEL = 7
_LARGEST_MAGNITUDE = 100.0
_FAINT = -3.0  # logarithm of what a decoder with harmonics begins with beside them, lest that takes their place
_NOISE_FROM_HZ, _NOISE_ALONE_HZ = 4_500.0, 5_500.0
_KNOT_BINS = 8  # 150 Hz between values of noise's envelope: values for each bin would draw stripes into it
_FAINT_NOISE = -4.0  # logarithm of how much of it a decoder begins with below
_OCTAVES = 0.1  # that a unit of the layer of the pitch means, so that its gradients are of the others' size


class ConvNeXtBlock(nn.Module):
    """Depth-wise convolution and a gated mixing of the channels (Liu et al. 2022)."""

    def __init__(self, width: int, layers: int, key: str) -> None:
        super().__init__()
        self.conv = CausalConv(width, width, _KERNEL, key, groups=width)
        self.norm = nn.LayerNorm(width)
        self.mix = nn.Sequential(nn.Linear(width, 3 * width), nn.GELU(), nn.Linear(3 * width, width))
        self.scale = nn.Parameter(torch.full((width,), 1.0 / layers))

    def forward(self, x: Tensor, past: Past) -> Tensor:
        """``[B, width, T]``, the same shape."""
        y = self.norm(self.conv(x, past).transpose(1, 2))
        return x + (self.scale * self.mix(y)).transpose(1, 2)


class InverseTransform(nn.Module):
    """Spectra to samples, piece by piece.

    Overlapping windows are added and divided by the sum of their squares, as the inverse transform does.
    """

    _window: Tensor
    _weight: Tensor

    def __init__(self, key: str) -> None:
        super().__init__()
        window = torch.hann_window(WINDOW)
        self.register_buffer("_window", window, persistent=False)
        self.register_buffer("_weight", window.square().view(-1, HOP).sum(0), persistent=False)
        self._key = key

    def forward(self, spectra: Tensor, past: Past) -> Tensor:
        """``[B, 641, T]`` complex spectra to ``[B, 320 T]`` samples."""
        frames = torch.fft.irfft(spectra, WINDOW, 1) * self._window[:, None]
        rows, _, count = frames.shape
        length = HOP * (count - 1) + WINDOW
        added = F.fold(frames, (1, length), (1, WINDOW), stride=(1, HOP)).view(rows, length)
        tail = past.get(self._key)
        if tail is not None:
            added = added + F.pad(tail, (0, length - tail.shape[1]))
        past[self._key] = added[:, HOP * count :]
        return added[:, : HOP * count] / self._weight.repeat(count)


class Spoken(NamedTuple):
    """What a decoder makes of frames.

    Attributes:
        sound: ``[B, 1, 1920 n]`` samples.
        pitch: What it says of the pitch of its spectra; None without harmonics.
    """

    sound: Tensor
    pitch: Pitch | None


class VocosDecoder(nn.Module):
    """Frames to speech."""

    _between: Tensor
    _free: Tensor

    def __init__(self, size: CodecSize) -> None:
        super().__init__()
        width = size.vocos_width
        self.upsampling = CausalUpsampling(size.width, width, _UPSAMPLING, "vocos.up")
        self.coming = CausalUpsampling(size.width, width, _UPSAMPLING, "vocos.coming")
        self.entry = CausalConv(width, width, _KERNEL, "vocos.entry")
        self.norm = nn.LayerNorm(width)
        self.blocks = nn.ModuleList(
            ConvNeXtBlock(width, size.vocos_layers, f"vocos.{number}") for number in range(size.vocos_layers)
        )
        self.last_norm = nn.LayerNorm(width)
        self.exit = nn.Linear(width, WINDOW + 2)
        self.inverse = InverseTransform("vocos.inverse")
        self.source: HarmonicSource | None = None
        if size.excitation == "harmonics":
            self.source = HarmonicSource(WINDOW, HOP, "vocos.source")
            self.pitch, self.shape = nn.Linear(width, 2), nn.Linear(width, WINDOW + 2)
            nn.init.constant_(self.exit.bias[: WINDOW // 2 + 1], _FAINT)
        self.noise: NoiseSource | None = None
        if size.noise:
            self.noise = NoiseSource(WINDOW, HOP, "vocos.noise")
            self.hiss = nn.Linear(width, WINDOW // 2 // _KNOT_BINS + 1)
            self.register_buffer("_between", _between_knots(), persistent=False)
            self.register_buffer("_free", _share_without_noise().sqrt()[:, None], persistent=False)
            self.begin_noise()

    def forward(self, frames: Tensor, past: Past, octaves: Tensor | None = None) -> Spoken:
        """Frames to speech, a frame late: what is before the first frame comes first.

        Args:
            frames: ``[B, width, n]``.
            past: What was decoded before, changed by this.
            octaves: ``[B, 6 n]`` pitch to use, as :class:`Pitch` has it; None for what it says itself.
        """
        near = with_context(frames, past, "vocos.frames", 1)
        x = self.upsampling(near[:, :, :-1], past) + self.coming(near[:, :, 1:], past)
        x = self.norm(self.entry(x, past).transpose(1, 2)).transpose(1, 2)
        for block in self.blocks:
            x = block(x, past)
        known = self.last_norm(x.transpose(1, 2))
        spectra = _spectra(self.exit(known))
        if self.noise is not None:
            hiss = (self.hiss(known).float() @ self._between).transpose(1, 2).exp().clamp(max=_LARGEST_MAGNITUDE)
            spectra = spectra * self._free + hiss * self.noise(*hiss.shape[::2], past)
        if self.source is None:
            return Spoken(self.inverse(spectra, past)[:, None], None)
        said, voiced = self.pitch(known).float().unbind(-1)
        pitch = Pitch(_OCTAVES * said, voiced)
        harmonics = self.source(pitch.octaves.detach() if octaves is None else octaves, past)
        shaped = _spectra(self.shape(known)) * harmonics * torch.sigmoid(voiced)[:, None]
        return Spoken(self.inverse(spectra + shaped, past)[:, None], pitch)

    @torch.no_grad()
    def begin_noise(self) -> None:
        """Let the noise be as loud as what the decoder says freely where it takes its place, and faint below."""
        bins = WINDOW // 2 + 1
        share = (1 - _share_without_noise()).sqrt().clamp(min=math.exp(_FAINT_NOISE))
        around = self._between / self._between.sum(1, keepdim=True)
        self.hiss.weight.copy_(around @ self.exit.weight[:bins])
        self.hiss.bias.copy_(around @ (self.exit.bias[:bins] + share.log()))

    def whole(self, frames: Tensor, octaves: Tensor | None = None) -> Spoken:
        """Speech of all frames there are, in time with them.

        Args:
            frames: ``[B, width, n]``, nothing behind them.
            octaves: ``[B, 6 n + 6]`` pitch to use.
        """
        late = self(F.pad(frames, (0, 1)), {}, octaves)
        return Spoken(late.sound[:, :, LATE_SAMPLES:], late.pitch)


def _between_knots() -> Tensor:
    """``[81, 641]`` what each value of noise's envelope adds to the bins around it: straight lines between them."""
    away = torch.arange(WINDOW // 2 + 1) / _KNOT_BINS - torch.arange(WINDOW // 2 // _KNOT_BINS + 1)[:, None]
    return (1 - away.abs()).clamp(min=0)


def _share_without_noise() -> Tensor:
    """``[641]`` share of the power that is not noise's: all below 4.5 kHz, none above 5.5 kHz."""
    hz = torch.arange(WINDOW // 2 + 1) * SAMPLE_RATE / WINDOW
    return 1 - ((hz - _NOISE_FROM_HZ) / (_NOISE_ALONE_HZ - _NOISE_FROM_HZ)).clamp(0, 1)


def _spectra(said: Tensor) -> Tensor:
    """``[B, 641, T]`` complex ones of ``[B, T, 1282]`` logarithms of magnitudes, and phases."""
    magnitude, phase = said.float().transpose(1, 2).chunk(2, 1)
    return torch.polar(magnitude.exp().clamp(max=_LARGEST_MAGNITUDE), phase)
