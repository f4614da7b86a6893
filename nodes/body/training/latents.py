"""The motion that the denoiser learns from, as latents with texts: made once by an autoencoder, kept in a file."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from mio.errors import ConfigError
from mio.sentences.encoder import SentenceEncoder
from nodes.body.models.causal_vae import CausalVae
from nodes.body.training.corpus import LONGEST_FRAMES, Corpus
from nodes.body.training.sequences import Frames, LatentSequence, Part, cut, draw_joined, encoded, single
from nodes.body.training.vae import normalise_latents

_PARTS = 4
_JOINED_SHARE = 0.6
_MADE_TIMES = 5
_RESTS_TIMES = 3


class LatentSet(NamedTuple):
    """What the denoiser learns from.

    Attributes:
        sequences: Latents with their texts.
        tokens: ``[S, text]`` of every caption and of the empty text.
    """

    sequences: list[LatentSequence]
    tokens: dict[str, Tensor]


def compose(corpus: Corpus, seed: int) -> list[Frames]:
    """Sequences to learn from: single clips, clips joined with each other and with rests, and made motion.

    Made motion comes five times as often as its length says, and every other clip of the joined sequences is a rest or
    a gesture, since a conversation consists of these.
    """
    singles = [cut(single(clip), LONGEST_FRAMES) for clip in corpus.captured]
    pool = corpus.captured + corpus.rests() * _RESTS_TIMES + corpus.gestures() * _RESTS_TIMES
    count = round(_JOINED_SHARE * len(singles))
    return singles + draw_joined(pool, count, _PARTS, LONGEST_FRAMES, seed) + corpus.made * _MADE_TIMES


def build_latents(model: CausalVae, frames: Sequence[Frames], encoder: SentenceEncoder, longest_text: int) -> LatentSet:
    """Encode sequences and read their texts; the model's latents are normalised to mean 0 and deviation 1.

    Args:
        model: Changed so that its latents are normal.
        frames: Motion; the same object several times is encoded once.
        encoder: Reads texts.
        longest_text: Tokens that are kept of a text.
    """
    model.eval()
    unique = {id(sequence): sequence for sequence in frames}
    latents = {key: encoded(model, sequence) for key, sequence in unique.items()}
    every = torch.cat([sequence.latents for sequence in latents.values() if sequence is not None])
    mean, std = every.mean(0), every.std(0)
    normalise_latents(model, mean, std)
    normal = {
        key: LatentSequence((sequence.latents - mean) / std, sequence.parts)
        for key, sequence in latents.items()
        if sequence is not None
    }
    sequences = [normal[id(sequence)] for sequence in frames if id(sequence) in normal]
    texts = sorted({caption for sequence in sequences for part in sequence.parts for caption in part.captions} | {""})
    return LatentSet(sequences, read_texts(encoder, texts, longest_text))


def read_texts(encoder: SentenceEncoder, texts: Sequence[str], longest: int) -> dict[str, Tensor]:
    """``[S, text]`` tokens of each text, at most ``longest``."""
    states = encoder.read(texts)
    return {text: torch.from_numpy(seen.states[:longest].copy()) for text, seen in zip(texts, states, strict=True)}


def write_latents(path: Path, latents: LatentSet) -> None:
    """Keep a set in a file; repeated sequences are stored once."""
    unique = list({id(sequence): sequence for sequence in latents.sequences}.values())
    number = {id(sequence): k for k, sequence in enumerate(unique)}
    about = {"parts": [sequence.parts for sequence in unique], "texts": list(latents.tokens)}
    unfinished = path.with_suffix(".part.npz")
    np.savez(
        unfinished,
        latents=torch.cat([sequence.latents for sequence in unique]).numpy(),
        offsets=np.cumsum([0, *(len(sequence.latents) for sequence in unique)]),
        order=np.array([number[id(sequence)] for sequence in latents.sequences]),
        tokens=torch.cat(list(latents.tokens.values())).numpy(),
        token_offsets=np.cumsum([0, *(len(tokens) for tokens in latents.tokens.values())]),
        about=json.dumps(about),
    )
    unfinished.replace(path)


def read_latents(path: Path) -> LatentSet:
    """Read what :func:`write_latents` wrote.

    Raises:
        ConfigError: If it is missing or damaged.
    """
    try:
        with np.load(path) as stored:
            values: Mapping[str, np.ndarray] = dict(stored)
        about = json.loads(str(values["about"]))
    except (OSError, ValueError, KeyError) as error:
        raise ConfigError(f"{path}: {error}", "make the latents first: mio train body --stage latents") from error
    pieces = [torch.from_numpy(piece) for piece in np.split(values["latents"], values["offsets"][1:-1])]
    parts = [tuple(Part(tuple(captions), int(end)) for captions, end in said) for said in about["parts"]]
    unique = [LatentSequence(piece, said) for piece, said in zip(pieces, parts, strict=True)]
    tokens = np.split(values["tokens"], values["token_offsets"][1:-1])
    read = {text: torch.from_numpy(states) for text, states in zip(about["texts"], tokens, strict=True)}
    return LatentSet([unique[number] for number in values["order"]], read)
