"""Writes ``flooddiffusion.npz``: what the released code of FloodDiffusion (Apache-2.0) computes with patterned weights.

Usage: ``python tests/body/models/write_golden.py FOLDER``, a checkout of ShandaAI/FloodDiffusion at b611d6c. Its
attention needs a GPU and its text encoder 11 GB, so both are replaced here: by PyTorch's attention in float32, and by
patterned tokens.
"""

import importlib
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch

from mio.nn.testing import inputs, weights

HISTORY = 10
TEXTS = ["walk"] * 7 + ["wave"] * 6 + ["walk"] * 6
SIZE = {
    "model_type": "t2v",
    "patch_size": (1, 1, 1),
    "text_len": 8,
    "in_dim": 4,
    "dim": 48,
    "ffn_dim": 32,
    "freq_dim": 16,
    "text_dim": 10,
    "out_dim": 4,
    "num_heads": 4,
    "num_layers": 2,
    "cross_attn_norm": True,
}


def attention(q: Any, k: Any, v: Any, k_lens: Any = None, causal: bool = False, **_: Any) -> Any:
    mask = torch.ones(len(q), 1, q.shape[1], k.shape[1], dtype=torch.bool)
    if k_lens is not None:
        mask &= torch.arange(k.shape[1]) < k_lens[:, None, None, None]
    if causal:
        mask &= torch.ones(q.shape[1], k.shape[1], dtype=torch.bool).tril()
    heads = (x.transpose(1, 2) for x in (q, k, v))
    return torch.nn.functional.scaled_dot_product_attention(*heads, attn_mask=mask).transpose(1, 2)


def load(folder: Path) -> tuple[Any, Any, Any, Any]:
    sys.path.insert(0, str(folder))
    names = ("diffusers", "diffusers.configuration_utils", "diffusers.models", "diffusers.models.modeling_utils")
    stand_ins: dict[str, Any] = {name: ModuleType(name) for name in (*names, "models.tools.t5")}
    stand_ins["diffusers.configuration_utils"].ConfigMixin = type("ConfigMixin", (), {})
    stand_ins["diffusers.configuration_utils"].register_to_config = lambda function: function
    stand_ins["diffusers.models.modeling_utils"].ModelMixin = torch.nn.Module
    stand_ins["models.tools.t5"].T5EncoderModel = None
    sys.modules.update(stand_ins)
    importlib.import_module("models.tools.attention").flash_attention = attention  # type: ignore[attr-defined]
    network = importlib.import_module("models.tools.wan_model")
    vae = importlib.import_module("models.vae_wan_1d")
    return (
        vae,
        network,
        importlib.import_module("models.diffusion_forcing_wan"),
        importlib.import_module("utils.motion_process"),
    )


def autoencoder(vae: Any) -> dict[str, Any]:
    model = vae.VAEWanModel(12, z_dim=4, dim=6, dec_dim=8).eval()
    model.load_state_dict(weights(model.state_dict()))
    latents = inputs("latents", 2, 6, 4)
    model.clear_cache()
    streamed = [model.stream_decode(latents[:, k : k + 1], first_chunk=k == 0) for k in range(6)]
    return {
        "streamed": torch.cat(streamed, 1),
        "latents": model.encode(inputs("frames", 2, 21, 12)),
        "frames": model.decode(latents),
    }


def network_of(network: Any, causal: bool) -> Any:
    model = network.WanModel(causal=causal, **SIZE).eval()
    model.load_state_dict(weights(model.state_dict(), 0.5))
    return model


def velocity(network: Any, causal: bool) -> Any:
    texts = [inputs("walk", 3, 10)] * 4 + [inputs("wave", 5, 10)] * 7
    noisy = inputs("noisy", 11, 4).T[:, :, None, None]
    return network_of(network, causal)([noisy], inputs("levels", 1, 11).abs().clamp(0, 1), texts, 11)[0][:, :, 0, 0].T


def stream(network: Any, diffusion: Any) -> dict[str, Any]:
    tokens = {"walk": inputs("walk", 3, 10), "wave": inputs("wave", 5, 10), "": inputs("empty", 1, 10)}
    model = diffusion.DiffForcingWanModel.__new__(diffusion.DiffForcingWanModel)
    torch.nn.Module.__init__(model)
    model.model = network_of(network, causal=False)
    for name, value in {
        "input_dim": 4,
        "time_embedding_scale": 1.0,
        "chunk_size": 5,
        "noise_steps": 10,
        "use_text_cond": True,
        "cfg_scale": 5.0,
        "prediction_type": "vel",
        "param_dtype": torch.float32,
        "encode_text_with_cache": lambda texts, _: [tokens[text] for text in texts],
    }.items():
        setattr(model, name, value)
    model.init_generated(HISTORY)
    model.generated = inputs("noise", 2 * HISTORY + 5, 4).T[None, :, :, None, None].clone()
    latents = [
        model.stream_generate_step({"text": [text]}, first_chunk=k == 0)["generated"][0, 0]
        for k, text in enumerate(TEXTS)
    ]
    windows = [(max(0, int(5 * (step * 0.1 - 1)) + 1), int(5 * (step * 0.1)) + 1) for step in range(40)]
    levels = model._get_noise_levels("cpu", 9, torch.tensor([0.0, 0.35, 1.0, 1.9]))
    return {"stream": torch.stack(latents), "windows": np.array(windows), "levels": levels}


@torch.no_grad()
def main(folder: Path) -> None:
    vae, network, diffusion, motion = load(folder)
    features = 0.3 * inputs("features", 6, 263).numpy()
    golden = {
        **autoencoder(vae),
        **stream(network, diffusion),
        "velocity": velocity(network, causal=False),
        "velocity_causal": velocity(network, causal=True),
        "joints": motion.recover_joint_positions_263(features, 22),
    }
    np.savez_compressed(Path(__file__).with_name("flooddiffusion.npz"), **{k: np.asarray(v) for k, v in golden.items()})


if __name__ == "__main__":
    main(Path(sys.argv[1]))
