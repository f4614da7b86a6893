"""Trains the language model of the voice: what it is told of the past is partly wrong or missing, as when it speaks.

At times a sentence goes on from another one of the same speaker, so that a recording can be the prompt of a voice.
"""

from typing import Literal, NamedTuple

import msgspec
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from mio.training.trainee import AveragedTrainee, cosine_rate
from nodes.talker.models.lm.lm import MANNER, Voice, VoiceLm
from nodes.talker.models.lm.pointer import Pointer, pointer_of
from nodes.talker.models.lm.sizes import LAPTOP, OTHER, LmSize
from nodes.talker.models.lm.text import Phones, phones_of, side_by_side
from nodes.talker.training.labels import Aligned
from nodes.talker.training.tokens import FRAME_STEPS, Manner, Sentence, Tokens, averages

_LAST_RATE = 0.05
_WRONG = 0.1  # share of codes of the past that are drawn anew
_UNTOLD = 0.1  # share of frames of the past that are not told at all
_DEEP = 0.35  # share of frames whose codes are compared: those of neighbours teach nearly the same
_ANYHOW = 0.2  # share of sentences whose manner is not said
_ANYBODY = 0.1  # share of sentences whose speaker is not said
_PROMPTED = 0.2  # share of sentences that go on from another
_ACOUSTIC_WEIGHT = 0.5
_LONGEST = 160  # frames
_NO_STEP = -100


