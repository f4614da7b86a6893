"""Writes ``unils.npz``: what the released code of UniLS computes with patterned weights and inputs.

Usage: ``python tests/face/models/write_golden.py FOLDER``, a checkout of xg-chu/UniLS; needs einops. Its mesh needs a
licensed file and its audio encoder 1.2 GB, so the mesh is left out and audio features are patterned.
"""

import importlib
import json
import sys
import tempfile
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import torch

from mio.nn.testing import inputs, weights

SCALES = [1, 3, 6, 12]
FEATURES, BITS, WIDTH, AUDIO = 14, 8, 32, 12


def load(folder: Path) -> Any:
    sys.path.insert(0, str(folder))
    stand_ins: dict[str, Any] = {
        name: ModuleType(name) for name in ("ipdb", "core.libs.flame_model", "core.models.modules")
    }
    stand_ins["core.libs.flame_model"].FLAMEModel = None
    stand_ins["core.models.modules"].calc_mesh_loss = None
    stand_ins["core.models.modules"].MimiModelWrapper = stand_ins["core.models.modules"].Wav2Vec2Model = None
    stand_ins["core.models.modules"].__path__ = [str(folder / "core" / "models" / "modules")]
    sys.modules.update(stand_ins)
    codec = importlib.import_module("core.models.unils_codec.models")
    free = importlib.import_module("core.models.unils_freegen.transformer")
    driven = importlib.import_module("core.models.unils_gen.transformer")
    return codec, free, driven


def a_codec(module: Any) -> Any:
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump({"motion_mean": [0.0] * FEATURES, "motion_std": [1.0] * FEATURES}, file)
        file.flush()
        settings = SimpleNamespace(
            V_CODE_DIM=BITS,
            MOTION_DIM=FEATURES,
            V_PATCH_NUMS=SCALES,
            STATS_PATH=file.name,
            T_HIDDEN_DIM=WIDTH,
            T_DEPTH=2,
            T_NUM_HEADS=4,
        )
        codec = module.UniLSCodec(settings).eval()
    codec.load_state_dict(weights(codec.state_dict()))
    return codec


@torch.no_grad()
def of_codec(codec: Any) -> dict[str, Any]:
    motion = inputs("motion", 2, SCALES[-1], FEATURES)
    bits = codec.quant_to_vqidx(motion)
    quantised, _, losses = codec.quantize(codec.encoder(codec.norm_with_stats(motion)))
    return {
        "bits": bits,
        "motion": codec.vqidx_to_motion(bits),
        "quantised": quantised,
        "loss": losses.mean(),
        "condition": codec.quant_to_sum_feat(motion),
        "next_inputs": codec.quantize.vqidx_to_accum_next_feat(bits),
        "next_inputs_1": codec.vqidx_to_next_feat(bits[:, :4], 1, "accum_next"),
    }


class Head(torch.nn.Module):
    """What surrounds the released blocks."""

    def __init__(self, blocks: Any) -> None:
        super().__init__()
        self.attn_blocks = blocks
        self.code_token_embed = torch.nn.Linear(BITS, WIDTH)
        self.logits_head = torch.nn.Sequential(torch.nn.LayerNorm(WIDTH), torch.nn.Linear(WIDTH, BITS * 2))
        self.sos_embed = torch.nn.Parameter(torch.zeros(1, 1, WIDTH))


@torch.no_grad()
def of_generator(blocks: Any, *audio: Any) -> Any:
    head = Head(blocks).eval()
    head.load_state_dict(weights(head.state_dict()))
    shown = head.code_token_embed(inputs("shown", 2, sum(SCALES[1:]), BITS))
    sequence = torch.cat((head.sos_embed.expand(2, 1, -1), shown), 1)
    previous = head.code_token_embed(inputs("previous", 2, 2 * SCALES[-1], BITS))
    style = head.code_token_embed(inputs("style", 2, SCALES[-1], BITS))
    return head.logits_head(head.attn_blocks(sequence, *audio, previous, style))


def main(folder: Path) -> None:
    codec, free, driven = load(folder)
    voices = inputs("own", 2, 20, AUDIO), inputs("other", 2, 20, AUDIO)
    golden = {
        **of_codec(a_codec(codec)),
        "logits_free": of_generator(free.MixedARTalkDecoder(WIDTH, 4, 2, SCALES)),
        "logits_driven": of_generator(driven.MixedARTalkDecoder(WIDTH, AUDIO, 4, 2, SCALES), *voices),
    }
    np.savez_compressed(Path(__file__).with_name("unils.npz"), **{k: np.asarray(v) for k, v in golden.items()})


if __name__ == "__main__":
    main(Path(sys.argv[1]))
