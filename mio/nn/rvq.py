"""Residual vector quantisation with codebooks that follow the data (EMA).

Sources: van den Oord et al. 2017 (vector quantisation, straight-through gradient, commitment), its appendix A.1
(codebooks as moving averages), Zeghidour et al. 2021 (residual stages, k-means at the beginning, unused entries).
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_EPS = 1e-5
_KMEANS_ROUNDS = 10


class Quantised(NamedTuple):
    """Vectors as codes.

    Attributes:
        vectors: ``[B, D, T]`` sum of the chosen entries, with the gradient of what was quantised.
        codes: ``[B, n, T]`` int64, one row per codebook.
        commitment: Mean squared distance between what was quantised and the entries, over all stages.
    """

    vectors: Tensor
    codes: Tensor
    commitment: Tensor


class Codebook(nn.Module):
    """One codebook.

    Attributes:
        entries: ``[size, D]``.
        counts: ``[size]`` moving average of how often each is chosen per batch.
    """

    entries: Tensor
    counts: Tensor
    _sums: Tensor
    _begun: Tensor

    def __init__(self, size: int, width: int, *, decay: float = 0.99, least: float = 0.1) -> None:
        """Get ready.

        Args:
            size: Entries.
            width: Numbers in an entry, D.
            decay: Of the moving averages, per training batch.
            least: Entries chosen less often than this share of an even use are replaced by vectors of the batch.
        """
        super().__init__()
        self._decay, self._least = decay, least
        self.register_buffer("entries", torch.randn(size, width) / width**0.5)
        self.register_buffer("counts", torch.ones(size))
        self.register_buffer("_sums", self.entries.clone())
        self.register_buffer("_begun", torch.zeros((), dtype=torch.bool))

    def choose(self, vectors: Tensor) -> Tensor:
        """``[N]`` number of the entry that is nearest to each of ``[N, D]``."""
        distances = self.entries.square().sum(1) - 2 * vectors @ self.entries.T
        return distances.argmin(1)

    @torch.no_grad()
    def learn(self, vectors: Tensor) -> None:
        """Follow the ``[N, D]`` vectors of a training batch."""
        if not self.begun:
            self.begin(vectors)
        chosen = F.one_hot(self.choose(vectors), len(self.entries)).to(vectors.dtype)
        self.counts.lerp_(chosen.sum(0), 1 - self._decay)
        self._sums.lerp_(chosen.T @ vectors, 1 - self._decay)
        smoothed = (self.counts + _EPS) / (self.counts.sum() + len(self.entries) * _EPS) * self.counts.sum()
        self.entries.copy_(self._sums / smoothed[:, None])
        self._replace(vectors)

    @property
    def begun(self) -> bool:
        """Whether the entries come from data."""
        return bool(self._begun)

    @torch.no_grad()
    def begin(self, vectors: Tensor) -> None:
        """Entries by k-means of ``[N, D]`` vectors; the first training batch does that if nobody else has."""
        self.entries.copy_(_drawn(vectors, len(self.entries)))
        for _ in range(_KMEANS_ROUNDS):
            chosen = F.one_hot(self.choose(vectors), len(self.entries)).to(vectors.dtype)
            counts = chosen.sum(0)
            used = counts > 0
            self.entries[used] = (chosen.T @ vectors)[used] / counts[used, None]
        self.counts.copy_(F.one_hot(self.choose(vectors), len(self.entries)).sum(0).to(vectors.dtype))
        self._sums.copy_(self.entries * self.counts[:, None])
        self._begun.fill_(True)

    def _replace(self, vectors: Tensor) -> None:
        even = len(vectors) / len(self.entries)
        unused = self.counts < self._least * even
        count = int(unused.sum())
        if count:
            fresh = _drawn(vectors, count)
            self.entries[unused] = fresh
            self.counts[unused] = even
            self._sums[unused] = fresh * even


class ResidualQuantiser(nn.Module):
    """Codebooks one after another, each for what the ones before left over."""

    def __init__(self, books: int, size: int, width: int, *, decay: float = 0.99, least: float = 0.1) -> None:
        """Get ready; see :class:`Codebook`."""
        super().__init__()
        self.books = nn.ModuleList(Codebook(size, width, decay=decay, least=least) for _ in range(books))

    def forward(self, x: Tensor, kept: Tensor | None = None) -> Quantised:
        """Quantise, in 32 bits also under autocast, and learn if in training.

        Args:
            x: ``[B, D, T]``.
            kept: ``[B]`` how many codebooks count in each row (quantiser dropout); None for all.
        """
        with torch.autocast(x.device.type, enabled=False):
            return self._quantised(x.float(), kept)

    def _quantised(self, x: Tensor, kept: Tensor | None) -> Quantised:
        flat = x.transpose(1, 2).flatten(0, 1)
        residual, total = flat, torch.zeros_like(flat)
        rows = torch.arange(len(x), device=x.device).repeat_interleave(x.shape[2])
        codes: list[Tensor] = []
        commitment = x.new_zeros(())
        for number, book in enumerate(self.books):
            if not isinstance(book, Codebook):
                raise TypeError(book)
            if self.training:
                book.learn(residual.detach())
            chosen = book.choose(residual)
            entry = book.entries[chosen]
            counts = torch.ones_like(rows, dtype=x.dtype) if kept is None else (number < kept[rows]).to(x.dtype)
            commitment = commitment + (counts[:, None] * (residual - entry.detach()).square()).mean()
            total = total + counts[:, None] * entry
            residual = residual - entry.detach()
            codes.append(chosen)
        straight = flat + (total - flat).detach()
        shape = (len(x), x.shape[2], -1)
        vectors = straight.view(shape).transpose(1, 2)
        return Quantised(vectors, torch.stack(codes, 1).view(shape).transpose(1, 2), commitment / len(self.books))

    @property
    def begun(self) -> bool:
        """Whether all codebooks come from data."""
        return all(book.begun for book in self._stages())

    def begin(self, x: Tensor) -> None:
        """Begin all codebooks with ``[B, D, T]``, far more vectors than a batch has."""
        residual = x.detach().transpose(1, 2).flatten(0, 1)
        for book in self._stages():
            book.begin(residual)
            residual = residual - book.entries[book.choose(residual)]

    def used(self) -> float:
        """Entries in use per codebook: two to the power of the entropy of what was chosen lately, on average."""
        perplexities = [torch.exp(torch.special.entr(b.counts / b.counts.sum()).sum()) for b in self._stages()]
        return float(torch.stack(perplexities).mean())

    def _stages(self) -> list[Codebook]:
        return [book for book in self.books if isinstance(book, Codebook)]

    def decode(self, codes: Tensor) -> Tensor:
        """``[B, D, T]`` of ``[B, n, T]`` codes; ``n`` may be less than all codebooks."""
        total = 0.0
        for number in range(codes.shape[1]):
            book = self.books[number]
            if isinstance(book, Codebook):
                total = total + book.entries[codes[:, number]]
        if not isinstance(total, Tensor):
            raise ValueError("no codes")
        return total.transpose(1, 2)


def _drawn(vectors: Tensor, count: int) -> Tensor:
    """``[count, D]`` of ``[N, D]``, none twice as long as there are enough."""
    if len(vectors) >= count:
        return vectors[torch.randperm(len(vectors), device=vectors.device)[:count]]
    return vectors[torch.randint(len(vectors), (count,), device=vectors.device)]
