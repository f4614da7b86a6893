"""A judge of captioned motion: text and motion as points near each other when they belong together.

Contrastive training on the train split (Radford et al. 2021; for motion Guo et al. 2022), with features of at most 64
dimensions, because covariances of a few hundred clips are to be compared. It is only as good as its R-precision on real
motion, which must be reported first.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from mio.sentences.encoder import SentenceEncoder
from nodes.body.motion.features import DIM
from nodes.body.training.motion_set import Clip, statistics

WIDTH = 48
FRAMES = 160
_HIDDEN = 96
_TEXT = 384
_STEPS = 1500
_BATCH = 96
_RATE = 1e-3
_TEMPERATURE = 0.07
_DROPOUT = 0.2
_LABELS = slice(259, 263)  # contacts, which decoders blur

Vectors = npt.NDArray[np.float32]


class MotionEvaluator(nn.Module):
    """Both encoders.

    Attributes:
        mean: ``[263]`` of the training set.
        std: ``[263]`` of the training set.
    """

    mean: Tensor
    std: Tensor

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for inputs in (DIM, _HIDDEN, _HIDDEN):
            layers += [nn.Conv1d(inputs, _HIDDEN, 5, 2, 2), nn.GELU(), nn.Dropout(_DROPOUT)]
        self.motion = nn.Sequential(*layers)
        self.pooled = nn.Sequential(nn.Linear(2 * _HIDDEN, _HIDDEN), nn.GELU(), nn.Linear(_HIDDEN, WIDTH))
        self.text = nn.Sequential(nn.Linear(_TEXT, _HIDDEN), nn.GELU(), nn.Dropout(_DROPOUT), nn.Linear(_HIDDEN, WIDTH))
        self.register_buffer("mean", torch.zeros(DIM))
        self.register_buffer("std", torch.ones(DIM))

    def of_motion(self, frames: Tensor, lengths: Tensor) -> Tensor:
        """``[B, WIDTH]`` of ``[B, T, 263]`` frames, of which ``[B]`` count: their mean and their maximum over time."""
        x = ((frames - self.mean) / self.std).clone()
        x[..., _LABELS] = 0.0
        counts = torch.arange(frames.shape[1])[None] < lengths[:, None]
        y = self.motion((x * counts[..., None]).transpose(1, 2))
        seen = counts[:, :: frames.shape[1] // y.shape[2]][:, None, : y.shape[2]]
        mean = (y * seen).sum(2) / seen.sum(2).clamp(min=1)
        return self.pooled(torch.cat((mean, y.masked_fill(~seen, -1e4).amax(2)), 1))

    def of_text(self, vectors: Tensor) -> Tensor:
        """``[B, WIDTH]`` of ``[B, 384]`` sentence vectors."""
        return self.text(vectors)


@torch.no_grad()
def embed_motion(model: MotionEvaluator, motions: Sequence[Vectors]) -> Vectors:
    """``[n, WIDTH]`` of motions ``[T, 263]``."""
    model.eval()
    return torch.cat([model.of_motion(*_padded([motion])) for motion in motions]).numpy()


@torch.no_grad()
def embed_text(model: MotionEvaluator, encoder: SentenceEncoder, texts: Sequence[str]) -> Vectors:
    """``[n, WIDTH]`` of texts."""
    model.eval()
    return model.of_text(torch.from_numpy(encoder.embed(texts))).numpy()


def trained_evaluator(clips: Sequence[Clip], encoder: SentenceEncoder, file: Path, seed: int) -> MotionEvaluator:
    """Train the judge, or read it where it was kept."""
    model = MotionEvaluator()
    if file.is_file():
        model.load_state_dict(load_file(file))
        return model.eval()
    torch.manual_seed(seed)
    model = MotionEvaluator()
    mean, std = statistics(list(clips))
    model.mean.copy_(torch.from_numpy(mean))
    model.std.copy_(torch.from_numpy(std))
    _train(model, clips, encoder, np.random.default_rng(seed))
    file.parent.mkdir(parents=True, exist_ok=True)
    save_file(model.state_dict(), file)
    return model.eval()


def _train(model: MotionEvaluator, clips: Sequence[Clip], encoder: SentenceEncoder, rng: np.random.Generator) -> None:
    """Symmetric cross entropy over a batch; motions with the same captions count as right, too."""
    texts = sorted({caption for clip in clips for caption in clip.captions})
    vectors = dict(zip(texts, encoder.embed(texts), strict=True))
    optimizer = torch.optim.AdamW(model.parameters(), _RATE, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, _STEPS)
    model.train()
    for _ in range(_STEPS):
        chosen = [clips[number] for number in rng.integers(len(clips), size=_BATCH)]
        frames, lengths = _padded([_stretch(clip.features, rng) for clip in chosen])
        said = np.stack([vectors[clip.captions[rng.integers(len(clip.captions))]] for clip in chosen])
        motion = F.normalize(model.of_motion(frames, lengths), dim=1)
        text = F.normalize(model.of_text(torch.from_numpy(said)), dim=1)
        same = torch.tensor([[one.captions == other.captions for other in chosen] for one in chosen]).float()
        target = same / same.sum(1, keepdim=True)
        likeness = motion @ text.T / _TEMPERATURE
        loss = F.cross_entropy(likeness, target) + F.cross_entropy(likeness.T, target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()


def _stretch(features: Vectors, rng: np.random.Generator) -> Vectors:
    """At most ``FRAMES`` of it, at a random place; sometimes less, so that length is no hint."""
    length = min(len(features), FRAMES)
    length = int(rng.integers(max(20, length // 2), length + 1)) if length > 20 else length
    begin = int(rng.integers(len(features) - length + 1))
    return features[begin : begin + length]


def _padded(motions: Sequence[Vectors]) -> tuple[Tensor, Tensor]:
    longest = -(-max(len(motion) for motion in motions) // 8) * 8
    frames = np.zeros((len(motions), longest, DIM), np.float32)
    for row, motion in enumerate(motions):
        frames[row, : len(motion)] = motion
    return torch.from_numpy(frames), torch.tensor([len(motion) for motion in motions])
