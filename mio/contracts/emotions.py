"""The emotions and gestures that travel between nodes."""

from typing import Literal, get_args

Emotion = Literal[
    "neutral",
    "happy",
    "amused",
    "tender",
    "curious",
    "thoughtful",
    "surprised",
    "sad",
    "afraid",
    "angry",
    "disgusted",
]
EMOTIONS: tuple[str, ...] = get_args(Emotion)

Gesture = Literal[
    "none",
    "beat",
    "greet",
    "explain",
    "point",
    "shrug",
    "nod",
    "think",
    "no",
    "bow",
    "listen",
]
GESTURES: tuple[str, ...] = get_args(Gesture)
