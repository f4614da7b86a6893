import moderngl
import numpy as np
import pytest

from nodes.renderer.asset import Asset
from nodes.renderer.bake.decimate import decimated
from nodes.renderer.portrait import Portraitist, body_frame, face_frame


def grid(count: int, height: float) -> tuple[np.ndarray, np.ndarray]:
    """A square metre with a roof's ridge along its middle."""
    rows, columns = np.mgrid[0:count, 0:count]
    x, y = columns.ravel() / (count - 1), rows.ravel() / (count - 1)
    points = np.stack([x, y, height * (0.5 - np.abs(x - 0.5))], 1)
    first = (rows[:-1, :-1] * count + columns[:-1, :-1]).ravel()
    lower = np.stack([first, first + 1, first + count + 1], 1)
    upper = np.stack([first, first + count + 1, first + count], 1)
    return points, np.concatenate([lower, upper]).astype(np.int32)


def areas(points: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    a, b, c = (points[triangles[:, k]] for k in range(3))
    return 0.5 * np.linalg.norm(np.cross(b - a, c - a), axis=1)


def thin(points: np.ndarray, triangles: np.ndarray, error_m: float, carried: np.ndarray | None = None) -> np.ndarray:
    count = len(points)
    nothing = np.zeros((count, 0)) if carried is None else carried
    return decimated(points, nothing, triangles, np.zeros(count, bool), error_m)


def test_a_roof_needs_few_triangles_and_keeps_its_shape():
    points, triangles = grid(13, height=0.4)
    few = thin(points, triangles, 1e-5)
    assert len(few) < len(triangles) / 2
    assert areas(points, few).sum() == pytest.approx(areas(points, triangles).sum(), rel=1e-9)


def test_what_vertices_carry_is_kept_like_shape():
    points, triangles = grid(13, height=0.0)
    bumps = 0.1 * np.sin(20 * points[:, :1]) * np.sin(20 * points[:, 1:2])
    flat, painted = (len(thin(points, triangles, 1e-3, carried)) for carried in (0 * bumps, bumps))
    assert flat < 0.5 * painted


def test_locked_vertices_and_the_rim_stay():
    points, triangles = grid(9, height=0.0)
    locked = np.zeros(len(points), bool)
    locked[40] = True
    few = decimated(points, np.zeros((len(points), 0)), triangles, locked, 1.0)
    rim = np.flatnonzero((points[:, :2] == 0).any(1) | (points[:, :2] == 1).any(1))
    assert {40, *rim.tolist()} <= set(few.ravel().tolist())


def test_low_effort_draws_far_fewer_triangles_of_the_first_vertices(asset: Asset):
    drawn, few = (sum(len(p.drawn(sparing=sparing)) for p in asset.parts.values()) for sparing in (False, True))
    assert few < 0.65 * drawn
    for part in asset.parts.values():
        used = np.unique(part.drawn(sparing=True))
        if len(part.few):
            assert np.array_equal(used, np.arange(len(used)))


@pytest.mark.parametrize(
    "actions", [{}, {"jawOpen": 0.7, "mouthFunnel": 0.3}, {"eyeBlinkLeft": 1.0, "mouthSmileLeft": 0.8}]
)
def test_pictures_of_low_effort_look_like_those_of_medium(
    portraitist: Portraitist, context: moderngl.Context, actions: dict[str, float]
):
    low = Portraitist(tier="low", context=context)
    face, body = face_frame(actions), body_frame()
    pictures = [each.picture(face, body, size=(240, 240)).astype(float) for each in (portraitist, low)]
    difference = np.abs(pictures[0] - pictures[1]).max(2)
    assert difference.mean() < 4.0
    assert (difference > 60).mean() < 0.01
