"""Channels that move smoothly: chains of minimum-jerk movements, each from whatever the one before was doing.

A movement is the quintic that takes position, velocity and acceleration at its start to rest at its target, which is
the trajectory of least jerk between these ends (Flash and Hogan 1985; from a moving start Hoff and Arbib 1993). A
movement may start before its predecessor has ended, which makes a via-point, and a chain may be cut and continued at
any time: position, velocity and acceleration are continuous in every case.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from mio.rotation import Array

_SHORTEST_S = 0.1


@dataclass
class Movement:
    """One movement of all channels of a track.

    Attributes:
        start_s: When it begins.
        duration_s: How long it takes.
        coefficients: ``[6, D]`` of the polynomial in the elapsed share of the duration, lowest power first.
    """

    start_s: float
    duration_s: float
    coefficients: Array

    @classmethod
    def between(
        cls, start_s: float, duration_s: float, begin: tuple[Array, Array, Array], target: Sequence[float] | Array
    ) -> "Movement":
        """A movement to rest at a target.

        Args:
            start_s: When it begins.
            duration_s: How long it takes.
            begin: ``[D]`` value, velocity and acceleration (per second) at its start.
            target: ``[D]`` where it ends.
        """
        place, first, second = begin[0], begin[1] * duration_s, 0.5 * begin[2] * duration_s**2
        way = np.asarray(target, np.float64) - place
        rest = (
            10.0 * way - 6.0 * first - 3.0 * second,
            -15.0 * way + 8.0 * first + 3.0 * second,
            6.0 * way - 3.0 * first - second,
        )
        return cls(start_s, duration_s, np.stack((place, first, second, *rest)))

    @property
    def end_s(self) -> float:
        """When it has arrived."""
        return self.start_s + self.duration_s

    @property
    def target(self) -> Array:
        """``[D]`` where it ends."""
        return self.coefficients.sum(0)

    def sample(self, times_s: Array) -> Array:
        """``[T, D]`` values at ``[T]`` times; constant before the start and after the end."""
        share = np.clip((times_s - self.start_s) / self.duration_s, 0.0, 1.0)
        return np.power.outer(share, np.arange(6)) @ self.coefficients

    def derivatives(self, at_s: float) -> tuple[Array, Array, Array]:
        """``[D]`` value, velocity and acceleration (per second) at a time."""
        share = (at_s - self.start_s) / self.duration_s
        if share <= 0.0 or share >= 1.0:
            still = np.zeros(self.coefficients.shape[1])
            return self.sample(np.array([at_s]))[0], still, still
        power = share ** np.arange(6)
        first = np.arange(1, 6)[:, None] * self.coefficients[1:]
        second = np.arange(1, 5)[:, None] * first[1:]
        velocity = power[:5] @ first / self.duration_s
        return power @ self.coefficients, velocity, power[:4] @ second / self.duration_s**2


@dataclass
class Track:
    """A chain of movements in the order of their starts; never empty."""

    movements: list[Movement] = field(default_factory=list[Movement])

    @classmethod
    def still(cls, value: Sequence[float] | Array) -> "Track":
        """A track that rests at a value."""
        rest = np.zeros((6, len(value)))
        rest[0] = value
        return cls([Movement(float("-1e9"), 1.0, rest)])

    @property
    def target(self) -> Array:
        """``[D]`` where it finally comes to rest."""
        return self.movements[-1].target

    @property
    def end_s(self) -> float:
        """When it finally comes to rest."""
        return self.movements[-1].end_s

    def move(self, start_s: float, duration_s: float, target: Sequence[float] | Array) -> None:
        """Go to a target from whatever happens at a time; what was planned to begin later is dropped."""
        self.cut(start_s)
        ends = self.movements[-1].derivatives(start_s)
        self.movements.append(Movement.between(start_s, max(duration_s, _SHORTEST_S), ends, target))

    def cut(self, at_s: float) -> None:
        """Drop the movements that begin at a time or later."""
        while len(self.movements) > 1 and self.movements[-1].start_s >= at_s:
            self.movements.pop()

    def forget(self, before_s: float) -> None:
        """Drop movements that nobody will ask for who samples from a time on."""
        while len(self.movements) > 1 and self.movements[1].start_s <= before_s:
            self.movements.pop(0)

    def sample(self, times_s: Array) -> Array:
        """``[T, D]`` values at ``[T]`` times."""
        starts = [movement.start_s for movement in self.movements]
        chosen = np.maximum(np.searchsorted(starts, times_s, "right") - 1, 0)
        first = int(chosen[0])
        if (chosen == first).all():
            return self.movements[first].sample(times_s)
        values = np.empty((len(times_s), self.target.shape[0]))
        for index in np.unique(chosen):
            mask = chosen == index
            values[mask] = self.movements[index].sample(times_s[mask])
        return values
