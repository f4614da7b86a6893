"""Feet that change their place step, left and right in turn, while the body goes from one stance to another.

Used when the procedural engine takes over, whose feet never move, from a body whose feet stand somewhere else.
"""

from dataclasses import dataclass

import numpy as np

from mio.contracts.rates import BODY_FPS
from mio.rotation import (
    Array,
    about,
    from_matrix,
    inverse,
    matrix,
    product,
    quaternion,
    rotvec,
    slerp,
    twist_angle,
)
from nodes.body.flood.leg import LEGS, REACH_M, legs
from nodes.body.motion.kinematics import COUNT
from nodes.body.transition import TRANSITION_S

_STEP_M, _STEP_RAD = 0.22, np.radians(50.0)  # longest way, and widest turn, in a step of both feet
_JOINTS = slice(3, 3 + 3 * COUNT)
_LIFT = 0.3  # of the way that a foot goes
_HIGHEST_M = 0.06
_TURNS_M = 0.1  # way that turning a foot by a rad counts as


@dataclass
class Stepping:
    """Steps from one stance to another.

    Attributes:
        begin: Body frame that is the last one with the feet where they were.
        count: Of steps of both feet; each takes a second.
        away: ``[3]`` how far the body is away before them: x and z in metres, and yaw in rad.
        ankles: ``[2, 2, 3]`` before and after, of both ankles, metres.
        feet: ``[2, 2, 4]`` quaternions of both feet, before and after.
    """

    begin: int
    count: int
    away: Array
    ankles: Array
    feet: Array

    @classmethod
    def between(cls, begin: int, before: Array, after: Array) -> "Stepping":
        """Steps from the stance of one ``[69]`` or longer frame to that of another."""
        both = [legs(frame[:3], _matrices(frame)) for frame in (before, after)]
        ankles = np.array([[leg.ankle for leg in pair] for pair in both])
        feet = np.array([[from_matrix(leg.foot) for leg in pair] for pair in both])
        yaw = twist_angle(product(from_matrix(both[0][0].pelvis), inverse(from_matrix(both[1][0].pelvis))), 1)
        away = np.array([*(before[:3] - after[:3])[[0, 2]], (float(yaw) + np.pi) % (2 * np.pi) - np.pi])
        far = float(np.linalg.norm((ankles[1] - ankles[0])[:, (0, 2)], axis=-1).max())
        count = max(1, int(np.ceil(far / _STEP_M)), int(np.ceil(abs(away[2]) / _STEP_RAD)))
        return cls(begin, count, away, ankles, feet)

    @property
    def takes_s(self) -> float:
        """How long it takes."""
        return self.count * TRANSITION_S

    def at_home(self, poses: Array) -> Array:
        """``[n, 69]`` or longer poses from before, moved to where the body is afterwards."""
        return np.stack([_moved(pose, -self.away) for pose in poses])

    def apply(self, frame: int, pose: Array) -> Array:
        """A pose on the way.

        Args:
            frame: Body frame.
            pose: ``[69]`` or longer, with the body where it is afterwards.

        Returns:
            The pose with body and feet where they are by then.
        """
        share = (frame - self.begin) / (BODY_FPS * self.takes_s)
        if not 0.0 <= share < 1.0:
            return pose
        pose = _moved(pose, (1.0 - _smooth(share)) * self.away)
        local = _matrices(pose)
        goals = [self._foot(side, share) for side in range(2)]
        spare = [_spare(leg.hip, goal[0]) for leg, goal in zip(legs(pose[:3], local), goals, strict=True)]
        pose[1] += min(0.0, *spare)
        for leg, joints, (place, turn) in zip(legs(pose[:3], local), LEGS, goals, strict=True):
            local[list(joints)] = leg.reaching(place, turn)
        pose[_JOINTS] = rotvec(from_matrix(local)).reshape(-1)
        return pose

    def _foot(self, side: int, share: float) -> tuple[Array, Array]:
        """Ankle and rotation of a foot at a share of the time; it steps in its half of each second."""
        step = int(min(share * self.count, self.count - 1))
        begin, end = (self._place(side, number) for number in (step, step + 1))
        within = float(np.clip(2.0 * (share * self.count - step) - side, 0.0, 1.0))
        way = begin + _smooth(within) * (end - begin)
        (before, after), (start, stop) = self.ankles[:, side], self.feet[:, side]
        far = float(np.linalg.norm(after - before)) + _TURNS_M * float(np.linalg.norm(rotvec(stop) - rotvec(start)))
        lift = min(_HIGHEST_M, _LIFT * far * (end - begin)) * (4.0 * within * (1.0 - within)) ** 2
        place = before + way * (after - before) + np.array([0.0, lift, 0.0])
        return place, matrix(slerp(start, stop, way))

    def _place(self, side: int, steps: int) -> float:
        """Share of its way that a foot has made after some steps: where the pelvis is between this and its next one."""
        return _smooth(min(1.0, (2 * steps + side) / (2 * self.count))) if steps else 0.0


def _smooth(share: float) -> float:
    """Share of the way after a share of the time, with least jerk (Flash and Hogan 1985)."""
    return share**3 * (10.0 - 15.0 * share + 6.0 * share**2)


def _moved(pose: Array, way: Array) -> Array:
    """A pose elsewhere: x and z in metres and yaw in rad further."""
    pose = pose.copy()
    pose[[0, 2]] += way[:2]
    pose[3:6] = rotvec(product(about(1, way[2]), quaternion(pose[3:6])))
    return pose


def _spare(hip: Array, ankle: Array) -> float:
    """How much higher a hip may be until its leg is straight, metres; less than 0 if it must come down."""
    aside = float(np.hypot(*(ankle - hip)[[0, 2]]))
    return float(ankle[1] + np.sqrt(max(REACH_M**2 - aside**2, 0.01)) - hip[1])


def _matrices(frame: Array) -> Array:
    return matrix(quaternion(np.asarray(frame[_JOINTS], np.float64).reshape(COUNT, 3)))
