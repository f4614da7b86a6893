"""Motion from captions, generated as a stream, for benchmarks of the body."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import torch

from mio.bench._motion_evaluator import Vectors
from mio.nn.causal import Past
from mio.rotation import Array
from mio.sentences.encoder import SentenceEncoder
from nodes.body.config import BodyConfig, NetworkUse
from nodes.body.flood.engine import FloodEngine
from nodes.body.flood.stream import FloodStream
from nodes.body.models.causal_vae import FRAMES_PER_LATENT
from nodes.body.models.checkpoint import Networks, read_networks
from nodes.body.models.denoiser import Context
from nodes.body.models.sampler import Guidance, Sampler


class Generator:
    """Networks with all texts that were ever read.

    Attributes:
        networks: The networks.
        guidance: How texts steer.
    """

    def __init__(self, folder: Path, encoder: SentenceEncoder, guidance: Guidance) -> None:
        self.networks: Networks = read_networks(folder)
        self.guidance = guidance
        self._encoder = encoder
        self._contexts: dict[str, Context] = {}

    @torch.no_grad()
    def generate(self, texts: Sequence[str], seed: int) -> Vectors:
        """``[1 + 4 (n - 1), 263]``: motion from nothing, a latent per text."""
        sampler = Sampler(self.networks.denoiser, self.networks.size, self.guidance)
        state, past, pieces = sampler.begin(seed), Past(), list[Vectors]()
        contexts = self._read({*texts, ""})
        for number, _ in enumerate(texts):
            while not sampler.ready(state):
                shown = range(state.given, state.begin + len(state.texts) + 1)
                said = [texts[min(k, len(texts) - 1)] for k in shown]
                state.texts[state.given - state.begin :] = said[:-1]
                sampler.step(state, said[-1], contexts)
            latent = sampler.take(state)
            assert state.given == number + 1
            pieces.append(self.networks.vae.decode(latent[None, None], past)[0].numpy())
        return np.concatenate(pieces)

    def engine(self, seed: int, network: NetworkUse = "prompts") -> FloodEngine:
        """A live engine on the same networks."""
        config = BodyConfig(engine="flood", seed=seed, network=network)
        return FloodEngine(config, FloodStream(self.networks, self._encoder, self.guidance))

    @torch.no_grad()
    def reconstruct(self, features: Vectors) -> Vectors:
        """What the autoencoder makes of ``[1 + 4 n, 263]``."""
        latents = self.networks.vae.encode(torch.from_numpy(np.array(features))[None])
        return self.networks.vae.decode(latents)[0].numpy()

    def _read(self, texts: Iterable[str]) -> dict[str, Context]:
        longest = self.networks.size.denoiser.text_tokens
        for text in texts:
            if text not in self._contexts:
                states = self._encoder.read([text])[0].states[:longest]
                self._contexts[text] = self.networks.denoiser.read(torch.from_numpy(states.copy())[None])
        return {text: self._contexts[text] for text in texts}


def whole(features: Vectors, longest: int) -> Vectors:
    """As many frames as whole latents have, at most ``longest``."""
    count = 1 + (min(len(features), longest) - 1) // FRAMES_PER_LATENT * FRAMES_PER_LATENT
    return np.array(features[:count])


def mean_and_range(values: Sequence[float]) -> str:
    """``mean (lowest to highest)``, or the value if there is one."""
    array: Array = np.asarray(values, np.float64)
    return f"{array.mean():.3f}" if len(array) == 1 else f"{array.mean():.3f} ({array.min():.3f} to {array.max():.3f})"
