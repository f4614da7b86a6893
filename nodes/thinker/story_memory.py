"""The story of a character pack as a language model may know it: recalled through the narrative-present gate."""

import logging
from pathlib import Path

from mio.sentences.encoder import SentenceEncoder
from nodes.thinker.background import Background
from nodes.thinker.construction.pack_story import Story
from nodes.thinker.dialogue import Dialogue
from nodes.thinker.memory.graph import Present
from nodes.thinker.memory.retrieval import Retrieval
from nodes.thinker.memory.schema import MemoryFileError
from nodes.thinker.memory.store import Store

_log = logging.getLogger(__name__)

_TOKENS = 700  # of a prompt; the pack's own entries stand beside it


class StoryMemory:
    """Recalls what has to do with a question; the present is the story's, and no words can move it."""

    def __init__(self, retrieval: Retrieval, present: Present) -> None:
        """Begin to recall.

        Args:
            retrieval: Searches the story.
            present: Where its teller stands.
        """
        self._retrieval = retrieval
        self._present = present

    def background(self, question: str, dialogue: Dialogue) -> Background:
        """See :class:`~nodes.thinker.background.Recollecting`; nothing if the file has been damaged meanwhile."""
        try:
            recall = self._retrieval.search(question, self._present, tokens=_TOKENS)
        except MemoryFileError as error:
            _log.error("the story is not recalled: %s", error)
            return Background(self._present)
        nodes = [hit.item for hit in recall.nodes]
        passages = [hit.item for hit in recall.passages]
        return Background(self._present, [*nodes, *recall.edges, *recall.neighbours, *passages])


def open_story_memory(story: Story, encoder: SentenceEncoder, path: Path) -> StoryMemory:
    """Write a story into a memory file, unless it is there already, and open it.

    Args:
        story: What to recall.
        encoder: Makes vectors of it and of questions.
        path: The character's memory file; what is remembered of people in it stays as it is.

    Raises:
        MemoryFileError: If the file is damaged or cannot be written.
    """
    store = Store(path, encoder)
    store.load(story.graph)
    store.close()
    return StoryMemory(Retrieval(path, encoder), story.present)
