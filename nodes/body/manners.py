"""How gestures are made: from what is asked for, and from the emotion of what is said."""

from types import MappingProxyType

import numpy as np

from mio.contracts.emotions import Emotion
from nodes.body.accents import TurnSpeech
from nodes.body.gestures.phrase import Manner
from nodes.body.prompts import Request

# Size and tempo of movements: both grow with the arousal of an emotion (Pollick et al. 2001, for arm movements).
_EMOTIONS: MappingProxyType[Emotion, tuple[float, float]] = MappingProxyType(
    {
        "neutral": (0.95, 1.0),
        "happy": (1.12, 1.06),
        "amused": (1.05, 1.04),
        "tender": (0.82, 0.92),
        "curious": (1.0, 1.0),
        "thoughtful": (0.8, 0.9),
        "surprised": (1.18, 1.1),
        "sad": (0.7, 0.85),
        "afraid": (0.8, 1.08),
        "angry": (1.15, 1.15),
        "disgusted": (0.9, 0.95),
    }
)
_SIZE_OF_INTENSITY = (0.8, 0.4)


def manner_of(
    request: Request, turn: TurnSpeech | None, index: int, rng: np.random.Generator, hold_s: float = -1.0
) -> Manner:
    """The manner of a gesture.

    Args:
        request: What is asked for.
        turn: The speech it goes with; None if there is none.
        index: Its clause there; negative for the first.
        rng: Draws variants.
        hold_s: How long its meaning is to stay visible; negative for as long as is usual.
    """
    clause = turn.clauses.get(max(index, 0)) if turn else None
    size, tempo = _EMOTIONS[clause.emotion if clause else "neutral"]
    least, more = _SIZE_OF_INTENSITY
    size *= least + more * (clause.intensity if clause else 0.5)
    return Manner(rng, size * request.size, tempo * request.tempo, request.side, hold_s, request.aim)
