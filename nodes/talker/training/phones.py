"""Trains the phone recogniser that is the codec's semantic teacher, on the phones that an aligner found.

It hears 40 ms ahead at most, which are inside the codec's frame.
"""

from typing import Literal, NamedTuple

import msgspec
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from mio.training.trainee import AveragedTrainee, cosine_rate
from nodes.talker.models.codec.recogniser import PhoneRecogniser
from nodes.talker.models.codec.sizes import FEATURE_SAMPLES, LAPTOP, CodecSize
from nodes.talker.training.labels import Aligned, Labels
from nodes.talker.training.speech_set import SpeechSet, Utterance

AHEAD = 2
"""Features that the recogniser hears before it answers."""

_LAST_RATE = 0.05
_NO_LABEL = -100


class PhoneTraining(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of a run.

    Attributes:
        stage: What is trained.
        size: The networks.
        data: Folder that ``--stage data`` built.
        batch: Utterances per step.
        rate: Highest learning rate, to fall along a cosine.
        warm_up: Steps until it is reached.
        steps: Steps in total.
        ema: What the averaged weights keep of themselves per step.
        seed: Of everything that is drawn.
    """

    stage: Literal["teacher"]
    size: CodecSize = LAPTOP
    data: str = ""
    batch: int = 8
    rate: float = 2e-3
    warm_up: int = 50
    steps: int = 1_200
    ema: float = 0.99
    seed: int = 1


class Batch(NamedTuple):
    """Utterances side by side.

    Attributes:
        wave: ``[B, 1, 480 T]``.
        utterances: Which.
        features: Of each, without what fills up.
    """

    wave: Tensor
    utterances: list[Utterance]
    features: list[int]


class TeacherTrainee(AveragedTrainee):
    """Learns the phone of every 20 ms; see :class:`~mio.training.loop.Trainee`."""

    def __init__(
        self, settings: PhoneTraining, speech: SpeechSet, aligned: dict[str, Aligned], device: str = "cpu"
    ) -> None:
        """Get ready.

        Args:
            settings: Of the run.
            speech: The set.
            aligned: By utterance; those that could not be aligned are missing.
            device: Where it is learned.
        """
        torch.manual_seed(settings.seed)
        self.settings, self._speech, self._device = settings, speech, torch.device(device)
        self._aligned = aligned
        self._utterances = [u for u in speech.of("train") if u.id in aligned]
        self.model = PhoneRecogniser(settings.size).to(self._device)
        optimizer = torch.optim.AdamW(self.model.parameters(), settings.rate, (0.9, 0.98), weight_decay=0.01)
        rate = cosine_rate(settings.warm_up, settings.steps, _LAST_RATE)
        super().__init__(self.model, optimizer, rate, decay=settings.ema, seed=settings.seed)

    def losses(self) -> dict[str, Tensor]:
        """Of a batch of utterances."""
        chosen = self._rng.choice(len(self._utterances), self.settings.batch, replace=False)
        batch = gathered(self._speech, [self._utterances[k] for k in chosen])
        logits = hear(self.model, batch.wave.to(self._device), AHEAD)
        known = [self._aligned[u.id].per_feature(n) for u, n in zip(batch.utterances, batch.features, strict=True)]
        wanted = padded_labels(known, logits.shape[1]).to(self._device)
        right = (logits.argmax(-1) == wanted)[wanted != _NO_LABEL].float().mean()
        return {"loss": F.cross_entropy(logits.flatten(0, 1), wanted.flatten()), "right": right}


def hear(model: PhoneRecogniser, wave: Tensor, ahead: int) -> Tensor:
    """Logits ``[B, T, phones]`` of ``[B, 1, 480 T]``, each of them heard ``ahead`` features into its future."""
    features = model(F.pad(wave, (0, ahead * FEATURE_SAMPLES)), {})
    return model.recognise(features[:, :, ahead:])


def gathered(speech: SpeechSet, utterances: list[Utterance]) -> Batch:
    """Whole utterances side by side, filled up with silence."""
    counts = [-(-u.samples // FEATURE_SAMPLES) for u in utterances]
    longest = max(counts) * FEATURE_SAMPLES
    waves = np.stack([np.pad(speech.sound(u), (0, longest - u.samples)) for u in utterances])
    return Batch(torch.from_numpy(waves)[:, None], utterances, counts)


def padded_labels(labels: list[Labels], length: int) -> Tensor:
    """``[B, length]`` int64; -100 behind the end."""
    wanted = torch.full((len(labels), length), _NO_LABEL)
    for row, known in enumerate(labels):
        wanted[row, : len(known)] = torch.from_numpy(known.astype(np.int64))
    return wanted


@torch.no_grad()
def recognised(model: PhoneRecogniser, speech: SpeechSet, aligned: dict[str, Aligned], split: str) -> float:
    """Share of the frames of a split whose phone a teacher hears as it was labelled."""
    right, count = 0, 0
    for utterance in speech.of(split):
        if utterance.id in aligned:
            found = hear(model, gathered(speech, [utterance]).wave, AHEAD)[0].argmax(-1).numpy()
            wanted = aligned[utterance.id].per_feature(len(found))
            right, count = right + int((found == wanted).sum()), count + len(wanted)
    return right / max(1, count)
