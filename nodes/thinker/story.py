"""The engine ``story``: answers out of the character pack, no language model needed."""

from mio.contracts.engine import Outputs
from mio.contracts.messages import Transcript
from nodes.thinker.acquaintance import LANGUAGE, reply_about_person, reply_to_return, reply_to_telling
from nodes.thinker.clauses import Clause
from nodes.thinker.dialogue import Turn
from nodes.thinker.storyteller import Heard, Storyteller
from nodes.thinker.turns import TurnTaker
from nodes.thinker.understanding import Meaning, Verdict


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
        clauses = self._of_person(heard.text, meaning) or self._storyteller.answer(
            meaning, turn, dialogue, self._random
        )
        if self._is_return(turn):
            clauses = [*reply_to_return(heard.text, self._in_mind()), *clauses]
        yield from self._say(clauses, complete=True)

    def _of_person(self, text: str, meaning: Meaning) -> list[Clause]:
        """The answer if the person asks about themselves, or tells of themselves what no entry answers."""
        if not self._language.startswith(LANGUAGE):
            return []
        asked = reply_about_person(text, self._in_mind())
        if asked or meaning.verdict is Verdict.CLEAR:
            return asked
        return reply_to_telling(text, int(self._random.integers(1 << 30)))

    def _is_return(self, turn: Turn) -> bool:
        """Whether this is the first turn of the conversation."""
        return self._state.kept < 0 and self._state.dialogue.turns[0] is turn and self._language.startswith(LANGUAGE)
