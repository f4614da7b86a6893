"""What the face will do, as a score of movements in stage time: tracks between targets, and pulses.

The score can be asked for any moment, in any order and again, and what lies in its future can be struck out: that is
how frames that have been sent are replaced when the user interrupts or speech comes later than it was planned.
"""

import math
from collections.abc import Sequence

import msgspec
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


def minimum_jerk(share: Array) -> Array:
    """Progress of a movement of least jerk (Flash and Hogan 1985) at a share of its duration, both 0..1."""
    x = np.clip(share, 0.0, 1.0)
    return x * x * x * (10.0 - 15.0 * x + 6.0 * x * x)


class Move(msgspec.Struct):
    """A change of a track by ``delta`` in ``duration_s`` from ``start_s`` on."""

    start_s: float
    duration_s: float
    delta: list[float]


class Track(msgspec.Struct):
    """A vector that moves between targets.

    Movements that overlap add up (Henis and Flash 1995), so that a new target during a movement leaves velocity
    and acceleration continuous.

    Attributes:
        base: Where it was before the first move.
        moves: In the order of their starts.
    """

    base: list[float]
    moves: list[Move] = []

    def aim(self, target: Sequence[float] | Array, start_s: float, duration_s: float) -> None:
        """Go to a target; movements that were to begin later are dropped."""
        self.strike(start_s)
        delta = np.asarray(target, float) - self.target()
        self.moves.append(Move(start_s, max(duration_s, 1e-3), delta.tolist()))

    def target(self) -> Array:
        """``[D]`` where it will come to rest."""
        return np.sum([self.base, *(move.delta for move in self.moves)], axis=0)

    def at(self, times_s: Array) -> Array:
        """``[n, D]`` values at ``[n]`` times."""
        values = np.broadcast_to(np.asarray(self.base, float), (len(times_s), len(self.base)))
        if not self.moves:
            return values
        start = np.array([move.start_s for move in self.moves])
        duration = np.array([move.duration_s for move in self.moves])
        progress = minimum_jerk((times_s[:, None] - start) / duration)
        return values + progress @ np.array([move.delta for move in self.moves])

    def strike(self, from_s: float) -> None:
        """Drop what begins at a time or later."""
        self.moves = [move for move in self.moves if move.start_s < from_s]

    def forget(self, before_s: float) -> None:
        """Fold movements that are over before a time into the base."""
        over = [move for move in self.moves if move.start_s + move.duration_s <= before_s]
        if over:
            self.base = np.sum([self.base, *(move.delta for move in over)], axis=0).tolist()
            self.moves = [move for move in self.moves if move not in over]

    def shift(self, by_s: float) -> None:
        """Move everything in time."""
        for move in self.moves:
            move.start_s += by_s


class Pulse(msgspec.Struct):
    """Something that comes and goes.

    Attributes:
        kind: What moves, such as ``blink``.
        start_s: When it begins.
        rise_s: How long it grows.
        hold_s: How long it stays.
        fall_s: How long it fades.
        amount: Its size.
    """

    kind: str
    start_s: float
    rise_s: float
    hold_s: float
    fall_s: float
    amount: float

    @property
    def end_s(self) -> float:
        """When it is over."""
        return self.start_s + self.rise_s + self.hold_s + self.fall_s


class Pulses(msgspec.Struct):
    """Pulses of all kinds, in the order in which they were entered."""

    entries: list[Pulse] = []

    def add(self, pulse: Pulse) -> None:
        """Enter a pulse."""
        self.entries.append(pulse)

    def at(self, kind: str, times_s: Array) -> Array:
        """``[n]`` sum of the pulses of a kind at ``[n]`` times."""
        return np.asarray(self._curves(kind, times_s).sum(0))

    def highest(self, kind: str, times_s: Array) -> Array:
        """``[n]`` the largest of the pulses of a kind at ``[n]`` times."""
        return np.asarray(self._curves(kind, times_s).max(0, initial=0.0))

    def strike(self, from_s: float, kinds: Sequence[str] = ()) -> None:
        """Drop what begins at a time or later, of some kinds or of all."""
        self.entries = [p for p in self.entries if p.start_s < from_s or (kinds and p.kind not in kinds)]

    def forget(self, before_s: float) -> None:
        """Drop what is over before a time."""
        self.entries = [pulse for pulse in self.entries if pulse.end_s > before_s]

    def shift(self, by_s: float) -> None:
        """Move everything in time."""
        for pulse in self.entries:
            pulse.start_s += by_s

    def _curves(self, kind: str, times_s: Array) -> Array:
        """``[P, n]`` each pulse of a kind."""
        curves = np.zeros((0, len(times_s)))
        found = [pulse for pulse in self.entries if pulse.kind == kind]
        if not found:
            return curves
        start, rise, hold, fall, amount = np.array(
            [(p.start_s, p.rise_s, p.hold_s, p.fall_s, p.amount) for p in found]
        ).T[:, :, None]
        growing = minimum_jerk((times_s - start) / rise)
        fading = minimum_jerk((times_s - start - rise - hold) / fall)
        return amount * (growing - fading)


class Drift:
    """Small motion that never stops: smooth noise whose power falls with frequency, from 0.1 to 1.6 Hz.

    A function of the seed and of time alone: each octave interpolates random values on a grid (value noise).

    Args:
        channels: How many.
        seed: Of the random values.
    """

    _OCTAVES_HZ = (0.11, 0.23, 0.47, 0.83, 1.57)
    _LENGTH = 1024

    def __init__(self, channels: int, seed: int) -> None:
        generator = np.random.default_rng([seed, 0xD21F7])
        gains = np.array([(self._OCTAVES_HZ[0] / octave) ** _FALL for octave in self._OCTAVES_HZ])
        values = generator.standard_normal((len(gains), self._LENGTH, channels))
        smoothing = 1.0 / math.sqrt(_VARIANCE_KEPT * float((gains**2).sum()))
        self._values = values * gains[:, None, None] * smoothing

    def at(self, times_s: Array) -> Array:
        """``[n, channels]`` values of unit variance at ``[n]`` times."""
        total = np.zeros((len(times_s), self._values.shape[2]))
        for octave, values in zip(self._OCTAVES_HZ, self._values, strict=True):
            place = times_s * octave
            whole = np.floor(place).astype(int)
            share = minimum_jerk(place - whole)[:, None]
            total += values[whole % self._LENGTH] * (1.0 - share) + values[(whole + 1) % self._LENGTH] * share
        return total


_FALL = 0.5  # of amplitude with frequency
# Mean over a cell of (1 - s)^2 + s^2 with s the minimum-jerk progress: what interpolation leaves of the variance.
_VARIANCE_KEPT = 0.7836
