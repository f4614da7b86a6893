"""What a voice makes of a clause, and what every voice is."""

from collections.abc import Iterator
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from mio.contracts.messages import Reply

FloatArray = npt.NDArray[np.float32]


class SpokenPhone(NamedTuple):
    """A phone of ``mio.contracts.phones``, its stress, and its start in seconds since the clause's first sample."""

    symbol: str
    stress: int
    start_s: float


class SpokenWord(NamedTuple):
    """A word as written, its place in the clause's text, and its span in seconds since the clause's first sample."""

    text: str
    first_char: int
    start_s: float
    end_s: float


class Piece(NamedTuple):
    """A stretch of a clause's sound, with the phones and words that are known with it.

    Attributes:
        samples: ``[n]`` float32 in -1..1, 24 kHz, following the piece before.
        phones: Phones in order.
        words: Words in order.
    """

    samples: FloatArray
    phones: list[SpokenPhone]
    words: list[SpokenWord]


class ClauseVoice(Protocol):
    """A voice: it turns clauses into pieces of sound, piece by piece."""

    def speak(self, clause: Reply) -> Iterator[Piece | None]:
        """Speak a clause, with the pause after it; None between pieces where a step would become long.

        The same clause always gives the same pieces.
        """
        ...
