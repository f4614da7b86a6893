"""The generator: the next chunk of motion as bits, scale by scale, from style, earlier motion and two voices.

Source: UniLS (arXiv 2512.09327), audio-free and audio-driven generators, and their released code. Without voices it
learns what a face does by itself; then the two attentions to voices are added, and the rest is tuned by low-rank
updates only.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from mio.nn.rotary import Turn, turn_at
from nodes.face.models import bits as coding
from nodes.face.models.attention import CrossAttention, Seen, SelfAttention
from nodes.face.models.guess import Guess, drawn, guided
from nodes.face.models.sizes import CodecSize, FaceSize, GeneratorSize

_EPS = 1e-6
_DROP_PATH = 0.1 / 24  # per layer, times the number of layers
_APART = 0.5  # SD of the logits by which patterns differ before anything is learned


class Voices(NamedTuple):
    """Features of the voices during a chunk and ``audio_before`` frames before it.

    Attributes:
        own: ``[B, N, audio_width]`` of the avatar's own.
        other: ``[B, N, audio_width]`` of the user's.
    """

    own: Tensor
    other: Tensor


class Conditions(NamedTuple):
    """What a chunk follows from.

    Attributes:
        style: ``[B, style_chunks * frames, bits]`` as :meth:`MotionCodec.condition` gives it.
        previous: ``[B, previous_chunks * frames, bits]``, likewise.
        voices: Both voices; None for the stage without them.
    """

    style: Tensor
    previous: Tensor
    voices: Voices | None


Read = list[list[Seen]]
"""Per block keys and values of each voice."""


class DropPath(nn.Module):
    """Leaves a residual branch out in some rows of a training batch (Huang et al. 2016)."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self._share = share

    def forward(self, x: Tensor) -> Tensor:
        """``[B, ...]``, the same shape."""
        if not self.training or self._share == 0.0:
            return x
        kept = x.new_empty(len(x), *(1 for _ in x.shape[1:])).bernoulli_(1 - self._share)
        return x * kept / (1 - self._share)


class Block(nn.Module):
    """Attention to the sequence, to the own voice and to the other, then a feed-forward layer."""

    def __init__(self, size: GeneratorSize, drop: float) -> None:
        super().__init__()
        width = size.width
        self.drop = DropPath(drop)
        self.attention = SelfAttention(width, size.heads, _EPS)
        voices = 0 if size.audio_width == 0 else 1 if size.shared_audio else 2
        self.voices = nn.ModuleList(CrossAttention(width, size.audio_width, size.heads, _EPS) for _ in range(voices))
        self.feedforward = nn.Sequential(
            nn.LayerNorm(width, _EPS),
            nn.Linear(width, 4 * width),
            nn.GELU(approximate="tanh"),
            nn.Linear(4 * width, width),
        )

    def read(self, tracks: list[Tensor], turn: Turn) -> list[Seen]:
        """Keys and values of the voices ``[B, N, audio_width]`` at ``N`` places."""
        attentions = [attention for attention in self.voices if isinstance(attention, CrossAttention)]
        return [attention.read(track, turn) for attention, track in zip(attentions, tracks, strict=True)]

    def forward(
        self,
        x: Tensor,
        turn: Turn,
        mask: Tensor | None,
        read: list[Seen],
        past: Seen | None = None,
        rows: int | None = None,
    ) -> tuple[Tensor, Seen]:
        """``[B, T, width]``, the last ``rows`` of it, and what has been seen; ``read`` as :meth:`read` gave it."""
        attended, seen = self.attention.extended(x, turn, mask, past, rows)
        first = x.shape[1] - attended.shape[1]
        x, turn = x[:, first:] + self.drop(attended), turn.since(first)
        for attention, voice in zip(self.voices, read, strict=True):
            x = x + self.drop(attention(x, turn, voice))
        return x + self.drop(self.feedforward(x)), seen


