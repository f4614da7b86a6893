"""From texts to motion features, four frames at a time: the networks with all that they remember.

Knows no stage time, no place in the room and no other engine.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch

from mio.errors import ConfigError, MioError
from mio.nn.causal import Past
from mio.rotation import Array
from nodes.body.flood.texts import TextEncoder
from nodes.body.models.causal_vae import FRAMES_PER_LATENT
from nodes.body.models.checkpoint import Networks
from nodes.body.models.denoiser import Context
from nodes.body.models.sampler import Guidance, Sampler, StreamState

_REMEMBERED_TEXTS = 64
_LARGEST_LATENT = 12.0  # latents of real motion have a standard deviation of 1


class Derailed(MioError):
    """What the networks gave is no motion."""


@dataclass
class Flow:
    """Where a stream stands.

    Attributes:
        latents: The sampler's part.
        first_frame: Number of the frame that the stream's very first latent stands for.
        decoded: What the decoder remembers.
    """

    latents: StreamState
    first_frame: int
    decoded: Past = field(default_factory=lambda: {})

    @property
    def next_frame(self) -> int:
        """Number of the first frame that has not been given."""
        return self.first_frame + FRAMES_PER_LATENT * (self.latents.given - 1) + 1


class FloodStream:
    """Generates; the caller keeps the :class:`Flow`."""

    def __init__(self, networks: Networks, encoder: TextEncoder, guidance: Guidance) -> None:
        """Get ready.

        Raises:
            ConfigError: If the denoiser was not trained on this encoder.
        """
        self._networks = networks
        self._encoder = encoder
        self._sampler = Sampler(networks.denoiser, networks.size, guidance)
        self._contexts: OrderedDict[str, Context] = OrderedDict()
        self._read("")

    @property
    def lead_frames(self) -> int:
        """How far the history of :meth:`begin` must reach beyond the last frame that is to stay."""
        return FRAMES_PER_LATENT * (self._networks.size.window - 1)

    @torch.no_grad()
    def begin(self, features: Array, first_frame: int, text: str, seed: int) -> tuple[Flow, Array]:
        """Go on from given motion; its last :attr:`lead_frames` frames are generated anew.

        Args:
            features: ``[n, 263]``, ``1 + 4 k`` frames.
            first_frame: Number of the first of them.
            text: What they show.
            seed: Of the noise.

        Returns:
            The stream, and ``[n - lead_frames, 263]``: how the networks see the motion until then.
        """
        self._read(text)
        vae = self._networks.vae
        latents = vae.encode(torch.from_numpy(features.astype(np.float32))[None])[0]
        flow = Flow(self._sampler.go_on(latents, text, seed), first_frame)
        seen = vae.decode(latents[None, : flow.latents.given], flow.decoded)[0]
        return flow, seen.numpy().astype(np.float64)

    def ready(self, flow: Flow) -> bool:
        """Whether four more frames can be taken."""
        return self._sampler.ready(flow.latents)

    def steps_left(self, flow: Flow) -> int:
        """How many steps until four more frames can be taken."""
        return self._sampler.steps_left(flow.latents)

    def step(self, flow: Flow, text_at: Callable[[int], str]) -> None:
        """One step of the denoiser; two of them are needed for four frames.

        Args:
            flow: The stream.
            text_at: What shall be seen at a frame, by its number.
        """
        state = flow.latents
        first = flow.first_frame
        numbers = range(state.given, state.begin + len(state.texts) + 1)
        texts = [text_at(first + FRAMES_PER_LATENT * number) for number in numbers]
        state.texts[state.given - state.begin :] = texts[:-1]
        names = {*state.texts, *texts, ""}
        for text in sorted(names):
            self._read(text)
        self._sampler.step(state, texts[-1], {name: self._contexts[name] for name in names})

    @torch.no_grad()
    def take(self, flow: Flow) -> Array:
        """``[4, 263]``: the next frames.

        Raises:
            Derailed: If they are no numbers or no motion.
        """
        latent = self._sampler.take(flow.latents)
        if not bool(torch.isfinite(latent).all()) or float(latent.abs().max()) > _LARGEST_LATENT:
            raise Derailed(f"the body's network left all motion (latent {latent.tolist()})", "the idle engine goes on")
        return self._networks.vae.decode(latent[None, None], flow.decoded)[0].numpy().astype(np.float64)

    def _read(self, text: str) -> None:
        """Have the denoiser's view of a text at hand."""
        if text in self._contexts:
            self._contexts.move_to_end(text)
            return
        size = self._networks.size.denoiser
        states = self._encoder.read([text])[0].states[: size.text_tokens]
        if states.shape[1] != size.text_width:
            problem = f"the body's texts have {states.shape[1]} channels, its weights want {size.text_width}"
            raise ConfigError(problem, "name the encoder that they were trained on: text_encoder")
        with torch.no_grad():
            self._contexts[text] = self._networks.denoiser.read(torch.from_numpy(states.copy())[None])
        while len(self._contexts) > _REMEMBERED_TEXTS:
            self._contexts.popitem(last=False)
        if "" in self._contexts:
            self._contexts.move_to_end("")