class TtsTraining(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of a run.

    Attributes:
        stage: What is trained.
        size: The network.
        data: Folder that ``--stage tokens`` built.
        voices: Speakers that are to be learned.
        others: Share of the other speakers among what is drawn.
        batch: Sentences per step.
        rate: Highest learning rate, to fall along a cosine.
        warm_up: Steps until it is reached.
        steps: Steps in total.
        ema: What the averaged weights keep of themselves per step.
        mixed: Whether the network is computed in bfloat16, which some processors and GPUs do twice as fast.
        seed: Of everything that is drawn.
    """

    stage: Literal["tts"] = "tts"
    size: LmSize = LAPTOP
    data: str = ""
    voices: tuple[str, ...] = ("kathleen", "kerstin")
    others: float = 0.05
    batch: int = 12
    rate: float = 1e-3
    warm_up: int = 100
    steps: int = 4_000
    ema: float = 0.998
    mixed: bool = False
    seed: int = 1


class Row(NamedTuple):
    """One stretch of speech: ``[T, books]`` codes, phones, the pointer through them, and who says it how."""

    codes: Tensor
    phones: Phones
    pointer: Pointer
    voice: Voice


class Batch(NamedTuple):
    """Rows side by side.

    Attributes:
        codes: ``[B, T, books]``.
        inside: ``[B, T]`` true in frames of a row.
        phones: What is said.
        pointer: ``[B, T + 1]``; advance is -100 where there is nothing to learn.
        voice: Who says it, and how.
    """

    codes: Tensor
    inside: Tensor
    phones: Phones
    pointer: Pointer
    voice: Voice


class TtsTrainee(AveragedTrainee):
    """Learns to speak; see :class:`~mio.training.loop.Trainee`."""

    def __init__(
        self,
        settings: TtsTraining,
        tokens: Tokens,
        aligned: dict[str, Aligned],
        model: VoiceLm | None = None,
        device: str = "cpu",
    ) -> None:
        """Get ready.

        Args:
            settings: Of the run.
            tokens: What is learned from.
            aligned: Phones by utterance.
            model: What to go on from; None for a new one.
            device: Where it is learned.
        """
        torch.manual_seed(settings.seed)
        self.settings, self._device = settings, torch.device(device)
        self._rows = Rows(tokens, aligned, settings.size)
        self._sentences = [s for s in tokens.sentences if s.split == "train" and s.frames <= _LONGEST]
        self._chances = _chances(self._sentences, settings)
        self.model = (VoiceLm(settings.size, tokens.entries) if model is None else model).to(self._device)
        optimizer = torch.optim.AdamW(self.model.parameters(), settings.rate, (0.9, 0.98), weight_decay=0.05)
        rate = cosine_rate(settings.warm_up, settings.steps, _LAST_RATE)
        super().__init__(self.model, optimizer, rate, decay=settings.ema, seed=settings.seed)

    def losses(self) -> dict[str, Tensor]:
        """Of a batch of sentences."""
        chosen = self._rng.choice(len(self._sentences), self.settings.batch, p=self._chances)
        batch = on(side_by_side_rows([self._drawn(self._sentences[k]) for k in chosen]), self._device)
        told = torch.rand(batch.inside.shape, device=self._device) >= _UNTOLD
        deep = batch.inside & (torch.rand(batch.inside.shape, device=self._device) < _DEEP)
        with torch.autocast(self._device.type, torch.bfloat16, self.settings.mixed):
            figures = compared(self.model, batch, self._misheard(batch.codes), told.float(), deep)
        return {**figures, "loss": figures["advance"] + figures["semantic"] + _ACOUSTIC_WEIGHT * figures["acoustic"]}

    def _misheard(self, codes: Tensor) -> Tensor:
        """Codes some of which are others."""
        drawn = torch.randint_like(codes, self.settings.size.entries)
        return torch.where(torch.rand(codes.shape, device=codes.device) < _WRONG, drawn, codes)

    def _drawn(self, sentence: Sentence) -> Row:
        speaker = sentence.speaker if self._rng.random() >= _ANYBODY else OTHER
        manner = sentence.manner if self._rng.random() >= _ANYHOW else None
        prompt = self._prompt(sentence) if self._rng.random() < _PROMPTED else None
        return self._rows.row([*([prompt] if prompt else []), sentence], speaker, manner)

    def _prompt(self, sentence: Sentence) -> Sentence | None:
        """Another sentence of the same speaker at the same speed, if both together are not too long."""
        other = self._sentences[self._rng.choice(len(self._sentences))]
        same = (other.speaker, other.speed) == (sentence.speaker, sentence.speed)
        return other if same and other.frames + sentence.frames <= _LONGEST else None


class Rows:
    """Sentences as the network takes them."""

    def __init__(self, tokens: Tokens, aligned: dict[str, Aligned], size: LmSize) -> None:
        self._tokens, self._aligned, self._size = tokens, aligned, size
        self._averages = averages(tokens.sentences)

    def row(self, sentences: list[Sentence], speaker: str, manner: Manner | None) -> Row:
        """Sentences of one speaker after each other, said by ``speaker`` in a manner; None for any."""
        labels = [label for sentence in sentences for label in self._aligned[sentence.utterance].labels]
        phones = phones_of(
            [label.phone for label in labels],
            [label.stress for label in labels],
            [label.begins_word for label in labels],
            [label.mark for label in labels],
        )
        starts, frames = list[int](), 0
        for sentence in sentences:
            starts.extend(start + frames * FRAME_STEPS for start in sentence.starts)
            frames += sentence.frames
        codes = torch.cat([self._tokens.codes(sentence) for sentence in sentences])
        voice = self._voice(sentences[-1], speaker, manner)
        return Row(codes, phones, pointer_of(starts, FRAME_STEPS, frames), voice)

    def _voice(self, sentence: Sentence, speaker: str, manner: Manner | None) -> Voice:
        size, usual = self._size, self._averages.get(sentence.speaker)
        named = speaker if speaker in size.speakers else OTHER
        told = [0.0] * len(MANNER)
        if manner is not None and usual is not None:
            told = [getattr(manner, name) - getattr(usual, name) for name in MANNER]
        known = float(manner is not None and usual is not None)
        return Voice(
            torch.tensor([size.speakers.index(named)]),
            torch.tensor([size.languages.index(sentence.lang)]),
            torch.tensor([told]),
            torch.tensor([known]),
        )


def compared(model: VoiceLm, batch: Batch, before: Tensor, told: Tensor, deep: Tensor) -> dict[str, Tensor]:
    """Cross entropies of a model.

    Args:
        model: The network.
        batch: What is said.
        before: ``[B, T, books]`` codes as it is told them.
        told: ``[B, T]`` 1 where it is.
        deep: ``[B, T]`` true in frames whose codes are compared.

    Returns:
        ``advance``, ``semantic`` and ``acoustic`` in nats each, the latter two per code.
    """
    known = batch.pointer._replace(advance=batch.pointer.advance.clamp(min=0))
    hidden, seen = model.follow(before, told, batch.phones, known, batch.voice)
    advance = F.cross_entropy(
        model.advance(hidden).flatten(0, 1).float(), batch.pointer.advance.flatten(), ignore_index=_NO_STEP
    )
    frames = model.frame(hidden[:, :-1][deep], seen[:, :-1][deep], known.advance[:, :-1][deep])
    wanted = batch.codes[deep]
    logits = model.depth(frames, wanted[:, :-1], model.books)
    every = F.cross_entropy(logits.float().transpose(1, 2), wanted, reduction="none").mean(0)
    return {"advance": advance, "semantic": every[:2].mean(), "acoustic": every[2:].mean()}


def side_by_side_rows(rows: list[Row]) -> Batch:
    """Rows of different lengths as one batch."""
    longest = max(len(row.codes) for row in rows)
    codes = torch.stack([F.pad(row.codes, (0, 0, 0, longest - len(row.codes))) for row in rows])
    inside = torch.stack([torch.arange(longest) < len(row.codes) for row in rows])
    fillers = (0, 0, _NO_STEP)
    pointer = Pointer(
        *(
            torch.cat([F.pad(column, (0, longest + 1 - column.shape[1]), value=filler) for column in columns])
            for columns, filler in zip(zip(*(row.pointer for row in rows), strict=True), fillers, strict=True)
        )
    )
    voice = Voice(*(torch.cat(columns) for columns in zip(*(row.voice for row in rows), strict=True)))
    return Batch(codes, inside, side_by_side([row.phones for row in rows]), pointer, voice)


def on(batch: Batch, device: torch.device) -> Batch:
    """A batch on a device."""
    return Batch(
        batch.codes.to(device),
        batch.inside.to(device),
        Phones(*(column.to(device) for column in batch.phones)),
        Pointer(*(column.to(device) for column in batch.pointer)),
        Voice(*(column.to(device) for column in batch.voice)),
    )


@torch.no_grad()
def judged(
    model: VoiceLm, tokens: Tokens, aligned: dict[str, Aligned], voices: tuple[str, ...], split: str
) -> dict[str, float]:
    """Cross entropies over the sentences of a split that the wanted voices say; see :func:`compared`."""
    rows = Rows(tokens, aligned, model.size)
    sums: dict[str, float] = {}
    sentences = [s for s in tokens.sentences if s.split == split and s.speaker in voices]
    for sentence in sentences:
        batch = side_by_side_rows([rows.row([sentence], sentence.speaker, sentence.manner)])
        figures = compared(model, batch, batch.codes, torch.ones_like(batch.inside, dtype=torch.float32), batch.inside)
        for name, value in figures.items():
            sums[name] = sums.get(name, 0.0) + float(value) / len(sentences)
    return sums


def _chances(sentences: list[Sentence], settings: TtsTraining) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """How likely each sentence is drawn."""
    mine = np.array([sentence.speaker in settings.voices for sentence in sentences])
    share = settings.others if mine.any() and not mine.all() else float(not mine.any())
    return np.where(mine, (1 - share) / max(1, mine.sum()), share / max(1, (~mine).sum()))
