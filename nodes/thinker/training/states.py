"""What the frozen layers of the encoder make of tales and questions, computed once and kept in a folder."""

import hashlib
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence

from mio.sentences.encoder import TokenStates, packaged_model
from nodes.thinker.reading.windows import windows
from nodes.thinker.training.bert import Bert
from nodes.thinker.training.tales import Tale

LONGEST_TOKENS = 224
_BATCH = 12


class Tokens(NamedTuple):
    """States of texts, ``[B, T, D]``, and the mask ``[B, T]``."""

    below: Tensor
    mask: Tensor


class Text(NamedTuple):
    """A text after the frozen layers.

    Attributes:
        text: Its words.
        states: ``[T, D]`` half precision.
        vector: ``[D]``: its sentence vector by the whole encoder as it was packaged.
        section: Where it stands, from 1 on; 0 for a question.
    """

    text: str
    states: Tensor
    vector: Tensor
    section: int = 0


class Lower:
    """Runs the frozen layers, or finds what they made in the folder."""

    def __init__(self, bert: Bert, folder: Path) -> None:
        self._bert = bert
        self._folder = folder
        self._tokenizer: Any = Tokenizer.from_file(str(packaged_model() / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(LONGEST_TOKENS)

    def windows(self, tale: Tale) -> list[Text]:
        """The windows of a tale, in its order."""
        cut = [(number, text) for number, section in enumerate(tale.sections, 1) for text in windows(section)]
        kept = self._kept(tale.story, [text for _, text in cut])
        return [text._replace(section=number) for (number, _), text in zip(cut, kept, strict=True)]

    def questions(self, story: str, texts: Sequence[str]) -> list[Text]:
        """Questions about a tale."""
        return self._kept(f"{story}?", texts)

    def first_tokens(self, text: str) -> list[int]:
        """Number of the first token of each word of a text whose words are joined by single blanks."""
        encoding = self._tokenizer.encode(text)
        starts = accumulate((len(word) + 1 for word in text.split()), initial=0)
        tokens = [encoding.char_to_token(start) for start in list(starts)[:-1]]
        return [len(encoding.ids) - 1 if token is None else token for token in tokens]

    def token_states(self, text: Text) -> TokenStates:
        """A text as :meth:`~mio.sentences.encoder.SentenceEncoder.read` sees it, if all layers are frozen."""
        spans = np.array(self._tokenizer.encode(text.text).offsets)
        return TokenStates(text.vector.numpy(), text.states.float().numpy(), spans)

    def _kept(self, name: str, texts: Sequence[str]) -> list[Text]:
        content = "\n".join([str(self._bert.first), name, *texts])
        path = self._folder / f"{hashlib.sha256(content.encode()).hexdigest()[:24]}.pt"
        if path.is_file():
            rows: list[tuple[Tensor, Tensor]] = torch.load(path, weights_only=True)
        else:
            rows = self._run(texts)
            self._folder.mkdir(parents=True, exist_ok=True)
            torch.save(rows, path.with_suffix(".new"))
            path.with_suffix(".new").replace(path)
        return [Text(text, states, vector) for text, (states, vector) in zip(texts, rows, strict=True)]

    @torch.no_grad()
    def _run(self, texts: Sequence[str]) -> list[tuple[Tensor, Tensor]]:
        self._bert.eval()
        found: dict[int, tuple[Tensor, Tensor]] = {}
        order = sorted(range(len(texts)), key=lambda number: len(texts[number]))
        for at in range(0, len(order), _BATCH):
            group = order[at : at + _BATCH]
            ids = [torch.tensor(row.ids) for row in self._tokenizer.encode_batch([texts[number] for number in group])]
            mask = pad_sequence([torch.ones(len(row), dtype=torch.long) for row in ids], batch_first=True)
            below = self._bert.below(pad_sequence(ids, batch_first=True), mask)
            whole = self._bert.above(below, mask) * mask[..., None]
            vectors = functional.normalize(whole.sum(1) / mask.sum(1, keepdim=True), dim=-1)
            for row, number in enumerate(group):
                found[number] = (below[row, : len(ids[row])].half().clone(), vectors[row].clone())
        return [found[number] for number in range(len(texts))]


def pad(rows: Sequence[Tensor]) -> Tokens:
    """Texts of different length as one batch."""
    mask = pad_sequence([torch.ones(len(row), dtype=torch.long) for row in rows], batch_first=True)
    return Tokens(pad_sequence(list(rows), batch_first=True), mask)
