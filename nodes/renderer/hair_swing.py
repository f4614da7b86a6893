"""The hair's tips lag behind the head and swing back: a damped spring that turns."""

import numpy as np
import numpy.typing as npt

from mio.rotation import Array, rotvec

_FREQUENCY_HZ = 1.7  # of a free swing; a pendulum of 9 cm
_DAMPING = 0.38  # of critical
_LARGEST_RAD = 0.22
_STEP_S = 1 / 120
_LONGEST_S = 0.25  # after a longer pause the hair hangs still


class HairSwing:
    """Lag of the tips behind the head.

    The spring's state is the head's former rotation and, both in the world, lag and its rate as axis-angle vectors.
    """

    def __init__(self) -> None:
        self._head: Array | None = None
        self._lag = np.zeros(3)
        self._rate = np.zeros(3)

    def follow(self, head: npt.NDArray[np.floating], elapsed_s: float) -> Array:
        """Move on.

        Args:
            head: ``[3, 3]`` the head's rotation in the world.
            elapsed_s: Since the last call.

        Returns:
            ``[3]`` axis-angle of the tips relative to the head, in the head's frame.
        """
        turn = np.asarray(head, np.float64)
        if self._head is None or elapsed_s > _LONGEST_S:
            self._lag, self._rate = np.zeros(3), np.zeros(3)
        else:
            self._lag -= _rotvec(turn @ self._head.T)
            steps = max(1, round(elapsed_s / _STEP_S))
            dt = elapsed_s / steps
            omega = 2 * np.pi * _FREQUENCY_HZ
            for _ in range(steps):
                self._rate -= (omega**2 * self._lag + 2 * _DAMPING * omega * self._rate) * dt
                self._lag += self._rate * dt
        self._head = turn
        size = float(np.linalg.norm(self._lag))
        if size > _LARGEST_RAD:
            self._lag *= _LARGEST_RAD / size
        return turn.T @ self._lag

    def export(self) -> dict[str, npt.NDArray[np.float64]]:
        """Plain values that :meth:`restore` takes."""
        head = np.zeros((0, 3)) if self._head is None else self._head.copy()
        return {"head": head, "lag": self._lag.copy(), "rate": self._rate.copy()}

    def restore(self, state: dict[str, npt.NDArray[np.float64]]) -> None:
        """Take over exported values."""
        head = np.array(state["head"], np.float64)
        self._head = head if head.shape == (3, 3) else None
        self._lag, self._rate = np.array(state["lag"], np.float64), np.array(state["rate"], np.float64)


def _rotvec(matrix: Array) -> Array:
    """Axis-angle of a rotation of much less than half a turn."""
    axis = np.array([matrix[2, 1] - matrix[1, 2], matrix[0, 2] - matrix[2, 0], matrix[1, 0] - matrix[0, 1]])
    quaternion = np.concatenate([[1 + np.trace(matrix)], axis])
    size = np.linalg.norm(quaternion)
    return rotvec(quaternion / size) if size > 1e-9 else np.zeros(3)
