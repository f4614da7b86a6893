"""What a language model may know about the matter besides the pack's answers: of its story."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from nodes.thinker.dialogue import Dialogue
from nodes.thinker.memory.graph import Edge, Node, Passage, Present


class Background(NamedTuple):
    """What was recalled for one question.

    Attributes:
        present: The narrative present it was recalled in.
        items: Nodes, edges and passages of the story, best first.
        lies_ahead: Whether what was asked for lies ahead in the story.
    """

    present: Present
    items: Sequence[Node | Edge | Passage] = ()
    lies_ahead: bool = False


class Recollecting(Protocol):
    """Finds what a character can know."""

    def background(self, question: str, dialogue: Dialogue) -> Background:
        """Recall what has to do with a question; nothing is written."""
        ...
