"""Speaking with the language model: frame after frame, from phones, or on from a recording of a voice.

Sampling: a temperature for each kind of code, and a nucleus. Semantic codes are drawn more strictly than acoustic ones:
with 0.8 and 0.6 seven times as many words of validation sentences are misheard. A pointer that stays too long on a
phone is moved on.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from nodes.talker.models.codec.sizes import SEMANTIC_BOOKS
from nodes.talker.models.lm.attention import Memory
from nodes.talker.models.lm.lm import LmState, Voice
from nodes.talker.models.lm.pointer import Pointer, slots
from nodes.talker.models.lm.sizes import MOST_ADVANCE, SLOTS
from nodes.talker.models.lm.steps import LmSteps, behind
from nodes.talker.models.lm.text import Phones

Codes = npt.NDArray[np.int16]
Floats = npt.NDArray[np.float32]


class Sampling(NamedTuple):
    """How codes are drawn.

    Attributes:
        semantic: Temperature of the semantic codes.
        acoustic: Temperature of the acoustic codes.
        advance: Temperature of the pointer.
        nucleus: Share of the probability that is drawn from.
        longest: Frames that a phone lasts at most; pauses twice that.
    """

    semantic: float = 0.3
    acoustic: float = 0.5
    advance: float = 0.3
    nucleus: float = 0.9
    longest: int = 6


class Prompt(NamedTuple):
    """A recording of the voice to go on with.

    Attributes:
        codes: ``[T, books]`` int64.
        phones: What is said in it; what is to be said follows.
        pointer: One row of ``T``, in step with those phones; its last frame ends in the last of them.
    """

    codes: Tensor
    phones: Phones
    pointer: Pointer


class Frame(NamedTuple):
    """80 ms of speech.

    Attributes:
        codes: ``[books]``.
        place: Number of the phone that sounds at its end, a prompt's not counted.
        advance: Phones that began in it.
    """

    codes: Codes
    place: int
    advance: int


class Speaking:
    """One stretch of speech in the making; all of its state is here."""

    @torch.inference_mode()
    def __init__(
        self,
        steps: LmSteps,
        phones: Phones,
        voice: Voice,
        seed: int,
        sampling: Sampling = Sampling(),  # noqa: B008 - a tuple of constants
        prompt: Prompt | None = None,
    ) -> None:
        """Begin.

        Args:
            steps: The model.
            phones: One row, what is to be said.
            voice: One row, who says it.
            seed: Of everything that is drawn.
            sampling: How.
            prompt: A recording that this goes on with; it is not spoken again.
        """
        self._steps, self._sampling = steps, sampling
        self._rng = np.random.default_rng(seed)
        self._condition = steps.lm.condition(voice)[0]
        self._before: list[int] | None = None
        self._place = self._age = self._first = self._frames = 0
        phones = phones if prompt is None else _joined(prompt.phones, phones)
        encoded = steps.lm.text(phones, voice.language)
        self._rings = steps.rings([] if prompt is None else self._hear(prompt, encoded), self._frames)
        self._encoded = behind(encoded)
        self._quiet = (phones.phone[0] == 0).tolist()
        self._count = len(self._quiet)

    @torch.inference_mode()
    def frame(self) -> Frame | None:
        """The next 80 ms; None behind the last phone."""
        if self._place >= self._count:
            return None
        steps, seen = self._steps, self._encoded[self._place : self._place + SLOTS]
        entered = steps.enter(self._before) + self._condition
        hidden = steps.hidden(entered, seen, self._age, self._rings, self._frames)
        self._frames += 1
        advance = self._advance(steps.lm.advance(hidden)[0].numpy())
        self._place += advance
        if self._place >= self._count:
            return None
        self._age = 0 if advance else self._age + 1
        self._before = steps.codes(steps.frame(hidden, seen, advance), self._choose)
        return Frame(np.array(self._before, np.int16), self._place - self._first, advance)

    def _hear(self, prompt: Prompt, encoded: Tensor) -> list[Memory]:
        """Listen to a prompt whose phones are the first ones; what is to be said begins in the frame behind it."""
        lm, count = self._steps.lm, len(prompt.codes)
        told = torch.cat((torch.zeros_like(prompt.codes[:1]), prompt.codes[:-1]))[None]
        heard = torch.ones(1, count)
        heard[0, 0] = 0
        seen = slots(encoded, prompt.pointer.place)
        _, state = lm(lm.enter(told, heard) + self._condition, seen, prompt.pointer.age, LmState([], 0))
        self._before, self._frames = prompt.codes[-1].tolist(), count
        self._first = prompt.phones.phone.shape[1]
        self._place = self._first - 1
        self._age = 0 if int(prompt.pointer.advance[0, -1]) else int(prompt.pointer.age[0, -1]) + 1
        return state.memories

    def _advance(self, logits: Floats) -> int:
        """How many phones begin now: at least one where the last was long, and none is passed over at the end."""
        left = max(1, self._count - 1 - self._place)
        limit = self._sampling.longest * (2 if self._quiet[self._place] else 1)
        logits = logits.copy()
        logits[min(left, MOST_ADVANCE) + 1 :] = -np.inf
        if self._age + 1 >= limit or self._place < self._first:
            logits[0] = -np.inf
        return self._draw(logits, self._sampling.advance, 1.0)

    def _choose(self, book: int, logits: Tensor) -> int:
        """A code."""
        heat = self._sampling.semantic if book < SEMANTIC_BOOKS else self._sampling.acoustic
        return self._draw(logits.numpy(), heat, self._sampling.nucleus)

    def _draw(self, logits: Floats, heat: float, nucleus: float) -> int:
        """Drawn from ``[n]`` logits; the most likely one at no heat."""
        if heat <= 0:
            return int(logits.argmax())
        chances = np.exp((logits - logits.max()) / heat)
        order = np.argsort(-chances)
        sums = np.cumsum(chances[order], dtype=np.float64)
        kept = min(int(np.searchsorted(sums, nucleus * sums[-1], "right")), len(sums) - 1)
        return int(order[np.searchsorted(sums[:kept], self._rng.random() * sums[kept], "right")])


def _joined(first: Phones, second: Phones) -> Phones:
    """One row of phones after another."""
    return Phones(*(torch.cat(columns, 1) for columns in zip(first, second, strict=True)))
