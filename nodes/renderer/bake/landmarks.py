"""Places on the head that painting, hair and eyes are laid out by."""

from dataclasses import dataclass

import numpy as np

from nodes.renderer.bake.base_mesh import Floats, Ints, read_base_mesh


@dataclass(frozen=True)
class Eye:
    """An eyeball.

    Attributes:
        centre: ``[3]`` m.
        radius: m.
    """

    centre: Floats
    radius: float


@dataclass(frozen=True)
class Landmarks:
    """Points in m, bind pose; left is the avatar's.

    Attributes:
        left_eye: Eyeball.
        right_eye: Eyeball.
        nose_tip: ``[3]``.
        mouth: ``[3]`` middle of the line between the lips.
        chin: ``[3]`` its front.
        crown: ``[3]`` highest point of the head.
        left_lashes: ``[n, 3]`` roots of the upper lashes of the left eye.
        left_lower_lashes: ``[n, 3]``.
    """

    left_eye: Eye
    right_eye: Eye
    nose_tip: Floats
    mouth: Floats
    chin: Floats
    crown: Floats
    left_lashes: Floats
    left_lower_lashes: Floats


def find_landmarks(points: Floats, head: Ints, mouth: Floats) -> Landmarks:
    """Find them on a person.

    Args:
        points: ``[V, 3]`` m.
        head: Quads of the head's skin.
        mouth: ``[3]`` middle of the line between the lips.
    """
    skin = points[np.unique(head)]
    middle = skin[np.abs(skin[:, 0]) < 0.004]
    nose = middle[(middle[:, 1] > mouth[1]) & (middle[:, 1] < mouth[1] + 0.05)]
    chin = middle[(middle[:, 1] < mouth[1] - 0.02) & (middle[:, 1] > mouth[1] - 0.06)]
    return Landmarks(
        left_eye=_fit_eye(points, "helper-l-eye"),
        right_eye=_fit_eye(points, "helper-r-eye"),
        nose_tip=nose[np.argmax(nose[:, 2])],
        mouth=mouth,
        chin=chin[np.argmax(chin[:, 2])],
        crown=skin[np.argmax(skin[:, 1])],
        left_lashes=_lash_roots(points, "helper-l-eyelashes-2", skin),
        left_lower_lashes=_lash_roots(points, "helper-l-eyelashes-1", skin),
    )


def _fit_eye(points: Floats, group: str) -> Eye:
    """Sphere through the back of MakeHuman's eyeball, whose front has the cornea (least squares)."""
    ball = points[np.unique(read_base_mesh().groups[group].quads)].astype(np.float64)
    back = ball[ball[:, 2] < np.quantile(ball[:, 2], 0.75)]
    system = np.c_[2 * back, np.ones(len(back))]
    solution = np.linalg.lstsq(system, (back**2).sum(1), rcond=None)[0]
    centre = solution[:3]
    return Eye(centre.astype(np.float32), float(np.sqrt(solution[3] + centre @ centre)))


def _lash_roots(points: Floats, group: str, skin: Floats) -> Floats:
    """Vertices of a lash strip that touch the lid, from the nose outwards."""
    strip = points[np.unique(read_base_mesh().groups[group].quads)]
    nearest = np.linalg.norm(strip[:, None] - skin[None], axis=2).min(1)
    roots = strip[nearest < 0.0006]
    return roots[np.argsort(roots[:, 0])]
