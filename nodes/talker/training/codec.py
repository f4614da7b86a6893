"""Trains the codec, first without quantisers, then with them.

``sound``: the acoustic encoder and the decoder alone, noise instead of quantisers between them, so that codebooks are
begun on vectors that mean something. ``codec``: all of it, with the semantic teacher frozen.
"""

from typing import Literal

import msgspec
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from mio.training.trainee import AveragedTrainee, cosine_rate
from nodes.talker.models.codec.pretrained import PretrainedTeacher
from nodes.talker.models.codec.recogniser import PhoneRecogniser
from nodes.talker.models.codec.sizes import ACOUSTIC_BOOKS, FRAME_SAMPLES, LAPTOP, SEMANTIC_BOOKS, CodecSize
from nodes.talker.models.codec.tokenizer import TEACHER_RATE, Coded, Tokenizer
from nodes.talker.training.crops import Crops
from nodes.talker.training.losses import MelDistance, PitchDistance, pitch_distance, pitch_labels

_LAST_RATE = 0.1
_TAUGHT_WEIGHTS = {"said_st": 0.1, "voiced": 0.1}
"""Small, since gradients of the whole are cut to a usual length: with 1 for each, the sound learns nothing."""
_NOISE = 0.3  # of the frames' standard deviation: about what quantisers will lose
_PITCH_WEIGHT = 0.2
_MEANING_WEIGHT = 1.0
_COMMITMENT_WEIGHT = 0.25  # MUFFIN
_MEANING_ALONE = 0.2  # share of rows whose acoustic codes are dropped altogether
_FEWER = 0.2  # share of rows that keep some of their acoustic codes only
_HEARD_BEFORE = 6  # frames that the teacher hears before a stretch
_BEGIN_BATCHES = 40  # that codebooks begin with


