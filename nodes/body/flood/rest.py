"""Whether the body has come to rest: it stands upright with its hands down, and hardly moves.

Motion from text has no end of its own; that it was something made once is seen from the body coming back to rest.
"""

from dataclasses import dataclass

import numpy as np

from mio.contracts.rates import BODY_FPS
from mio.contracts.skeleton import JOINT_INDEX
from mio.rotation import Array
from nodes.body.motion.kinematics import COUNT, Motion, positions

_WRISTS = [JOINT_INDEX["left_wrist"], JOINT_INDEX["right_wrist"]]
_LOW_M = 0.12  # of wrists over the pelvis
_STANDING_M = 0.85  # height of the pelvis
_UPRIGHT_M = 0.12  # of the neck ahead of or beside the pelvis
_CALM_M_S, _LIVELY_M_S = 0.3, 0.45  # of the fastest joint
_REST_FRAMES, _BACK_FRAMES = round(0.4 * BODY_FPS), round(0.2 * BODY_FPS)


@dataclass
class Rest:
    """What has been seen of the body.

    Attributes:
        last: ``[22, 3]`` joints of the last frame, metres; None at the beginning.
        moved: Whether it has left its rest since :meth:`begin`.
        frames: For how long it has been at rest.
    """

    last: Array | None = None
    moved: bool = False
    frames: int = 0

    def begin(self) -> None:
        """Something new is wanted."""
        self.moved, self.frames = False, 0

    @property
    def reached(self) -> bool:
        """Whether it is at rest, and has been for a while."""
        return self.frames >= _REST_FRAMES

    @property
    def returned(self) -> bool:
        """Whether it has left its rest and is back, however shortly."""
        return self.moved and self.frames >= _BACK_FRAMES

    def see(self, frames: Array) -> None:
        """Take ``[n, 69]`` further frames."""
        places = positions(Motion(frames[:, :3], frames[:, 3:].reshape(len(frames), COUNT, 3)))
        for now in places:
            speed = 0.0 if self.last is None else float(np.linalg.norm(now - self.last, axis=-1).max()) * BODY_FPS
            at_rest = _stands(now) and speed < _CALM_M_S
            self.moved = self.moved or not _stands(now) or speed > _LIVELY_M_S
            self.frames = self.frames + 1 if at_rest else 0
            self.last = now


def _stands(places: Array) -> bool:
    """Whether ``[22, 3]`` joints are those of somebody who stands upright, hands down."""
    pelvis, neck = places[0], places[JOINT_INDEX["neck"]]
    low = bool((places[_WRISTS, 1] < pelvis[1] + _LOW_M).all())
    return low and bool(pelvis[1] > _STANDING_M) and float(np.hypot(*(neck - pelvis)[[0, 2]])) < _UPRIGHT_M
