"""The story of a character pack as a language model may know it: recalled through the narrative-present gate."""

from collections.abc import Callable
from pathlib import Path

from nodes.thinker.background import Background
from nodes.thinker.construction.pack_story import Story
from nodes.thinker.dialogue import Dialogue
from nodes.thinker.encoder import SentenceEncoder
from nodes.thinker.memory.graph import Present
from nodes.thinker.memory.retrieval import Retrieval
from nodes.thinker.memory.store import Store

_TOKENS = 700  # of a prompt; the pack's own entries stand beside it

LiesAhead = Callable[[str, Present], bool]
"""Whether what a question asks for lies ahead of a present: one bit, and nothing of what it is."""


class StoryMemory:
    """Recalls what has to do with a question; the present is the story's, and no words can move it."""

    def __init__(self, retrieval: Retrieval, present: Present, lies_ahead: LiesAhead | None = None) -> None:
        """Begin to recall.

        Args:
            retrieval: Searches the story.
            present: Where its teller stands.
            lies_ahead: Says whether something lies ahead; left out, that is never said.
        """
        self._retrieval = retrieval
        self._present = present
        self._lies_ahead = lies_ahead

    def background(self, question: str, dialogue: Dialogue) -> Background:
        """See :class:`~nodes.thinker.background.Recollecting`."""
        recall = self._retrieval.search(question, self._present, tokens=_TOKENS)
        nodes = [hit.item for hit in recall.nodes]
        passages = [hit.item for hit in recall.passages]
        ahead = self._lies_ahead is not None and self._lies_ahead(question, self._present)
        items = [*nodes, *recall.edges, *recall.neighbours, *passages]
        return Background(self._present, items, lies_ahead=ahead)


def open_story_memory(story: Story, folder: Path) -> StoryMemory:
    """Write a story into a memory file, unless it is there already, and open it.

    Args:
        story: What to recall.
        folder: Where the file is kept.

    Raises:
        MemoryFileError: If the file is damaged or cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    encoder = SentenceEncoder()
    path = folder / "story.sqlite"
    store = Store(path, encoder)
    store.load(story.graph)
    store.close()
    return StoryMemory(Retrieval(path, encoder), story.present)
