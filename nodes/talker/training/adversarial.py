"""Trains the decoder alone against discriminators, once its codes are what they are.

Encoder and codebooks stay, so that a language model of the codes can be trained at the same time. Weights of the
losses: DAC (Kumar et al. 2023), 15 of the mel distance, 2 of the features, 1 of being taken for real.
"""

from typing import Any

import torch
from torch import Tensor, nn

from nodes.talker.models.codec.pretrained import PretrainedTeacher
from nodes.talker.models.codec.recogniser import PhoneRecogniser
from nodes.talker.models.codec.sizes import FRAME_SAMPLES
from nodes.talker.models.codec.tokenizer import Tokenizer
from nodes.talker.training.codec import CodecTraining, SoundTrainee, kept_books
from nodes.talker.training.crops import Crops
from nodes.talker.training.discriminators import Judges, deceiving_loss, feature_distance, judging_loss

_MEL_WEIGHT = 15.0
_PITCH_WEIGHT = 1.0
_FEATURES_WEIGHT = 2.0
_BEFORE = 6  # frames that are encoded before a stretch
_LONGEST_GRADIENT = 1.0


class AdversarialTrainee(SoundTrainee):
    """Learns a decoder and its judges; see :class:`~mio.training.loop.Trainee`."""

    def __init__(
        self,
        settings: CodecTraining,
        crops: Crops,
        teacher: PhoneRecogniser | PretrainedTeacher | None,
        model: Tokenizer,
        device: str = "cpu",
    ) -> None:
        """Get ready.

        Args:
            settings: Of the run.
            crops: What is learned from.
            teacher: What the semantic codes say; None if there are none.
            model: Of the stage ``codec``; only its decoder of sound learns.
            device: Where it is learned.
        """
        model.eval().requires_grad_(False)
        model.voice.requires_grad_(True)
        super().__init__(settings, crops, model, device)
        self._teacher = None if teacher is None else teacher.eval().requires_grad_(False).to(self._device)
        self._judges = Judges().to(self._device)
        self._judging = torch.optim.AdamW(self._judges.parameters(), settings.rate, (0.8, 0.99), weight_decay=0.0)
        self._found: dict[str, float] = {}

    def losses(self) -> dict[str, Tensor]:
        """Of the decoder, after the judges have learned from the same batch."""
        frames, real = self._coded()
        made, taught = self._made(frames, real)
        self._learn_to_judge(real, made.detach())
        self._judges.requires_grad_(False)
        judged = self._judges(made)
        with torch.no_grad():
            true = self._judges(real)
        self._judges.requires_grad_(True)
        features, deceived = feature_distance(true, judged), deceiving_loss(judged)
        mel, pitch = self._mel(made, real), self._pitch(made, real)
        loss = _MEL_WEIGHT * mel + _PITCH_WEIGHT * pitch + _FEATURES_WEIGHT * features + deceived
        loss = loss + sum(taught.values())
        return {"loss": loss, "mel": mel, "pitch": pitch, "features": features, "deceived": deceived, **taught}

    def step(self) -> dict[str, float]:
        """Learn from a batch; ``judged`` is the loss of the judges."""
        return {**super().step(), **self._found}

    def state(self) -> dict[str, Any]:
        """Of the judges, too."""
        judges = {"judges": self._judges.state_dict(), "judging": self._judging.state_dict()}
        return {**super().state(), **judges}

    def restore(self, weights: dict[str, Tensor], state: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
        super().restore(weights, state)
        self._judges.load_state_dict(state["judges"])
        self._judging.load_state_dict(state["judging"])

    @torch.no_grad()
    def _coded(self) -> tuple[Tensor, Tensor]:
        """Quantised frames ``[B, width, n]`` as they are inside speech, and the samples that they mean."""
        batch = self.settings.batch
        wave = self._drawn(batch, _BEFORE + self.settings.frames)
        kept = kept_books(batch, self._rng, self.model.size).to(self._device)
        with self._mixed():
            heard = None if self._teacher is None else self._teacher(wave, {}).float()
            coded = self.model.encode(wave, heard, {}, kept)
        return coded.frames[:, :, _BEFORE:], wave[:, :, _BEFORE * FRAME_SAMPLES :]

    def _learn_to_judge(self, real: Tensor, made: Tensor) -> None:
        loss = judging_loss(self._judges(real), self._judges(made))
        self._judging.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self._judges.parameters(), _LONGEST_GRADIENT)
        self._judging.step()
        self._found = {"judged": float(loss.detach())}
