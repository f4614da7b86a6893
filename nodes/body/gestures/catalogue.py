"""The gestures by name."""

from collections.abc import Callable
from types import MappingProxyType

from mio.contracts.emotions import Gesture
from nodes.body.gestures import emblems, head, speech
from nodes.body.gestures.phrase import Manner, Phrase

_WRITERS: MappingProxyType[Gesture, Callable[[Manner], Phrase]] = MappingProxyType(
    {
        "beat": speech.beat,
        "explain": speech.explain,
        "point": speech.point,
        "greet": emblems.greet,
        "shrug": emblems.shrug,
        "think": emblems.think,
        "bow": emblems.bow,
        "nod": head.nod,
        "no": head.no,
        "listen": head.listen,
    }
)


def build(gesture: Gesture, manner: Manner) -> Phrase | None:
    """A phrase for a gesture, in one of its variants; None for ``none``."""
    write = _WRITERS.get(gesture)
    return write(manner) if write else None
