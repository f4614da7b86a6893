"""Trains what judges voices by words: an acoustic model of phones, learned from recordings of people only.

It shares nothing with the codec's phone recogniser but the labels: it hears a sentence in both directions, as mel bands
below 8 kHz with their mean and deviation over the sentence taken away, and tells the two halves of each phone apart. In
training, sentences are spoken faster and slower, by longer and shorter throats, and with parts missing, since what is
judged are other voices. Source of the architecture: Peddinti et al. 2015 (time delays); of what is missing: Park et al.
2019 (SpecAugment); of the throats: Jaitly & Hinton 2013.
"""

from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt
import soxr
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mio.contracts.rates import MICROPHONE_HZ, SPEECH_HZ
from mio.nn.mel import log_mel, mel_filters
from mio.training.trainee import AveragedTrainee, cosine_rate, read_averaged
from nodes.talker.training.labels import Aligned
from nodes.talker.training.speech_set import NUMBERS, Floats, SpeechSet, Utterance

Classes = npt.NDArray[np.int64]

HALVES = 2
"""Classes per phone; silence has the first one only."""

FEATURE_HZ = 100
CLASS_HZ = 50

_BANDS, _WINDOW, _HOP = 40, 400, 160  # samples at 16 kHz
_KERNEL, _STRIDE, _BEFORE = 6, 2, 2  # an output is in the middle of its two features
_DILATIONS = (1, 2, 4, 4, 4, 4)
_LAST_RATE = 0.05
_NO_LABEL = -100
_STRETCH, _WARP = 0.15, 0.1  # at most, of the time between features and of the bands
_MASKS, _MASKED_BANDS, _MASKED_FEATURES = 2, 6, 12  # at most
_WRONG = 0.05  # label smoothing


