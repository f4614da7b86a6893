"""Stretches of speech, drawn at random."""

import numpy as np
import torch
from torch import Tensor

from nodes.talker.models.codec.sizes import FRAME_SAMPLES
from nodes.talker.training.speech_set import Floats, SpeechSet, Utterance, as_sound


class Crops:
    """Draws stretches of a split, each second of speech as likely as any other of its group."""

    def __init__(self, speech: SpeechSet, split: str, voices: tuple[str, ...] = (), others: float = 0.0) -> None:
        """Get ready.

        Args:
            speech: The set.
            split: ``train``, ``val`` or ``test``.
            voices: Speakers that are to be learned; all if none is named.
            others: Share of the other speakers among what is drawn.
        """
        self._speech = speech
        self._utterances = [u for u in speech.of(split) if others or not voices or u.speaker in voices]
        lengths = np.array([u.samples for u in self._utterances], np.float64)
        mine = np.array([not voices or u.speaker in voices for u in self._utterances])
        share = others if mine.any() and not mine.all() else 0.0
        self._chances = np.where(mine, lengths, 0.0) / max(1.0, lengths[mine].sum()) * (1 - share)
        self._chances += np.where(mine, 0.0, lengths) / max(1.0, lengths[~mine].sum()) * share
        self._chances /= self._chances.sum()

    def draw(self, batch: int, frames: int, rng: np.random.Generator) -> Tensor:
        """``[batch, 1, 1920 frames]``; what is shorter has silence behind it."""
        chosen = rng.choice(len(self._utterances), batch, p=self._chances)
        return torch.from_numpy(
            np.stack([self._cut(self._utterances[k], frames * FRAME_SAMPLES, rng) for k in chosen])[:, None]
        )

    def _cut(self, utterance: Utterance, samples: int, rng: np.random.Generator) -> Floats:
        start = int(rng.integers(max(1, utterance.samples - samples + 1)))
        end = min(utterance.samples, start + samples)
        cut = as_sound(self._speech.samples[utterance.start + start : utterance.start + end])
        return np.pad(cut, (0, samples - len(cut)))
