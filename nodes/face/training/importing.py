"""The released checkpoints of UniLS as a folder of ours: the codec's file and the generator's.

Each is a PyTorch file that holds its weights under ``model`` (https://github.com/xg-chu/UniLS). They move FLAME, and
the voices they hear are features of wav2vec 2.0 XLS-R or Mimi, which is not among them: the folder has codec and
generator, and says which encoder they need.
"""

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from mio.errors import ConfigError
from mio.nn.weights import NAME_RELEASED, read_checkpoint
from nodes.face.models.codec import MotionCodec
from nodes.face.models.generator import Generator
from nodes.face.models.released import codec_weights, generator_weights
from nodes.face.models.sizes import FaceSize

_KEY = "model"


def import_released(codec: Path, generator: Path, size: FaceSize) -> dict[str, Tensor]:
    """Read both files.

    Args:
        codec: The codec's file, or a generator's, which holds the codec too.
        generator: The audio-driven generator's file.
        size: Of the networks in them.

    Returns:
        Weights by our names, ``codec.`` and ``generator.`` before them, as :class:`FaceModel` has them.

    Raises:
        ConfigError: If a file is missing, damaged, holds more than plain tensors, or is of another size.
    """
    parts = {
        "codec": codec_weights(_read(codec), MotionCodec(size.codec).state_dict()),
        "generator": generator_weights(_read(generator), Generator(size).state_dict()),
    }
    return {f"{part}.{name}": weight for part, weights in parts.items() for name, weight in weights.items()}


def _read(path: Path) -> Mapping[str, Tensor]:
    checkpoint = read_checkpoint(path, repr(_KEY))
    if not isinstance(checkpoint, dict) or not isinstance(checkpoint.get(_KEY), dict):
        raise ConfigError(f"{path}: has no {_KEY!r}", NAME_RELEASED)
    return checkpoint[_KEY]
