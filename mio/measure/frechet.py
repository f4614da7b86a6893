"""Fréchet distance: how far apart two sets of vectors are as a whole, whatever they describe."""

import numpy as np
import numpy.typing as npt


def frechet_distance(one: npt.ArrayLike, other: npt.ArrayLike) -> float:
    """Fréchet distance between normal distributions fitted to ``[n, d]`` and ``[m, d]`` (Heusel et al. 2017)."""
    a, b = np.asarray(one, float), np.asarray(other, float)
    first, second = np.cov(a.T), np.cov(b.T)
    values, vectors = np.linalg.eigh(first)
    root = vectors * np.sqrt(values.clip(0)) @ vectors.T
    cross = np.sqrt(np.linalg.eigvalsh(root @ second @ root).clip(0)).sum()
    apart = np.square(a.mean(0) - b.mean(0)).sum()
    return max(0.0, float(apart + np.trace(first) + np.trace(second) - 2 * cross))
