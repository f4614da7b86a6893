"""Where the generated body stands: on its feet, near its place and facing the user, unless it is asked to go.

The network says how the root moves from frame to frame. Added up that drifts, so while a foot is on the floor the root
follows from that foot; what has been added up is drawn back slowly, and never shown beyond a border that it approaches
softly.
"""

from dataclasses import dataclass, field

import numpy as np

from mio.contracts.rates import BODY_FPS
from mio.rotation import Array, about, from_matrix, matrix, quaternion, rotvec
from nodes.body.flood.footing import Footing, standing
from nodes.body.flood.leg import legs
from nodes.body.flood.smoothing import Smoothing
from nodes.body.motion.features import CONTACTS, RootTrack, decode
from nodes.body.transition import mixed

_NEAR_M, _FAR_M = 0.27, 2.5
_FACING_RAD, _TURNED_RAD = np.radians(25.0), np.pi
_BORDER_S = 1.5  # time constant with which the borders widen and narrow
_BACK_S = 2.5  # time constant with which the body is drawn back to its place
_FREE = 0.5  # of going, from which on nobody is dragged
_WIDE = 0.1  # share of that while it is asked to go
_FLAT = np.array([1.0, 0.0, 1.0])


@dataclass
class Placement:
    """State of the root and the feet.

    Attributes:
        track: The root as the network has it, held by the feet and drawn back.
        going: 0 at its place, 1 free to go, in between on the way.
        standing: ``[2, 3]`` ankles of the last frame, metres; None at the beginning.
        down: Which feet were on the floor.
        smoothing: Of rotations and height.
        footing: The feet as shown.
    """

    track: RootTrack = field(default_factory=RootTrack)
    going: float = 0.0
    standing: Array | None = None
    down: tuple[bool, bool] = (False, False)
    smoothing: Smoothing = field(default_factory=Smoothing)
    footing: Footing = field(default_factory=Footing)

    def place(self, features: Array, before: tuple[Array, Array] | None = None, *, going: bool) -> Array:
        """Frames of the body.

        Args:
            features: ``[n, 263]`` further ones.
            before: ``[n, 69]`` frames that these follow on from, and the ``[n]`` shares that these have in the mixture;
                the feet are held after that.
            going: Whether the body is asked to go somewhere or turn.

        Returns:
            ``[n, 69]`` root in metres and 22 axis-angle rotations.
        """
        frames = np.empty((len(features), 69))
        for number, feature in enumerate(features):
            self.going += (float(going) - self.going) / (_BORDER_S * BODY_FPS)
            self._draw_back()
            motion = decode(feature[None], self.track)
            turns, height = self.smoothing.smooth(quaternion(motion.rotations[0]), float(motion.root[0, 1]))
            local, root = matrix(turns), motion.root[0] * _FLAT + [0.0, height, 0.0]
            root = self._stand(root, local, feature[CONTACTS])
            frame = self._inside(root, local)
            if before is not None:
                frame = mixed(before[0][number : number + 1], frame, before[1][number : number + 1])
            frames[number] = self._on_its_feet(frame[0], feature[CONTACTS])
        return frames

    def _draw_back(self) -> None:
        """Who must not be far away is drawn back feet and all, who is near or may go only when a foot is lifted."""
        share = (1.0 - (1.0 - _WIDE) * self.going) / (_BACK_S * BODY_FPS)
        back = -share * self.track.place
        if self.standing is not None and self.going < _FREE and np.hypot(*self.track.place) > _NEAR_M:
            self.standing[:, (0, 2)] += back
        self.track.place = self.track.place + back
        self.track.yaw = float((self.track.yaw + np.pi) % (2 * np.pi) - np.pi) * (1.0 - share)

    def _stand(self, root: Array, local: Array, contacts: Array) -> Array:
        """The root such that feet on the floor have not moved since the last frame."""
        down = standing(contacts)
        feet = np.stack([leg.ankle for leg in legs(root, local)])
        planted = [side for side in range(2) if down[side] and self.down[side]]
        if self.standing is not None and planted:
            shift = (self.standing[planted] - feet[planted]).mean(0) * _FLAT
            self.track.place = self.track.place + shift[[0, 2]]
            root, feet = root + shift, feet + shift
        self.standing, self.down = feet, down
        return root

    def _inside(self, root: Array, local: Array) -> Array:
        """``[1, 69]``: the frame with its root inside the borders."""
        local = local.copy()
        near, facing = self._border(_NEAR_M, _FAR_M), self._border(_FACING_RAD, _TURNED_RAD)
        yaw = self.track.yaw
        local[0] = matrix(about(1, np.array(facing * np.tanh(yaw / facing) - yaw))) @ local[0]
        away = float(np.hypot(root[0], root[2]))
        if away > 1e-6:
            root = root * _FLAT * (near * np.tanh(away / near) / away) + root * [0.0, 1.0, 0.0]
        return np.concatenate((root, rotvec(from_matrix(local)).reshape(-1)))[None]

    def _on_its_feet(self, frame: Array, contacts: Array) -> Array:
        local = matrix(quaternion(frame[3:].reshape(-1, 3)))
        root, local = self.footing.apply(frame[:3], local, contacts)
        return np.concatenate((root, rotvec(from_matrix(local)).reshape(-1)))

    def _border(self, low: float, high: float) -> float:
        return float(low * (high / low) ** self.going)
