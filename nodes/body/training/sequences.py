"""Motion as latents with a text for each of them: what the denoiser learns from.

Captured clips have one caption each. Sequences of several are made by joining clips: the next one begins in the pose
that the last one ended in, and the difference fades within half a second (inertialisation, Bollo 2018). Features are
relative to where the body is and whither it faces, so clips join without being moved.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from nodes.body.models.causal_vae import FRAMES_PER_LATENT, CausalVae
from nodes.body.motion.features import CONTACTS, DIM
from nodes.body.training.motion_set import Clip, Floats

_FADE_FRAMES = 10
_LEAST_LATENTS = 3
_CANDIDATES = 8


class Part(NamedTuple):
    """A stretch of a sequence under one text.

    Attributes:
        captions: Ways to say it.
        end: One behind its last latent.
    """

    captions: tuple[str, ...]
    end: int


class LatentSequence(NamedTuple):
    """Motion to learn from.

    Attributes:
        latents: ``[n, latent]``.
        parts: Its texts, in order; the last one ends with the latents.
    """

    latents: Tensor
    parts: tuple[Part, ...]


class Batch(NamedTuple):
    """Sequences of different lengths, side by side.

    Attributes:
        latents: ``[B, T, latent]``, zero behind the end of each.
        lengths: ``[B]``.
        tokens: ``[B, S, text]`` tokens of all texts of each, zero behind the end.
        text_mask: ``[B, T, S]``, true where a latent sees a token.
    """

    latents: Tensor
    lengths: Tensor
    tokens: Tensor
    text_mask: Tensor

    def to(self, device: torch.device) -> "Batch":
        """The same on another device."""
        return Batch(*(value.to(device, non_blocking=True) for value in self))


class Frames(NamedTuple):
    """A sequence before it is encoded: ``[n, 263]`` features, and each text with the frame at which it ends."""

    features: Floats
    texts: tuple[tuple[tuple[str, ...], int], ...]


def single(clip: Clip) -> Frames:
    """A clip as a sequence of one part."""
    return Frames(clip.features, ((clip.captions, len(clip.features)),))


def joined(clips: Sequence[Clip]) -> Frames:
    """Clips one after another, each beginning in the pose in which the one before ended."""
    pieces: list[Floats] = []
    texts: list[tuple[tuple[str, ...], int]] = []
    for clip in clips:
        piece = np.array(clip.features)
        if pieces:
            length = min(_FADE_FRAMES, len(piece))
            share = np.linspace(1.0, 0.0, length + 1)[:-1, None]
            fade = share * share * (3 - 2 * share)
            difference = pieces[-1][-1] - piece[0]
            difference[CONTACTS] = 0.0
            piece[:length] += (fade * difference).astype(np.float32)
        pieces.append(piece)
        texts.append((clip.captions, sum(map(len, pieces))))
    return Frames(np.concatenate(pieces), tuple(texts))


def draw_joined(clips: Sequence[Clip], count: int, parts: int, longest_frames: int, seed: int) -> list[Frames]:
    """Random sequences of several clips, each next one the nearest in pose of a few that are drawn.

    Args:
        clips: To choose from.
        count: How many sequences.
        parts: Most clips in one; at least two are tried.
        longest_frames: Longer sequences are cut there.
        seed: Of the choice.
    """
    rng = np.random.default_rng(seed)
    poses = slice(3, DIM - 4)
    sequences: list[Frames] = []
    for _ in range(count):
        chosen = [clips[int(rng.integers(len(clips)))]]
        for _ in range(rng.integers(1, parts)):
            drawn = [clips[number] for number in rng.integers(len(clips), size=_CANDIDATES)]
            last = chosen[-1].features[-1, poses]
            distances = [float(np.abs(clip.features[0, poses] - last).mean()) for clip in drawn]
            chosen.append(drawn[int(np.argmin(distances))])
        sequences.append(cut(joined(chosen), longest_frames))
    return sequences


def cut(frames: Frames, longest: int) -> Frames:
    """At most so many frames of it, from the beginning."""
    if len(frames.features) <= longest:
        return frames
    kept: list[tuple[tuple[str, ...], int]] = []
    for captions, end in frames.texts:
        kept.append((captions, min(end, longest)))
        if end >= longest:
            break
    return Frames(frames.features[:longest], tuple(kept))


@torch.no_grad()
def encoded(model: CausalVae, frames: Frames) -> LatentSequence | None:
    """The sequence as latents; None if it is too short."""
    count = 1 + (len(frames.features) - 1) // FRAMES_PER_LATENT
    if count < _LEAST_LATENTS:
        return None
    whole = 1 + FRAMES_PER_LATENT * (count - 1)
    device = model.mean.device
    latents = model.encode(torch.from_numpy(np.array(frames.features[:whole]))[None].to(device))[0].cpu()
    ends = [min(count, max(1, round(end / FRAMES_PER_LATENT))) for _, end in frames.texts]
    ends[-1] = count
    parts = [Part(captions, end) for (captions, _), end in zip(frames.texts, ends, strict=True)]
    return LatentSequence(latents, tuple(parts))


def excerpt(sequence: LatentSequence, begin: int, end: int) -> LatentSequence:
    """The latents from ``begin`` to before ``end``, with the texts that are active there."""
    parts: list[Part] = []
    for part in sequence.parts:
        if part.end > begin:
            parts.append(Part(part.captions, min(part.end, end) - begin))
        if part.end >= end:
            break
    return LatentSequence(sequence.latents[begin:end], tuple(parts))


def collated(
    sequences: Sequence[LatentSequence],
    tokens: Mapping[str, Tensor],
    rng: np.random.Generator,
    *,
    text_dropout: float,
) -> Batch:
    """A batch of sequences, each part with one of its captions, or the whole of it with none.

    Args:
        sequences: What is learned.
        tokens: ``[S, text]`` of each caption and of the empty text.
        rng: Chooses captions.
        text_dropout: Share of sequences that are shown without text.
    """
    said = [_texts(sequence, rng, text_dropout) for sequence in sequences]
    lengths = torch.tensor([len(sequence.latents) for sequence in sequences])
    longest = int(lengths.max())
    widest = max(sum(len(tokens[text]) for text, _ in texts) for texts in said)
    width = tokens[""].shape[1]
    latents = torch.zeros(len(sequences), longest, sequences[0].latents.shape[1])
    words = torch.zeros(len(sequences), widest, width)
    mask = torch.zeros(len(sequences), longest, widest, dtype=torch.bool)
    for row, (sequence, texts) in enumerate(zip(sequences, said, strict=True)):
        latents[row, : len(sequence.latents)] = sequence.latents
        begin, first = 0, 0
        for text, end in texts:
            token = tokens[text]
            words[row, first : first + len(token)] = token
            mask[row, begin:end, first : first + len(token)] = True
            begin, first = end, first + len(token)
        mask[row, begin:, first - 1] = True  # behind the end, so that no row of the attention is empty
    return Batch(latents, lengths, words, mask)


def _texts(sequence: LatentSequence, rng: np.random.Generator, text_dropout: float) -> list[tuple[str, int]]:
    if rng.random() < text_dropout:
        return [("", len(sequence.latents))]
    return [(part.captions[rng.integers(len(part.captions))], part.end) for part in sequence.parts]
