"""What a character's story adds to its entries: what it tells besides, how that goes on, and what cannot be known.

Knows no dialogue. What the entries say counts as known, so that a question that they answer is not taken for one about
what lies ahead.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from mio.character import Entry, Knowledge
from mio.sentences.encoder import SentenceEncoder
from nodes.thinker.clauses import cut_clauses
from nodes.thinker.memory.graph import Node, Passage, Present, StoryGraph
from nodes.thinker.reading.narration import Fate, Narration, load_learnt
from nodes.thinker.threads import Threads
from nodes.thinker.understanding import Meaning, Reading, Verdict
from nodes.thinker.words import bare, ending, plain

_LONGEST_WORDS = 48  # of a question; it stands at the end
#: How well a window must fit a question. The default character's story: 95 of 100 questions about its events lie above,
#: 95 of 100 that nobody there can answer below.
_FIT = 0.57
#: Log odds from which on a question is taken to be about what lies ahead: none of 17 questions about the default
#: character's past lies above, none of 80 that nobody there can answer, and 1 of 130 that an entry answers.
_AHEAD = 0.5
#: Log odds from which on the story answers although an entry seemed clear: with the default character so it does for 3
#: of 130 questions that an entry answers, and for 8 of 17 about events of its life.
_LEAD = 2.0
_WHO_IS = re.compile(r"(?:and |so )?(?:(?:who|what)(?: is| was| are| were|'s)|(?:please )?tell me about) (.+)")


class Lore:
    """A character's story as far as it may be told."""

    def __init__(
        self, graph: StoryGraph, present: Present, knowledge: Knowledge, encoder: SentenceEncoder, cache_dir: Path
    ) -> None:
        """Read the story, or take what was read before from the cache.

        Args:
            graph: The story, with what lies ahead.
            present: What of it may be told.
            knowledge: What is known besides.
            encoder: Makes vectors of it.
            cache_dir: Where they are kept.
        """
        said = [passage for entry in knowledge.entries for passage in _said(entry)]
        self._narration = Narration(story_items(graph), encoder, load_learnt(), cache_dir, said)
        self._present = present
        self._threads = Threads(graph, present)

    def complete(self, meaning: Meaning, readings: Sequence[Reading]) -> Meaning:
        """Refuse what lies ahead, and recall what no entry tells.

        Args:
            meaning: What was understood by the entries.
            readings: Ways to read what was said, the most probable one first.
        """
        question = ending(readings[0].text, _LONGEST_WORDS) if readings else ""
        if not question:
            return meaning
        known = self._introduced(question)
        if known is not None:
            if meaning.verdict is Verdict.CLEAR and meaning.entry and _is_about(meaning.entry, known):
                return meaning
            return meaning._replace(verdict=Verdict.RECALLED, recalled=known.text, source=known.id)
        finding = self._narration.consider(question, self._present, threshold=_AHEAD, fit=_FIT)
        if finding.fate is Fate.AHEAD:
            return meaning._replace(verdict=Verdict.AHEAD)
        least = _LEAD if meaning.verdict is Verdict.CLEAR else 0.0
        if finding.item is None or finding.lead < least:
            return meaning
        told = finding.item.text if isinstance(finding.item, Node) else finding.sentence
        source = self._threads.node_of(finding.item, finding.sentence)
        return meaning._replace(verdict=Verdict.RECALLED, recalled=told, source=source)

    def _introduced(self, question: str) -> Node | None:
        """Somebody or something that a question does nothing but name, and that the story has told of."""
        asked = _WHO_IS.fullmatch(plain(question))
        return self._threads.named(asked[1]) if asked else None

    def why(self, source: str) -> Sequence[Node]:
        """What brought about what was told of the story."""
        return self._threads.causes(source)

    def more(self, source: str) -> Sequence[Node]:
        """Where the story goes on from there, as far as it may be told."""
        return self._threads.onward(source)


def story_items(graph: StoryGraph) -> list[Passage | Node]:
    """What of a graph can be told: its passages, and the nodes that no passage tells of."""
    inside = {node for passage in graph.passages for node in passage.nodes}
    return [*graph.passages, *(node for node in graph.nodes if node.text and node.id not in inside)]


def _is_about(entry: Entry, node: Node) -> bool:
    """Whether an entry names somebody or something of the story."""
    texts = (*entry.questions, *(text for _, text in entry.texts()))
    return any(f" {bare(node.name)} " in f" {plain(text)} " for text in texts)


def _said(entry: Entry) -> list[Passage]:
    texts = [" ".join(clause.text for clause in cut_clauses(text)) for _, text in entry.texts() if "{" not in text]
    return [Passage(f"{entry.id}:{number}", text, 0.0) for number, text in enumerate(texts)]
