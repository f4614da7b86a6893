"""The engine ``story``: answers out of the character pack, no language model needed."""

from mio.contracts.engine import Outputs
from mio.contracts.messages import Transcript
from nodes.thinker.storyteller import Heard, Storyteller
from nodes.thinker.turns import TurnTaker


class StoryEngine(TurnTaker):
    """Understands what was meant and answers with the entry's words.

    No answer takes longer than understanding it (about 30 ms), so nothing is said to fill the time and no ticks are
    needed.
    """

    def __init__(self, storyteller: Storyteller, *, language: str, seed: int) -> None:
        super().__init__(language=language, seed=seed)
        self._storyteller = storyteller

    def _think(self, heard: Transcript) -> Outputs:
        dialogue = self._state.dialogue
        meaning = self._storyteller.understand(Heard(heard.text, heard.alternatives, heard.confidence), dialogue)
        yield None
        turn = dialogue.begin(heard.segment_id, heard.text)
        clauses = self._storyteller.answer(meaning, turn, dialogue, self._random)
        yield from self._say(clauses, complete=True)
