"""Small networks that have learned nothing, for tests of what uses them."""

from pathlib import Path

import torch

from nodes.talker.models.codec.codec import VoiceCodec, codebooks, write_codec
from nodes.talker.models.codec.sizes import CodecSize
from nodes.talker.models.lm.lm import VoiceLm
from nodes.talker.models.lm.shipped import write_lm
from nodes.talker.models.lm.sizes import LmSize

SMALL_CODEC = CodecSize(
    encoder="spectra",
    encoder_layers=1,
    width=32,
    teacher_width=24,
    teacher_layers=1,
    vocos_width=48,
    vocos_layers=1,
    semantic_layers=1,
)
SMALL_LM = LmSize(
    entry_width=32,
    text_width=24,
    text_layers=1,
    width=32,
    layers=1,
    heads=2,
    window=40,
    depth_width=24,
    depth_layers=1,
    depth_heads=2,
)


def write_untrained_voice(folder: Path) -> tuple[Path, Path]:
    """Write a codec and a language model of its codes; the same ones every time.

    Returns:
        Folder of the codec, and of the language model.
    """
    torch.manual_seed(1)
    torch.set_num_threads(1)
    codec = VoiceCodec(SMALL_CODEC)
    write_codec(folder / "codec", codec)
    write_lm(folder / "lm", VoiceLm(SMALL_LM, codebooks(codec)))
    return folder / "codec", folder / "lm"
