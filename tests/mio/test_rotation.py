import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mio.rotation import about, cross, from_matrix, inverse, matrix, product, quaternion, rotate, rotvec

VECTORS = np.concatenate(
    (np.random.default_rng(0).normal(size=(50, 3)), np.zeros((1, 3)), np.full((1, 3), 1e-9), [[3.1, 0, 0]])
)


def test_quaternions_and_matrices_are_those_of_scipy():
    scipy = Rotation.from_rotvec(VECTORS)
    assert np.allclose(matrix(quaternion(VECTORS)), scipy.as_matrix())
    assert np.allclose(rotvec(quaternion(VECTORS)), scipy.as_rotvec())


def test_a_matrix_comes_back_as_the_same_rotation():
    turns = quaternion(VECTORS)
    assert np.allclose(matrix(from_matrix(matrix(turns))), matrix(turns), atol=1e-7)


def test_products_and_inverses_are_those_of_matrices():
    left, right = quaternion(VECTORS[:25]), quaternion(VECTORS[25:50])
    assert np.allclose(matrix(product(left, right)), matrix(left) @ matrix(right))
    assert np.allclose(matrix(product(left, inverse(left))), np.eye(3))


@pytest.mark.parametrize("axis", range(3))
def test_turns_about_axes_and_of_vectors(axis):
    angle = np.array([0.3, -1.2])
    assert np.allclose(rotvec(about(axis, angle)), angle[:, None] * np.eye(3)[axis])
    vector = np.array([[0.2, -1.0, 0.5]] * 2)
    assert np.allclose(rotate(about(axis, angle), vector), np.einsum("tab,tb->ta", matrix(about(axis, angle)), vector))


def test_cross_product_is_numpys():
    assert np.allclose(cross(VECTORS[:20], VECTORS[20:40]), np.cross(VECTORS[:20], VECTORS[20:40]))
