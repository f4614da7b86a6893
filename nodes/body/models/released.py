"""Names of weights in the checkpoints that the authors of FloodDiffusion released, and in ours.

Their files (Lightning checkpoints, ``state_dict`` or ``ema_state_dict`` inside) hold the autoencoder under ``model.``
and ``mean`` / ``std``; the denoiser under ``model.``, with its input as a 1 x 1 x 1 convolution.
"""

import re
from collections.abc import Mapping
from functools import partial

from torch import Tensor

from mio.nn.released import Rules, by_rules, renamed

_VAE = (
    (r"^model\.conv1\.", "encoder.mix."),
    (r"^model\.conv2\.", "decoder.mix."),
    (r"^model\.", ""),
    (r"^(encoder|decoder)\.conv1\.", r"\1.entry.conv."),
    (r"\.head\.0\.", ".norm."),
    (r"\.head\.2\.", ".exit.conv."),
    (r"\.middle\.0\.", ".middle.entry."),
    (r"\.middle\.1\.", ".middle.norm."),
    (r"\.middle\.2\.", ".middle.mix."),
    (r"\.middle\.3\.", ".middle.exit."),
    (r"\.residual\.0\.", ".norm1."),
    (r"\.residual\.2\.", ".conv1.conv."),
    (r"\.residual\.3\.", ".norm2."),
    (r"\.residual\.6\.", ".conv2.conv."),
    (r"^encoder\.downsamples\.(\d+)\.downsamples\.\d+\.time_conv\.", r"encoder.levels.\1.resample.conv."),
    (r"^decoder\.upsamples\.(\d+)\.upsamples\.\d+\.time_conv\.", r"decoder.levels.\1.resample.conv.conv."),
    (r"^(encoder|decoder)\.(?:down|up)samples\.(\d+)\.(?:down|up)samples\.(\d+)\.", r"\1.levels.\2.blocks.\3."),
)
_DENOISER = (
    (r"^model\.", ""),
    (r"^patch_embedding\.", "latent_in."),
    (r"^text_embedding\.", "text_in."),
    (r"^time_embedding\.", "noise_in."),
    (r"^time_projection\.", "noise_out."),
    (r"\.self_attn\.", ".attention."),
    (r"\.cross_attn\.", ".text."),
    (r"\.norm3\.", ".text_norm."),
    (r"\.ffn\.", ".feedforward."),
    (r"^head\.head\.", "latent_out."),
    (r"^head\.modulation", "modulation"),
)
_NOT_WEIGHTS = re.compile(r"^text_encoder\.")
_REMEDY = "choose the size that the checkpoint was trained with (paper or tiny)"


def vae_weights(released: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A released autoencoder's weights under our names.

    Args:
        released: By their names.
        wanted: Our model's state, whose names and shapes they must have.

    Raises:
        ConfigError: If a weight is missing, unknown or of another shape.
    """
    return _renamed(released, _VAE, wanted)


def denoiser_weights(released: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A released denoiser's weights under our names; see :func:`vae_weights`."""
    return _renamed(released, _DENOISER, wanted)


def _renamed(released: Mapping[str, Tensor], rules: Rules, wanted: Mapping[str, Tensor]) -> dict[str, Tensor]:
    rename = partial(by_rules, rules=rules)
    own = {
        name: _shaped(weight, wanted.get(rename(name)))
        for name, weight in released.items()
        if not _NOT_WEIGHTS.search(name)
    }
    return renamed(own, rename, wanted, _REMEDY)


def _shaped(weight: Tensor, wanted: Tensor | None) -> Tensor:
    """A weight without the dimensions of size one that theirs have and ours have not."""
    fits = wanted is not None and weight.numel() == wanted.numel()
    return weight.reshape(wanted.shape) if wanted is not None and fits else weight