class JudgeTraining(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of a run.

    Attributes:
        stage: What is trained.
        data: Folder that ``--stage data`` built.
        width: Channels.
        dropout: Share of the channels that are left out.
        batch: Stretches per step.
        seconds: Of a stretch.
        rate: Highest learning rate, to fall along a cosine.
        warm_up: Steps until it is reached.
        steps: Steps in total.
        ema: What the averaged weights keep of themselves per step.
        mixed: Whether the network is computed in bfloat16.
        seed: Of everything that is drawn.
    """

    stage: Literal["judge"]
    data: str = ""
    width: int = 192
    dropout: float = 0.1
    batch: int = 16
    seconds: float = 3.0
    rate: float = 2e-3
    warm_up: int = 50
    steps: int = 1_500
    ema: float = 0.99
    mixed: bool = False
    seed: int = 1


class Batch(NamedTuple):
    """Stretches of sentences: ``[B, bands, 2 n]`` features and ``[B, n]`` classes, -100 behind the end."""

    features: Tensor
    classes: Tensor


class _Block(nn.Module):
    """Hears further to both sides."""

    def __init__(self, width: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.wide = nn.Conv1d(width, width, 3, dilation=dilation, padding=dilation)
        self.narrow = nn.Conv1d(width, width, 1)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """``[B, width, n]`` to the same."""
        y = self.wide(self.norm(x.transpose(1, 2)).transpose(1, 2))
        return x + self.dropout(self.narrow(F.relu(y)))


class AcousticModel(nn.Module):
    """Features of a sentence to classes, 50 per second.

    Attributes:
        log_prior: ``[classes]`` how often each is spoken, natural logarithm.
    """

    log_prior: Tensor

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        classes = len(NUMBERS) * HALVES
        self.entry = nn.Conv1d(_BANDS, width, _KERNEL, stride=_STRIDE, padding=_BEFORE)
        self.blocks = nn.Sequential(*(_Block(width, dilation, dropout) for dilation in _DILATIONS))
        self.norm = nn.LayerNorm(width)
        self.exit = nn.Linear(width, classes)
        self.register_buffer("log_prior", torch.zeros(classes))

    def forward(self, features: Tensor) -> Tensor:
        """Logits ``[B, n, classes]`` of ``[B, bands, 2 n]``."""
        x = self.blocks(self.entry(features))
        return self.exit(self.norm(x.transpose(1, 2)))

    @torch.inference_mode()
    def likelihoods(self, sound: Floats) -> Floats:
        """``[n, classes]`` of ``[m]`` samples at 24 kHz: log density of each 20 ms, up to a constant."""
        features = mel_features(sound)
        even = np.pad(features, ((0, -len(features) % _STRIDE), (0, 0)), mode="edge")
        logits = self(torch.from_numpy(even).T[None])[0]
        return (F.log_softmax(logits, -1) - self.log_prior).numpy()


class JudgeTrainee(AveragedTrainee):
    """Learns the class of every 20 ms; see :class:`~mio.training.loop.Trainee`."""

    def __init__(
        self, settings: JudgeTraining, speech: SpeechSet, aligned: dict[str, Aligned], device: str = "cpu"
    ) -> None:
        """Get ready.

        Args:
            settings: Of the run.
            speech: The set; all speakers of its split ``train`` are learned from.
            aligned: By utterance; those that could not be aligned are missing.
            device: Where it is learned.
        """
        torch.manual_seed(settings.seed)
        self.settings, self._speech, self._device = settings, speech, torch.device(device)
        self._utterances = [u for u in speech.of("train") if u.id in aligned]
        self._classes = {u.id: classes_of(aligned[u.id]) for u in self._utterances}
        self._features: dict[str, Floats] = {}
        lengths = np.array([u.samples for u in self._utterances], np.float64)
        self._chances = lengths / lengths.sum()
        self.model = AcousticModel(settings.width, settings.dropout).to(self._device)
        self.model.log_prior.copy_(torch.from_numpy(_log_prior(list(self._classes.values()))))
        optimizer = torch.optim.AdamW(self.model.parameters(), settings.rate, (0.9, 0.98), weight_decay=0.02)
        rate = cosine_rate(settings.warm_up, settings.steps, _LAST_RATE)
        super().__init__(self.model, optimizer, rate, decay=settings.ema, seed=settings.seed)

    def losses(self) -> dict[str, Tensor]:
        """Of a batch of stretches."""
        batch = self._drawn()
        wanted = batch.classes.to(self._device)
        with torch.autocast(self._device.type, torch.bfloat16, self.settings.mixed):
            logits = self.model(batch.features.to(self._device))
        logits = logits.float()
        right = (logits.argmax(-1) == wanted)[wanted != _NO_LABEL].float().mean()
        return {"loss": F.cross_entropy(logits.flatten(0, 1), wanted.flatten(), label_smoothing=_WRONG), "right": right}

    def _drawn(self) -> Batch:
        count = round(self.settings.seconds * CLASS_HZ)
        chosen = self._rng.choice(len(self._utterances), self.settings.batch, p=self._chances)
        stretches = [self._stretch(self._utterances[k], count) for k in chosen]
        features = np.stack([features for features, _ in stretches]).transpose(0, 2, 1)
        return Batch(
            torch.from_numpy(np.ascontiguousarray(features)), torch.from_numpy(np.stack([c for _, c in stretches]))
        )

    def _stretch(self, utterance: Utterance, count: int) -> tuple[Floats, Classes]:
        if utterance.id not in self._features:
            self._features[utterance.id] = mel_features(self._speech.sound(utterance))
        features, classes = stretched(self._features[utterance.id], self._classes[utterance.id], count, self._rng)
        return self._masked(features), classes

    def _masked(self, features: Floats) -> Floats:
        for _ in range(_MASKS):
            bands, length = self._rng.integers(_MASKED_BANDS + 1), self._rng.integers(_MASKED_FEATURES + 1)
            band, start = self._rng.integers(_BANDS - bands), self._rng.integers(len(features) - length)
            features[:, band : band + bands] = 0.0
            features[start : start + length] = 0.0
        return features


def stretched(features: Floats, classes: Classes, count: int, rng: np.random.Generator) -> tuple[Floats, Classes]:
    """A stretch of a sentence as somebody else might have said it.

    Args:
        features: ``[n, bands]`` of the sentence.
        classes: ``[n]``, or some fewer.
        count: How long.
        rng: Draws where it begins, its pace, and the throat.

    Returns:
        ``[2 count, bands]`` features, zero behind the sentence's end, and ``[count]`` classes, -100 there.
    """
    pace = 1 + rng.uniform(-_STRETCH, _STRETCH)
    start = rng.uniform(0, max(1.0, len(features) - _STRIDE * count * pace))
    at = np.asarray(start + pace * np.arange(_STRIDE * count), np.float64)
    warped = np.asarray(_between(features, at) @ warp(1 + rng.uniform(-_WARP, _WARP)), np.float32)
    middles = np.round(at[::_STRIDE] + pace / 2).astype(int)
    wanted = np.where(middles < len(classes), classes[np.minimum(middles, len(classes) - 1)], _NO_LABEL)
    warped[at >= len(features)] = 0.0
    return warped, wanted


def mel_features(sound: Floats) -> Floats:
    """``[n, bands]``, 100 per second, of ``[m]`` samples at 24 kHz, each band with zero mean and unit deviation."""
    narrow = np.asarray(soxr.resample(sound, SPEECH_HZ, MICROPHONE_HZ), np.float32)
    count = max(1, len(sound) * FEATURE_HZ // SPEECH_HZ)
    margin = (_WINDOW - _HOP) // 2
    wave = torch.from_numpy(np.pad(narrow, (margin, max(0, count * _HOP + margin - len(narrow)))))
    shape, filters = _tables()
    magnitude = torch.fft.rfft(wave.unfold(0, _WINDOW, _HOP)[:count] * shape, 512).abs()
    mel = log_mel(magnitude, filters)
    return ((mel - mel.mean(0)) / (mel.std(0, correction=0) + 0.1)).numpy()


def classes_of(aligned: Aligned) -> Classes:
    """``[n]`` class of every 10 ms: two per phone, its first and its second half; pauses have one."""
    starts = [label.start for label in aligned.labels]
    ends = [*starts[1:], aligned.steps]
    classes = np.zeros(aligned.steps, np.int64)
    for label, start, end in zip(aligned.labels, starts, ends, strict=True):
        classes[start:end] = label.phone * HALVES
        if label.phone:
            classes[(start + end + 1) // 2 : end] += 1
    return classes


def warp(factor: float) -> Floats:
    """``[bands, bands]`` that moves what is in a band to the one with ``factor`` times its number."""
    at = np.clip(np.arange(_BANDS) / factor, 0, _BANDS - 1)
    return _between(np.eye(_BANDS, dtype=np.float32), at).T


def trained_judge(folder: Path) -> AcousticModel:
    """The averaged model of a run.

    Raises:
        MioError: If there is no such run, or no checkpoint yet.
    """
    settings, weights = read_averaged(folder, JudgeTraining)
    model = AcousticModel(settings.width, settings.dropout)
    model.load_state_dict(weights)
    return model.eval().requires_grad_(False)


def classes_heard(model: AcousticModel, speech: SpeechSet, aligned: dict[str, Aligned], split: str) -> dict[str, float]:
    """Share of the 20 ms of a split that are heard as they were labelled, by speaker."""
    right: dict[str, list[float]] = {}
    for utterance in speech.of(split):
        if utterance.id in aligned:
            found = (model.likelihoods(speech.sound(utterance)) + model.log_prior.numpy()).argmax(-1)
            wanted = classes_of(aligned[utterance.id])[1 :: FEATURE_HZ // CLASS_HZ]
            shorter = min(len(found), len(wanted))
            right.setdefault(utterance.speaker, []).append(float(np.mean(found[:shorter] == wanted[:shorter])))
    return {speaker: float(np.mean(shares)) for speaker, shares in right.items()}


def _between(values: Floats, at: npt.NDArray[np.float64]) -> Floats:
    """``[n, D]`` of ``[m, D]`` at places between its rows, the last one repeated."""
    at = np.minimum(at, len(values) - 1)
    low = np.floor(at).astype(np.int64)
    high = np.minimum(low + 1, len(values) - 1)
    share = (at - low)[:, None].astype(np.float32)
    return np.asarray(values[low] * (1 - share) + values[high] * share, np.float32)


def _log_prior(classes: list[Classes]) -> Floats:
    counts = np.bincount(np.concatenate(classes), minlength=len(NUMBERS) * HALVES).astype(np.float64)
    return np.log((counts + 1) / (counts + 1).sum()).astype(np.float32)


@cache
def _tables() -> tuple[Tensor, Tensor]:
    return torch.hann_window(_WINDOW) * 2 / (_WINDOW / 2), mel_filters(_BANDS, 512, MICROPHONE_HZ)
