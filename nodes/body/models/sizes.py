"""Sizes and variants of the models; what a checkpoint's ``config.yaml`` says of its networks."""

from typing import Literal

import msgspec

ScheduleKind = Literal["triangular", "random", "chunk"]
Rounding = Literal["exact", "released"]


class VaeSize(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The causal variational autoencoder (FloodDiffusion, arXiv 2512.03520; released configuration ``vae_wan_1d``).

    Attributes:
        features: Features of a frame.
        latent: Numbers in a latent.
        encoder_width: Channels of the encoder.
        decoder_width: Channels of the decoder.
        blocks: Residual blocks per level of the encoder; the decoder has one more.
    """

    features: int = 263
    latent: int = 4
    encoder_width: int = 160
    decoder_width: int = 512
    blocks: int = 1


class DenoiserSize(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The denoising transformer.

    Attributes:
        latent: Numbers in a latent.
        width: Channels.
        feedforward: Channels inside the feed-forward layers.
        time_frequencies: Channels of the sinusoids that say how noisy a latent is.
        heads: Attention heads.
        layers: Blocks.
        text_width: Channels of the text's tokens.
        text_tokens: Tokens of a text that are looked at.
        rotary: Which share of a head's channels turns with time: ``wan``, 22 of 64 pairs as in the released models, or
            ``time``, all of them.
        causal: Whether a latent sees only earlier ones; the paper's ablation.
    """

    latent: int = 4
    width: int = 1024
    feedforward: int = 2048
    time_frequencies: int = 256
    heads: int = 8
    layers: int = 8
    text_width: int = 4096
    text_tokens: int = 512
    rotary: Literal["wan", "time"] = "wan"
    causal: bool = False


class FloodSize(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All of it.

    Attributes:
        vae: The autoencoder.
        denoiser: The transformer.
        window: Latents that are being denoised at a time; a second at 5 latents a second.
        schedule: How noisy they are; ``triangular`` is the paper's.
        steps: Steps of the solver per second of motion, a multiple of ``window``.
        rounding: How borders of the window are counted; the released models' code rounds floating-point numbers.
    """

    vae: VaeSize = VaeSize()
    denoiser: DenoiserSize = DenoiserSize()
    window: int = 5
    schedule: ScheduleKind = "triangular"
    steps: int = 10
    rounding: Rounding = "exact"


PAPER = FloodSize(rounding="released")
"""The paper's: UMT5-XXL's tokens, 1024 channels."""

TINY = FloodSize(
    denoiser=DenoiserSize(width=256, feedforward=1024, time_frequencies=64, text_width=768, text_tokens=128),
    rounding="released",
)
"""The released small one: UMT5-base's tokens, 256 channels."""

LAPTOP = FloodSize(
    vae=VaeSize(encoder_width=128, decoder_width=192),
    denoiser=DenoiserSize(
        width=192,
        feedforward=576,
        time_frequencies=64,
        heads=4,
        layers=6,
        text_width=384,
        text_tokens=32,
        rotary="time",
    ),
)
"""Small enough to be trained in hours and run on one core of a laptop: MiniLM's tokens."""

SIZES: dict[str, FloodSize] = {"paper": PAPER, "tiny": TINY, "laptop": LAPTOP}
