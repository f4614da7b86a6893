"""Names of weights in the checkpoints that the authors of UniLS released, and in ours.

Their files hold everything under ``model``. The audio-driven generator may carry its low-rank updates apart, as the
package peft writes them (``base_model.model.``, ``lora_A``, ``lora_B``, ``modules_to_save``); they are added to the
weights.
"""

import re
from collections.abc import Mapping

from torch import Tensor

from mio.nn.released import Rules, by_rules, renamed

LORA_SCALE = 1.0
"""alpha / r of the released updates: 32 / 32."""

_CODEC = (
    (r"^motion_", ""),
    (r"\.inp_mapping\.0\.", ".entry."),
    (r"\.(code|out)_mapping\.", ".exit."),
    (r"\.to_qkv\.", ".qkv."),
    (r"\.to_out\.", ".out."),
)
_BLOCK = re.compile(r"\.(?:encoder|decoder)_transformer\.(\d+)\.")
_GENERATOR = (
    (r"^code_token_embed\.", "embed."),
    (r"^sos_embed$", "start"),
    (r"^attn_blocks\.lvl_embed\.", "level."),
    (r"^attn_blocks\.style_pos$", "style_mark"),
    (r"^attn_blocks\.prev_pos$", "previous_mark"),
    (r"^attn_blocks\.self_pos$", "voice_marks.0"),
    (r"^attn_blocks\.other_pos$", "voice_marks.1"),
    (r"^logits_head\.0\.", "norm."),
    (r"^logits_head\.1\.", "exit."),
    (r"^attn_blocks\.attn_blocks\.", "blocks."),
    (r"\.self_attn\.", ".attention."),
    (r"\.self_audio_attn\.", ".voices.0."),
    (r"\.other_audio_attn\.", ".voices.1."),
    (r"\.ffn\.", ".feedforward."),
    (r"\.to_qkv\.", ".qkv."),
    (r"\.(to_out|out_proj)\.", ".out."),
    (r"\.([qkv])_proj\.", r".\1."),
    (r"\.self_norm\.", ".norm."),
    (r"\.context_norm\.", ".audio_norm."),
)
_CODEC_PREFIX = "base_codec."
_NOT_WEIGHTS = re.compile(r"^(audio_encoder|face_decoder)\.|\.original_module\.")
_REMEDY = "choose the size that the checkpoint was trained with"


def codec_weights(released: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A released codec's weights under our names, from its own checkpoint or from a generator's.

    Args:
        released: By their names.
        wanted: Our model's state, whose names and shapes they must have.

    Raises:
        ConfigError: If a weight is missing, unknown or of another shape.
    """
    merged = _merged(released)
    inside = {k.removeprefix(_CODEC_PREFIX): v for k, v in merged.items() if k.startswith(_CODEC_PREFIX)}
    return _renamed(inside or merged, _CODEC, wanted)


def generator_weights(released: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A released generator's weights under our names; see :func:`codec_weights`."""
    own = {name: value for name, value in _merged(released).items() if not name.startswith(_CODEC_PREFIX)}
    return _renamed(own, _GENERATOR, wanted)


def _merged(released: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Plain weights: low-rank updates added, wrappers' names taken off."""
    plain: dict[str, Tensor] = {}
    updates: dict[str, dict[str, Tensor]] = {}
    for theirs, value in released.items():
        name = theirs.removeprefix("base_model.model.")
        if _NOT_WEIGHTS.search(name):
            continue
        if update := re.fullmatch(r"(.*)\.lora_([AB])\.default\.weight", name):
            updates.setdefault(f"{update[1]}.weight", {})[update[2]] = value
        else:
            plain[name.replace(".base_layer.", ".").replace(".modules_to_save.default.", ".")] = value
    for name, update in updates.items():
        plain[name] = plain[name] + LORA_SCALE * (update["B"] @ update["A"])
    return plain


def _renamed(released: Mapping[str, Tensor], rules: Rules, wanted: Mapping[str, Tensor]) -> dict[str, Tensor]:
    def ours(name: str) -> str:
        return by_rules(_BLOCK.sub(_block_name, name), rules)

    return renamed(released, ours, wanted, _REMEDY)


def _block_name(match: re.Match[str]) -> str:
    """Their lists alternate attention and feed-forward layers."""
    number = int(match[1])
    return f".blocks.{number // 2}.{'attention' if number % 2 == 0 else 'feedforward'}."