class Generator(nn.Module):
    """Bits of a chunk, level by level."""

    _mask: Tensor
    _cosine: Tensor
    _sine: Tensor
    _levels: Tensor

    def __init__(self, size: FaceSize) -> None:
        super().__init__()
        self.size, self.codec_size = size.generator, size.codec
        own, codec = size.generator, size.codec
        width = own.width
        self._channels = width // own.heads
        self.embed = nn.Linear(codec.bits, width)
        self.start = _small(1, 1, width)
        self.level = nn.Embedding(len(codec.scales), width)
        nn.init.trunc_normal_(self.level.weight, std=(1 / width / 3) ** 0.5)
        self.style_mark, self.previous_mark = _small(1, 1, width), _small(1, 1, width)
        marks = 2 if own.audio_width else 0
        self.voice_marks = nn.ParameterList(_small(1, 1, own.audio_width) for _ in range(marks))
        drops = torch.linspace(0, _DROP_PATH * own.layers, own.layers).tolist()
        self.blocks = nn.ModuleList(Block(own, drop) for drop in drops)
        self.norm, self.exit = nn.LayerNorm(width), nn.Linear(width, own.patterns * 2 * codec.bits)
        self.patterns = nn.Linear(width, own.patterns) if own.patterns > 1 else None
        if self.patterns is not None:
            nn.init.normal_(self.exit.bias, std=_APART)
        conditions = codec.frames * (own.style_chunks + own.previous_chunks)
        mask, places, levels = layout(codec, conditions)
        self.register_buffer("_mask", mask, persistent=False)
        turn = turn_at(places, self._channels)
        self.register_buffer("_cosine", turn.cosine, persistent=False)
        self.register_buffer("_sine", turn.sine, persistent=False)
        self.register_buffer("_levels", levels, persistent=False)

    def forward(self, shown: Tensor, conditions: Conditions) -> Guess:
        """What it makes of all tokens of a chunk.

        Args:
            shown: ``[B, tokens - first level, bits]`` as :func:`~nodes.face.models.bits.next_inputs` gives it; fewer
                levels give fewer tokens, none those of the first level.
            conditions: What the chunk follows from.
        """
        read = self.read(conditions.voices)
        return self._guess(shown, self._conditions(conditions), read)

    def read(self, voices: Voices | None) -> Read:
        """Per block keys and values of the voices, the same for all levels of a chunk."""
        if voices is None:
            return [[] for _ in self.blocks]
        before = self.size.audio_before
        begin = len(self._cosine) - self.codec_size.tokens - before
        count = voices.own.shape[1]
        frames = torch.arange(count, device=voices.own.device) * (before + self.codec_size.frames) // count
        turn = turn_at(frames + begin, self._channels)
        tracks = [track + mark for track, mark in zip(voices, self.voice_marks, strict=True)]
        if self.size.shared_audio:
            tracks = [tracks[0] + tracks[1]]
        return [block.read(tracks, turn) for block in self.blocks if isinstance(block, Block)]

    @torch.no_grad()
    def generate(
        self,
        conditions: Conditions,
        *,
        guidance: float = 1.5,
        temperature: float = 1.0,
        top_p: float = 0.97,
        lots: Sequence[Tensor] | None = None,
    ) -> Tensor:
        """``[B, tokens, bits]`` of the next chunk.

        Args:
            conditions: What it follows from. For guidance, as many rows must be given behind the others in which some
                of it is nothing (zero motion, zero features).
            guidance: Away from those rows; 1 for none, then they are not given.
            temperature: Of the choice.
            top_p: A bit less likely than ``1 - top_p`` is never chosen.
            lots: Per level ``[B, its tokens, patterns + bits]`` what decides, as :func:`~nodes.face.models.guess.drawn`
                takes it; None for :meth:`tossed`.
        """
        read = self.read(conditions.voices)
        before = self._conditions(conditions)
        rows = len(before) // (2 if guidance > 1.0 else 1)
        lots = self.tossed(rows) if lots is None else lots
        chosen: list[Tensor] = []
        seen: Sequence[Seen | None] = [None] * len(self.blocks)
        begin, end = 0, before.shape[1]
        for level, scale in enumerate(self.codec_size.scales):
            x = self._shown(chosen, level).expand(len(before), -1, -1)
            x, end = x if begin else torch.cat((before, x), 1), end + scale
            here = Turn(self._cosine[begin:end], self._sine[begin:end])
            mask = self._mask[begin:end, :end] if not begin else None
            x, seen = self._extend(x, here, mask, read, seen, scale)
            begin = end
            guess = guided(self._exit(x), guidance, temperature)
            chosen.append(drawn(guess, top_p, lots[level]).repeat(len(before) // rows, 1, 1))
        return torch.cat(chosen, 1)[:rows]

    def tossed(self, rows: int, generator: torch.Generator | None = None) -> list[Tensor]:
        """Lots of ``rows`` chunks that have nothing to do with each other, as in UniLS."""
        numbers = self.size.patterns + self.codec_size.bits
        return [torch.rand(rows, scale, numbers, generator=generator) for scale in self.codec_size.scales]

    def _shown(self, chosen: list[Tensor], level: int) -> Tensor:
        """``[B, scale, width]`` what a level begins with, after the bits of those before."""
        if not chosen:
            return self.start + self.level.weight[level]
        scales = self.codec_size.scales
        inputs = coding.next_inputs(torch.cat(chosen, 1), scales)[:, -scales[level] :]
        return self.embed(inputs) + self.level.weight[level]

    def _extend(
        self, x: Tensor, turn: Turn, mask: Tensor | None, read: Read, past: Sequence[Seen | None], rows: int
    ) -> tuple[Tensor, list[Seen]]:
        """All blocks over what is new, ``[B, T, width]``, after what was seen before.

        Returns:
            ``[B, rows, width]`` of the last rows, the only ones that the last block works out; and all that has been
            seen.
        """
        seen: list[Seen] = []
        for number, (block, voices, before) in enumerate(zip(self.blocks, read, past, strict=True), 1):
            x, now = block(x, turn, mask, voices, before, rows if number == len(self.blocks) else None)
            seen.append(now)
        return x, seen

    def _exit(self, x: Tensor) -> Guess:
        """What ``[B, T, width]`` says of the bits."""
        x = self.norm(x)
        bits = self.exit(x).unflatten(2, (self.size.patterns, -1, 2))
        return Guess(bits, x.new_zeros(*bits.shape[:3]) if self.patterns is None else self.patterns(x))

    def _conditions(self, conditions: Conditions) -> Tensor:
        style = self.embed(conditions.style) + self.style_mark
        return torch.cat((style, self.embed(conditions.previous) + self.previous_mark), 1)

    def _guess(self, shown: Tensor, before: Tensor, read: Read) -> Guess:
        chunk = torch.cat((self.start.expand(len(shown), -1, -1), self.embed(shown)), 1)
        chunk = chunk + self.level(self._levels[: chunk.shape[1]])
        x = torch.cat((before, chunk), 1)
        length = x.shape[1]
        turn, mask = Turn(self._cosine, self._sine).first(length), self._mask[:length, :length]
        x, _ = self._extend(x, turn, mask, read, [None] * len(self.blocks), chunk.shape[1])
        return self._exit(x)


def layout(codec: CodecSize, conditions: int) -> tuple[Tensor, Tensor, Tensor]:
    """What sees what, and what stands where.

    Args:
        codec: Scales of a chunk.
        conditions: Frames before the chunk.

    Returns:
        ``[L, L]`` mask, true where a row sees a column: conditions see each other, a token sees them and all tokens of
        its own level and of coarser ones; ``[L]`` places in time, where a token of a coarse level stands in the middle
        of its stretch; ``[tokens]`` levels.
    """
    levels = torch.cat([torch.full((scale,), level) for level, scale in enumerate(codec.scales)])
    order = torch.cat((torch.full((conditions,), -1), levels))
    middles = [torch.linspace(0, codec.frames - 1, 2 * scale + 1)[1::2].round().long() for scale in codec.scales]
    places = torch.cat((torch.arange(conditions), conditions + torch.cat(middles)))
    return order[:, None] >= order[None], places, levels


def _small(*shape: int) -> nn.Parameter:
    return nn.Parameter(nn.init.trunc_normal_(torch.zeros(*shape), std=(1 / shape[-1] / 3) ** 0.5))
