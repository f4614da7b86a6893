"""The running dialogue: what was said, what of it was heard, and what has been told already. Plain values only."""

from dataclasses import dataclass, field
from typing import Any

import msgspec

from nodes.thinker.clauses import Clause

_REMEMBERED_TURNS = 24
_TAIL_CHARS = 25  # the clock's last word on a turn may come so much before its end


@dataclass
class Turn:
    """What the user said, and what the character answered.

    Attributes:
        segment_id: The turn's number.
        user: The user's words, as well as they were understood.
        question: The example question that they were understood as; empty if they were not.
        entry: The entry that answered; empty if none did.
        topic: Its topic; empty if it has none.
        source: Node of the story that was told; empty if none was.
        clauses: The answer; clauses are added as they are sent.
        lead: How many clauses at its beginning only lead over to an older answer.
        told: Which variant was used, by key and number, so that it can be told again if it was not heard.
        heard_chars: Characters of the answer that have been heard so far.
        ended: Whether its sound is over.
        cut: Whether the answer was given up in the middle.
    """

    segment_id: int
    user: str
    question: str = ""
    entry: str = ""
    topic: str = ""
    source: str = ""
    clauses: list[Clause] = field(default_factory=lambda: [])
    lead: int = 0
    told: tuple[str, int] | None = None
    heard_chars: int = 0
    ended: bool = False
    cut: bool = False

    @property
    def answer(self) -> str:
        """The answer as it is meant to be said."""
        return " ".join(clause.text for clause in self.clauses)

    @property
    def heard(self) -> str:
        """The answer as it was heard: up to where it was cut, whole words only."""
        if not self.cut:
            return self.answer
        said, rest = self.answer[: self.heard_chars], self.answer[self.heard_chars :]
        if rest and not rest[0].isspace():
            said = said[: said.rfind(" ") + 1]
        return said.rstrip()


@dataclass
class Dialogue:
    """Short-term memory.

    Attributes:
        turns: The last ones, oldest first.
        uses: How often each variant of a text was told, by its key.
        pending: Entry that "yes" answers, because it was asked back or offered; empty if none.
        speaking: Turn that is being heard; 0 if none.
    """

    turns: list[Turn] = field(default_factory=lambda: [])
    uses: dict[str, list[int]] = field(default_factory=lambda: {})
    pending: str = ""
    speaking: int = 0

    def begin(self, segment_id: int, user: str) -> Turn:
        """Open a turn. A turn of the same number, which was not over after all, is replaced."""
        for older in self.turns:
            older.ended = older.ended or older.segment_id != self.speaking
        self.turns = [turn for turn in self.turns if turn.segment_id != segment_id][-_REMEMBERED_TURNS:]
        turn = Turn(segment_id, user)
        self.turns.append(turn)
        return turn

    def last_answer(self) -> Turn | None:
        """The last turn whose answer was heard, at least in part."""
        return next((turn for turn in reversed(self.turns) if turn.clauses and turn.heard), None)

    def say(self, segment_id: int, clause: Clause) -> None:
        """Note that a clause of a turn's answer was sent."""
        for turn in self.turns:
            if turn.segment_id == segment_id and clause.text:
                turn.clauses.append(clause)

    def hear(self, segment_id: int, chars: int, *, last: bool = False) -> None:
        """Note how much of a turn's answer has been heard.

        Args:
            segment_id: The turn; 0 for nothing being spoken.
            chars: Characters of its answer.
            last: Whether that is final: what was said with a lowered voice before it was cut has not been heard.
        """
        for turn in self.turns:
            if turn.segment_id == segment_id and last:
                turn.heard_chars = chars
            elif turn.segment_id == segment_id and not turn.cut:
                turn.heard_chars = max(turn.heard_chars, chars)
            elif turn.segment_id == self.speaking:
                turn.ended = True
                turn.cut = turn.cut or turn.heard_chars < len(turn.answer) - _TAIL_CHARS
        self.speaking = segment_id

    def give_up(self, segment_id: int) -> None:
        """Cut what was not heard off the answers up to a turn."""
        for turn in self.turns:
            late = turn.segment_id == segment_id and turn.heard_chars < len(turn.answer) - _TAIL_CHARS
            if turn.segment_id <= segment_id and not turn.cut and (late or not turn.ended):
                turn.cut = True
                if not turn.heard:
                    self._forget(turn)

    def take_up(self, segment_id: int) -> None:
        """Note that an answer which was given up goes on."""
        for turn in self.turns:
            if turn.segment_id == segment_id and turn.clauses:
                turn.cut = turn.ended = False

    def tell(self, turn: Turn, key: str, count: int, choose: int) -> int:
        """Choose a variant that was told least often, not the last one again, and remember it.

        Args:
            turn: The turn that it is told in.
            key: Names the text.
            count: How many variants there are.
            choose: Random number that decides among equals.
        """
        uses = self.uses.setdefault(key, [])
        uses += [0] * (count - len(uses))
        last = next((t.told[1] for t in reversed(self.turns) if t.told and t.told[0] == key), -1)
        others = [number for number in range(count) if number != last] or [last]
        fewest = min(uses[number] for number in others)
        fresh = [number for number in others if uses[number] == fewest]
        chosen = fresh[choose % len(fresh)]
        uses[chosen] += 1
        turn.told = (key, chosen)
        return chosen

    def told(self, key: str) -> int:
        """How many times a text was told, all variants together."""
        return sum(self.uses.get(key, ()))

    def export(self) -> dict[str, Any]:
        """Plain values."""
        return msgspec.to_builtins(self)

    @staticmethod
    def restore(values: dict[str, Any]) -> "Dialogue":
        """The dialogue that was exported."""
        return msgspec.convert(values, Dialogue)

    def _forget(self, turn: Turn) -> None:
        """Undo the telling of what nobody heard."""
        if turn.told:
            key, number = turn.told
            self.uses[key][number] -= 1
            turn.told = None
