"""What self-training plays: a brief, the session that two policies make of it, and what it was worth."""

from typing import Literal, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from nodes.thinker.memory.graph import Present

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

Trap = Literal["none", "timeline", "frame"]
"""What a session tries on purpose: to learn what lies ahead in the story, or to make the character leave its role."""


class Brief(NamedTuple):
    """What a session shall be about.

    Attributes:
        topic: In words.
        trap: What it tries on purpose.
        present: The story time at which the character stands, and who it is.
        number: Of the brief, a seed for whatever is drawn for it.
    """

    topic: str
    trap: Trap
    present: Present
    number: int = 0


class Turn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One exchange.

    Attributes:
        user: What the person says.
        reply: What the character answers.
        cues: How the person takes the answer, with times after its beginning, such as ``1.2 s face: frowns``.
    """

    user: str
    reply: str
    cues: tuple[str, ...] = ()


class Session(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A whole conversation.

    Attributes:
        turns: In their order.
    """

    turns: tuple[Turn, ...] = ()

    @property
    def lines(self) -> tuple[str, ...]:
        """What the person says, turn by turn."""
        return tuple(turn.user for turn in self.turns)


class Worth(NamedTuple):
    """What a session was worth to the persona policy.

    Attributes:
        rating: The judge's, of the whole session, -1..1.
        shares: ``[T]`` what each turn contributed to it; they sum to the rating.
        kept: ``[T]`` whether that is known well enough to learn from.
        rules: ``[T]`` rule rewards, -1..1.
        valid: ``[T]`` how fair the person's line was: in the world, answerable, no repeat; 0..1.
    """

    rating: float
    shares: FloatArray
    kept: BoolArray
    rules: FloatArray
    valid: FloatArray
