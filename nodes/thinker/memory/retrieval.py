"""What a character can know that has to do with a question.

Two levels: nodes by a hybrid score, with what one edge leads to from them; and the passages they were taken from.
Everything is read through the gate, so nothing from beyond the present can be found.

Source: the Thinker's story-time-aware retrieval, "Towards Interactive Intelligence for Digital Humans" (arXiv
2512.13674); weights and numbers are a reconstruction, its own are not public.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from nodes.thinker.memory.gate import assert_permitted
from nodes.thinker.memory.graph import Edge, Node, Passage, Present
from nodes.thinker.memory.store import Encoder
from nodes.thinker.memory.view import Numbers, View

_CANDIDATES = 400  # by meaning, recency and salience
_WORDED = 100  # candidates by words
_EDGES = 64
_TOKEN_CHARS = 4.0  # of English, about


class Weights(NamedTuple):
    """How much each part counts in the hybrid score.

    Attributes:
        meaning: Of the cosine.
        words: Of BM25 as a share (0..1) of the question's weight.
        recency: Of ``exp(-(t_now - t_start) / tau)``.
        salience: Of the item's own.
        tau: Story time after which recency has fallen to a third; None for how long ago half of what is seen was.
    """

    meaning: float = 0.55
    words: float = 0.20
    recency: float = 0.15
    salience: float = 0.10
    tau: float | None = None


class Hit(NamedTuple):
    """Something that was found.

    Attributes:
        item: What it is.
        score: The hybrid score.
        cosine: How near it is to the question in meaning, -1..1.
        words: Share of the question's rare words that it covers, 0..1.
    """

    item: Node | Passage
    score: float
    cosine: float
    words: float


class Recall(NamedTuple):
    """What has to do with a question.

    Attributes:
        nodes: Nodes by score, best first.
        edges: Edges at those nodes.
        neighbours: Nodes at the other ends of the edges.
        passages: Passages by score, best first.
    """

    nodes: list[Hit]
    edges: list[Edge]
    neighbours: list[Node]
    passages: list[Hit]


class _Found(NamedTuple):
    """A hit whose item has not been read."""

    row: int
    is_node: bool
    score: float
    cosine: float
    words: float


class Retrieval:
    """Searches a memory file under a present. Several processes may, while one writes."""

    def __init__(
        self, path: Path, encoder: Encoder, weights: Weights | None = None, *, candidates: int = _CANDIDATES
    ) -> None:
        """Open the file for reading.

        Args:
            path: A file that a :class:`~nodes.thinker.memory.store.Store` has made.
            encoder: The same that the store has.
            weights: Of the hybrid score.
            candidates: How many items are compared in full; beyond that many, a search may miss some.

        Raises:
            MemoryFileError: If it is missing or damaged.
        """
        self._encoder = encoder
        self._weights = weights or Weights()
        self._tau = 1.0
        self._view = View(path, self._settle)
        self._candidates = candidates

    def close(self) -> None:
        """Close the file."""
        self._view.close()

    def search(
        self, question: str, present: Present, *, nodes: int = 8, passages: int = 4, tokens: int = 1_200
    ) -> Recall:
        """Find what has to do with a question.

        Args:
            question: In words.
            present: What may be told.
            nodes: How many nodes at most, before one edge is followed from each.
            passages: How many passages at most.
            tokens: Length of all texts together, about; what scores least is left out first.

        Raises:
            MemoryFileError: If the file is damaged.
        """
        with self._view.reading():
            self._view.turn_to(present)
            ranked = self._rank(question, present)
            best = self._hits([found for found in ranked if found.is_node][:nodes])
            edges, neighbours = self._expand(best)
            chosen = self._hits([found for found in ranked if not found.is_node][:passages])
            chosen = self._with_sources(chosen, best, passages)
            recall = _shorten(Recall(list(best.values()), edges, neighbours, chosen), tokens)
        assert_permitted([hit.item for hit in (*recall.nodes, *recall.passages)], present)
        assert_permitted([*recall.edges, *recall.neighbours], present)
        return recall

    def best(self, question: str, present: Present, count: int = 8) -> list[Hit]:
        """The items of any kind that score best; no edge is followed. Raises what :meth:`search` does."""
        with self._view.reading():
            self._view.turn_to(present)
            hits = list(self._hits(self._rank(question, present)[:count]).values())
        assert_permitted([hit.item for hit in hits], present)
        return hits

    def _rank(self, question: str, present: Present) -> list[_Found]:
        """What was found, best first."""
        words = self._view.worded(question)
        worded = sorted(words, key=lambda row: (-words[row], row))[:_WORDED]
        vector = self._encoder.embed([question])[0]
        found = self._view.near(vector, self._candidates, self._weights.meaning, worded)
        covered = np.array([words.get(row, 0.0) for row in found.rows.tolist()])
        scores = self._weights.meaning * found.cosines + self._weights.words * covered
        scores += self._prior(present, found.t_start, found.salience)
        order = np.lexsort((found.rows, -scores))
        columns = (found.rows, found.nodes, scores, found.cosines, covered)
        return [_Found(*values) for values in zip(*(column[order].tolist() for column in columns), strict=True)]

    def _settle(self, present: Present, t_start: Numbers, salience: Numbers) -> npt.NDArray[np.float32]:
        """See what is recent among all that is seen from a present; what speaks for each item whatever is asked."""
        since = np.abs(present.t_now - t_start)
        lately = since[np.isfinite(since)]
        self._tau = self._weights.tau or max(1e-9, float(np.median(lately)) if len(lately) else 1.0)
        return self._prior(present, t_start, salience).astype(np.float32)

    def _prior(self, present: Present, t_start: Numbers, salience: Numbers) -> Numbers:
        """What recency and salience add to the scores of items."""
        recency = np.exp(-np.abs(present.t_now - t_start) / self._tau)
        return self._weights.recency * recency + self._weights.salience * salience

    def _hits(self, found: Sequence[_Found]) -> dict[int, Hit]:
        items = self._view.items([each.row for each in found])
        return {each.row: Hit(items[each.row], each.score, each.cosine, each.words) for each in found}

    def _expand(self, best: dict[int, Hit]) -> tuple[list[Edge], list[Node]]:
        """Edges at the best nodes, and the nodes that they lead to."""
        found = self._view.edges_of(list(best), _EDGES)
        others = dict.fromkeys(row for src, dst, _ in found for row in (src, dst) if row not in best)
        items = self._view.items(list(others))
        neighbours = [item for row in others if isinstance(item := items.get(row), Node)]
        return [edge for *_, edge in found], neighbours

    def _with_sources(self, chosen: dict[int, Hit], best: dict[int, Hit], count: int) -> list[Hit]:
        """Passages by their own score or that of a node taken from them, whichever is greater."""
        linked = [(passage, best[node]) for node, passage in self._view.passages_of(list(best))]
        items = self._view.items([passage for passage, _ in linked])
        for passage, hit in linked:
            other = chosen.get(passage)
            if other is None or hit.score > other.score:
                chosen[passage] = hit._replace(item=items[passage])
        return sorted(chosen.values(), key=lambda hit: (-hit.score, hit.item.id))[:count]


def count_tokens(text: str) -> int:
    """About how many tokens a text has for a language model."""
    return math.ceil(len(text) / _TOKEN_CHARS)


def _shorten(recall: Recall, tokens: int) -> Recall:
    """Leave out what no longer fits: neighbours first, then edges, passages, nodes; always from their ends."""
    left = tokens
    kept: list[int] = []
    texts = (
        [hit.item.text for hit in recall.nodes],
        [hit.item.text for hit in recall.passages],
        [edge.text for edge in recall.edges],
        [node.text for node in recall.neighbours],
    )
    for group in texts:
        kept.append(0)
        for text in group:
            left -= count_tokens(text)
            if left < 0:
                break
            kept[-1] += 1
        left = max(left, 0)
    nodes, passages, edges, neighbours = kept
    return Recall(
        recall.nodes[:nodes], recall.edges[:edges], recall.neighbours[:neighbours], recall.passages[:passages]
    )
