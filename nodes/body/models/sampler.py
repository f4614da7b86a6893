"""Streaming generation: one latent at a time, conditioned on the text of that moment.

Source: FloodDiffusion (arXiv 2512.03520), streaming inference, and its released ``stream_generate_step``. A latent is
denoised from pure noise in ``steps`` Euler steps while ``window - 1`` later ones follow it.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor

from nodes.body.models.denoiser import Context, Denoiser
from nodes.body.models.schedule import active, committed, noise_levels
from nodes.body.models.sizes import FloodSize


class Guidance(NamedTuple):
    """How the text steers.

    Attributes:
        scale: Of classifier-free guidance (Ho and Salimans 2021): ``scale v_text - (scale - 1) v_empty``; 1 for none.
        history: Latents that the denoiser sees, those in the window included.
        mixed_history: The same while they are of more than one text, so that what was wanted before does not go on
            for long; None for no difference.
    """

    scale: float = 5.0
    history: int = 30
    mixed_history: int | None = None


@dataclass
class StreamState:
    """Where a stream stands: plain values, so that a successor can go on.

    Attributes:
        latents: ``[n, latent]`` clean ones, then those of the window, then pure noise.
        begin: Number, in the stream, of the first of them.
        step: Steps of the solver so far.
        texts: The text of each latent from ``begin`` on, as far as it is decided.
        given: Number of the next latent to give out.
        noise: State of the random generator.
    """

    latents: Tensor
    begin: int = 0
    step: int = 0
    texts: list[str] = field(default_factory=lambda: [])
    given: int = 0
    noise: Tensor = field(default_factory=lambda: torch.empty(0, dtype=torch.uint8))


class Sampler:
    """Gives latents out one by one. Texts must have been read by the denoiser; see :meth:`Denoiser.read`."""

    def __init__(self, denoiser: Denoiser, size: FloodSize, guidance: Guidance) -> None:
        self._denoiser = denoiser
        self._size = size
        self._guidance = guidance

    def begin(self, seed: int) -> StreamState:
        """A stream without a past."""
        generator = torch.Generator().manual_seed(seed)
        return StreamState(torch.zeros(0, self._size.denoiser.latent), noise=generator.get_state())

    def go_on(self, history: Tensor, text: str, seed: int) -> StreamState:
        """A stream that goes on from given motion.

        The last ``window - 1`` latents of it are noised as the schedule has them at that moment and denoised again, so
        that the first new one follows from them.

        Args:
            history: ``[n, latent]``, at least ``window`` of them, clean.
            text: What they showed.
            seed: Of the noise.
        """
        size = self._size
        generator = torch.Generator().manual_seed(seed)
        step = len(history) * size.steps // size.window
        levels = noise_levels(torch.tensor([step / size.steps]), len(history), size.window, size.schedule)[0, :, None]
        noise = torch.randn(history.shape, generator=generator)
        latents = (1 - levels) * history + levels * noise
        given = committed(step, size.steps, size.window, size.schedule)
        return StreamState(latents, 0, step, [text] * len(history), given, generator.get_state())

    @torch.no_grad()
    def next(self, state: StreamState, text: str, contexts: dict[str, Context]) -> Tensor:
        """``[latent]``: the next one, clean; ``state`` moves on.

        Args:
            state: The stream.
            text: What the latents that become active now shall show.
            contexts: The texts of the stream's latents and the empty one, each as the denoiser has read it.
        """
        while not self.ready(state):
            self.step(state, text, contexts)
        return self.take(state)

    def ready(self, state: StreamState) -> bool:
        """Whether the next latent is clean."""
        return self.steps_left(state) <= 0

    def steps_left(self, state: StreamState) -> int:
        """Steps until the next latent is clean."""
        return (state.given + self._size.window) * self._size.steps // self._size.window - state.step

    def take(self, state: StreamState) -> Tensor:
        """``[latent]``: the next one, which must be clean; ``state`` moves on."""
        latent = state.latents[state.given - state.begin].clone()
        state.given += 1
        self._forget(state)
        return latent

    @torch.no_grad()
    def step(self, state: StreamState, text: str, contexts: dict[str, Context]) -> None:
        """One step of the solver; see :meth:`next`. Texts of latents that are not given yet may change in between."""
        size, guidance = self._size, self._guidance
        first, end = active(state.step, size.steps, size.window, size.schedule, size.rounding)
        self._extend(state, end, text)
        begin = max(state.begin, end - guidance.history)
        if guidance.mixed_history is not None and len({*state.texts[begin - state.begin : end - state.begin]}) > 1:
            begin = max(begin, end - guidance.mixed_history)
        seen = slice(begin - state.begin, end - state.begin)
        levels = noise_levels(torch.tensor([state.step / size.steps]), end, size.window, size.schedule)[:, begin:]
        velocity = self._velocity(state.latents[seen], levels, state.texts[seen], contexts)
        window = slice(max(first, begin) - state.begin, end - state.begin)
        state.latents[window] += velocity[max(first, begin) - begin :] / size.steps
        state.step += 1

    def _velocity(self, latents: Tensor, levels: Tensor, texts: list[str], contexts: dict[str, Context]) -> Tensor:
        """``[T, latent]``, guided by the text; both passes in one batch."""
        names = list(dict.fromkeys(texts))
        guided = self._guidance.scale != 1.0
        context = joined([contexts[name] for name in names])
        lengths = [contexts[name].keys[0].shape[2] for name in names]
        owner = torch.repeat_interleave(torch.arange(len(names)), torch.tensor(lengths))
        mask = torch.tensor([names.index(text) for text in texts])[:, None] == owner
        if not guided:
            return self._denoiser(latents[None], levels, context, mask[None])[0]
        empty = contexts[""]
        context, masks = paired(context, mask, empty)
        both = self._denoiser(latents.expand(2, -1, -1), levels.expand(2, -1), context, masks)
        return self._guidance.scale * both[0] - (self._guidance.scale - 1) * both[1]

    def _extend(self, state: StreamState, end: int, text: str) -> None:
        """Pure noise and a text for latents that become active."""
        missing = end - state.begin - len(state.latents)
        if missing > 0:
            generator = torch.Generator()
            generator.set_state(state.noise)
            noise = torch.randn(missing, state.latents.shape[1], generator=generator)
            state.latents = torch.cat((state.latents, noise))
            state.noise = generator.get_state()
        state.texts += [text] * (end - state.begin - len(state.texts))

    def _forget(self, state: StreamState) -> None:
        """Drop latents that the denoiser cannot see any more."""
        old = len(state.latents) - self._guidance.history - self._size.window
        old = min(old, state.given - state.begin)
        if old > 0:
            state.latents, state.texts = state.latents[old:], state.texts[old:]
            state.begin += old


def joined(contexts: list[Context]) -> Context:
    """Texts one after another."""
    blocks = range(len(contexts[0].keys))
    keys = [torch.cat([context.keys[block] for context in contexts], 2) for block in blocks]
    return Context(keys, [torch.cat([context.values[block] for context in contexts], 2) for block in blocks])


def paired(context: Context, mask: Tensor, empty: Context) -> tuple[Context, Tensor]:
    """Texts and the empty text as a batch of two, and what each latent sees of them: ``[2, T, S]``."""
    both = joined([context, empty])
    with_text, without = mask.shape[1], empty.keys[0].shape[2]
    latents = mask.shape[0]
    texts = torch.cat((mask, mask.new_zeros(latents, without)), 1)
    nothing = torch.cat((mask.new_zeros(latents, with_text), mask.new_ones(latents, without)), 1)
    keys = [key.expand(2, -1, -1, -1) for key in both.keys]
    return Context(keys, [value.expand(2, -1, -1, -1) for value in both.values]), torch.stack((texts, nothing))
