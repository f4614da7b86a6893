"""The encoder of phones: each one with its neighbours, its stress, its word, and the pause that is coming.

It looks a few phones ahead only, so that a frame can be spoken before the end of its sentence has been encoded.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nodes.talker.models.lm.sizes import LmSize

_KERNEL = 5
_STRESSES = 3
_FAR = 15  # phones to the next pause, from which on they are no longer counted


class Phones(NamedTuple):
    """What is to be said, side by side; all ``[B, N]`` int64.

    Attributes:
        phone: Number in the inventory, 0 for a pause.
        stress: 0 none, 1 primary, 2 secondary.
        word: 1 where a word begins.
        mark: Of a pause, its punctuation mark; 0 for none.
        next_mark: Mark of the next pause that has one, the own one of a pause.
        to_pause: Phones until it, at most 15.
        exists: 1, and 0 for what only fills up a row.
    """

    phone: Tensor
    stress: Tensor
    word: Tensor
    mark: Tensor
    next_mark: Tensor
    to_pause: Tensor
    exists: Tensor


def phones_of(phone: list[int], stress: list[int], word: list[bool], mark: list[int]) -> Phones:
    """One row of phones; what comes next is worked out."""
    next_mark, to_pause = list[int](), list[int]()
    coming, distance = 0, _FAR
    for own in reversed(mark):
        coming, distance = (own, 0) if own else (coming, min(distance + 1, _FAR))
        next_mark.append(coming)
        to_pause.append(distance)
    columns = (phone, stress, [int(begins) for begins in word], mark, next_mark[::-1], to_pause[::-1], [1] * len(phone))
    return Phones(*(torch.tensor([column]) for column in columns))


def side_by_side(rows: list[Phones]) -> Phones:
    """Rows of different lengths, filled up."""
    longest = max(row.phone.shape[1] for row in rows)
    columns = (torch.zeros(len(rows), longest, dtype=torch.int64) for _ in Phones._fields)
    batch = Phones(*columns)
    for number, row in enumerate(rows):
        for column, own in zip(batch, row, strict=True):
            column[number, : own.shape[1]] = own[0]
    return batch


class PhoneEncoder(nn.Module):
    """Phones to vectors."""

    def __init__(self, size: LmSize) -> None:
        super().__init__()
        width = size.text_width
        counts = (size.phones, _STRESSES, 2, size.marks, size.marks, _FAR + 1)
        self.embeddings = nn.ModuleList(nn.Embedding(count, width) for count in counts)
        self.language = nn.Embedding(len(size.languages), width)
        self.convs = nn.ModuleList(
            nn.Conv1d(width, width, _KERNEL, padding=_KERNEL // 2) for _ in range(size.text_layers)
        )
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(size.text_layers))
        self.dropout = nn.Dropout(size.dropout)
        self.norm = nn.LayerNorm(width)

    def forward(self, phones: Phones, language: Tensor) -> Tensor:
        """``[B, N, text_width]`` of ``[B, N]`` phones in ``[B]`` languages."""
        x, exists = self.language(language)[:, None], phones.exists[..., None].float()
        for embedding, column in zip(self.embeddings, phones[:-1], strict=True):
            x = x + embedding(column)
        for conv, norm in zip(self.convs, self.norms, strict=True):
            y = conv((norm(x) * exists).transpose(1, 2)).transpose(1, 2)
            x = x + self.dropout(F.gelu(y))
        return self.norm(x) * exists