class CodecTraining(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of a run.

    Attributes:
        stage: What is trained.
        size: The networks.
        data: Folder that ``--stage data`` built.
        voices: Speakers that are to be learned, empty for all.
        others: Share of the other speakers among what is drawn.
        batch: Stretches per step.
        frames: Of 80 ms per stretch.
        rate: Highest learning rate, to fall to a tenth along a cosine by ``steps``.
        warm_up: Steps until it is reached.
        steps: Steps in total.
        ema: What the averaged weights keep of themselves per step.
        mixed: Whether networks are computed in bfloat16, which some processors and GPUs do twice as fast; quantisers
            and losses are not.
        seed: Of everything that is drawn.
    """

    stage: Literal["sound", "codec", "adversarial"]
    size: CodecSize = LAPTOP
    data: str = ""
    voices: tuple[str, ...] = ("kathleen", "kerstin")
    others: float = 0.05
    batch: int = 8
    frames: int = 14
    rate: float = 8e-4
    warm_up: int = 50
    steps: int = 1_500
    ema: float = 0.99
    mixed: bool = False
    seed: int = 1


class SoundTrainee(AveragedTrainee):
    """Learns encoder and decoder; see :class:`~mio.training.loop.Trainee`."""

    def __init__(
        self, settings: CodecTraining, crops: Crops, model: Tokenizer | None = None, device: str = "cpu"
    ) -> None:
        """Get ready.

        Args:
            settings: Of the run.
            crops: What is learned from.
            model: What to go on from; None for a new one.
            device: Where it is learned.
        """
        torch.manual_seed(settings.seed)
        self.settings, self._crops, self._device = settings, crops, torch.device(device)
        self.model = (Tokenizer(settings.size) if model is None else model).to(self._device)
        self._mel, self._pitch = MelDistance().to(self._device), PitchDistance().to(self._device)
        learning = [parameter for parameter in self.model.parameters() if parameter.requires_grad]
        optimizer = torch.optim.AdamW(learning, settings.rate, (0.8, 0.99), weight_decay=0.0)
        rate = cosine_rate(settings.warm_up, settings.steps, _LAST_RATE)
        super().__init__(self.model, optimizer, rate, decay=settings.ema, seed=settings.seed)

    def losses(self) -> dict[str, Tensor]:
        """Of a batch of stretches."""
        wave = self._drawn(self.settings.batch, self.settings.frames)
        with self._mixed():
            frames = self.model.acoustic(wave, {}).float()
        noise = _NOISE * frames.detach().std() * torch.randn_like(frames)
        return self._spoken(frames + noise, wave)

    def _drawn(self, batch: int, frames: int) -> Tensor:
        """``[batch, 1, 1920 frames]``."""
        return self._crops.draw(batch, frames, self._rng).to(self._device)

    def _spoken(self, frames: Tensor, real: Tensor) -> dict[str, Tensor]:
        """Losses of what the decoder makes of frames."""
        made, taught = self._made(frames, real)
        compared = self._compared(made, real)
        loss = compared["loss"] + sum(_TAUGHT_WEIGHTS[name] * value for name, value in taught.items())
        return {**compared, **taught, "loss": loss}

    def _made(self, frames: Tensor, real: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """Speech of frames and the real pitch; where the decoder says a pitch, also how far off that is."""
        wanted = None if self.model.voice.source is None else pitch_labels(real)
        with self._mixed():
            made, said = self.model.voice.whole(frames, None if wanted is None else wanted.octaves)
        return made, {} if said is None or wanted is None else pitch_distance(said, wanted)

    def _mixed(self) -> torch.autocast:
        return torch.autocast(self._device.type, torch.bfloat16, self.settings.mixed)

    def _compared(self, made: Tensor, real: Tensor) -> dict[str, Tensor]:
        """Losses of decoded speech."""
        mel, pitch = self._mel(made, real), self._pitch(made, real)
        return {"loss": mel + _PITCH_WEIGHT * pitch, "mel": mel, "pitch": pitch}


class CodecTrainee(SoundTrainee):
    """Learns encoder, codebooks and decoders under a frozen teacher."""

    def __init__(
        self,
        settings: CodecTraining,
        crops: Crops,
        teacher: PhoneRecogniser | PretrainedTeacher | None,
        model: Tokenizer | None = None,
        device: str = "cpu",
    ) -> None:
        """Get ready.

        Args:
            settings: Of the run.
            crops: What is learned from.
            teacher: What the semantic codes are to say; None if there are none.
            model: What to go on from; None for a new one.
            device: Where it is learned.
        """
        super().__init__(settings, crops, model, device)
        self._teacher = None if teacher is None else teacher.eval().requires_grad_(False).to(self._device)

    def losses(self) -> dict[str, Tensor]:
        """Of a batch of stretches."""
        if not self.model.begun:
            self._begin()
        wave, heard = self._heard(self.settings.batch)
        kept = kept_books(self.settings.batch, self._rng, self.settings.size).to(self._device)
        with self._mixed():
            coded = self.model.encode(wave, heard, {}, kept)
        compared = self._spoken(coded.frames, wave)
        loss = compared["loss"] + _COMMITMENT_WEIGHT * coded.commitment
        used = torch.tensor(self.model.sound_books.used())
        shown = {**compared, "commitment": coded.commitment, "used": used}
        if self._teacher is None or heard is None:
            return {**shown, "loss": loss}
        meaning = self._meaning(self._teacher, coded, heard)
        return {**shown, **meaning, "loss": loss + _MEANING_WEIGHT * meaning["meaning"]}

    def _heard(self, batch: int) -> tuple[Tensor, Tensor | None]:
        """Stretches, and what the teacher hears in them."""
        wave = self._drawn(batch, _HEARD_BEFORE + self.settings.frames)
        after = wave[:, :, _HEARD_BEFORE * FRAME_SAMPLES :]
        if self._teacher is None:
            return after, None
        with torch.no_grad(), self._mixed():
            heard = self._teacher(wave, {}).float()
        return after, heard[:, :, _HEARD_BEFORE * TEACHER_RATE :]

    def _begin(self) -> None:
        drawn = [self._heard(self.settings.batch) for _ in range(_BEGIN_BATCHES)]
        heard = [features for _, features in drawn if features is not None]
        self.model.begin_books(torch.cat([wave for wave, _ in drawn]), torch.cat(heard) if heard else None)

    def _meaning(self, teacher: PhoneRecogniser | PretrainedTeacher, coded: Coded, heard: Tensor) -> dict[str, Tensor]:
        """Distance of the teacher's features, and share of the phones that a recogniser still hears in them."""
        with self._mixed():
            made = self.model.meaning(coded.frames, {}).float()
        distance = 1 - F.cosine_similarity(made, heard, 1).mean() + (made - heard).abs().mean()
        if isinstance(teacher, PretrainedTeacher):
            return {"meaning": distance}
        with torch.no_grad():
            said, wanted = (teacher.recognise(features).argmax(-1) for features in (made, heard))
        return {"meaning": distance, "phones": (said == wanted).float().mean()}


def kept_books(batch: int, rng: np.random.Generator, size: CodecSize) -> Tensor:
    """``[batch]`` acoustic codebooks that count: all, a few, or none at all.

    Without a semantic branch as many of all codebooks: the first two always count.
    """
    drawn = rng.random(batch)
    kept = np.full(batch, ACOUSTIC_BOOKS)
    few = drawn < _MEANING_ALONE + _FEWER
    kept[few] = rng.integers(1, ACOUSTIC_BOOKS, batch)[few]
    kept[drawn < _MEANING_ALONE] = 0
    return torch.from_numpy(kept if size.semantic else kept + SEMANTIC_BOOKS)
