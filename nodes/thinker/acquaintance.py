"""Who the person is that is talked to: keeps what was said once it is over, and recalls it in the next conversation.

Only turns that are over are kept, with what was heard of their answers. An answer that is prepared, a turn that the
user goes on with, and one whose answer nobody heard leave no trace.
"""

import copy
import logging
from collections.abc import Sequence

from nodes.thinker.clauses import Clause, cut_clauses
from nodes.thinker.dialogue import Turn
from nodes.thinker.memory.people import People, Said
from nodes.thinker.memory.recollection import Remembered
from nodes.thinker.memory.reminding import acknowledge, answer_about_person, welcome
from nodes.thinker.memory.schema import MemoryFileError
from nodes.thinker.memory.told import promised_by_character, told_by_user
from nodes.thinker.words import plain

LANGUAGE = "en"  # of the words in which a person is asked about, answered and understood here

_log = logging.getLogger(__name__)


class Acquaintance:
    """One person, and what is known of them."""

    def __init__(self, people: People | None = None, person: str = "", topics: dict[str, str] | None = None) -> None:
        """Get to know somebody.

        Args:
            people: Where they are kept; None if nothing is to last longer than the conversation.
            person: By what name.
            topics: What the character calls its topics, by key.
        """
        self._people = people
        self._person = person
        self._topics = topics or {}

    def recall(self) -> Remembered:
        """What comes to mind when they are met; nothing if the memory cannot be read, which is logged."""
        if self._people is None:
            return Remembered()
        try:
            return self._people.recall(self._person)
        except MemoryFileError as error:
            _log.error("nothing is remembered of '%s': %s", self._person, error)
            return Remembered()

    def in_mind(self, remembered: Remembered, turns: Sequence[Turn]) -> Remembered:
        """What is known if turns that are not kept yet are counted in."""
        known = copy.copy(remembered)
        for turn in turns:
            known.learn(self._said(turn).told)
        return known

    def keep(self, conversation: str, turns: Sequence[Turn]) -> None:
        """Write turns that are over; what cannot be written is logged and the conversation goes on."""
        if self._people is None or not turns:
            return
        try:
            self._people.keep(self._person, conversation, [self._said(turn) for turn in turns])
        except MemoryFileError as error:
            _log.error("not remembered: %s", error)

    def close(self) -> None:
        """Release the memory."""
        if self._people is not None:
            self._people.close()

    def _said(self, turn: Turn) -> Said:
        told = [*told_by_user(turn.user), *promised_by_character(turn.heard)]
        return Said(turn.segment_id, turn.user, turn.heard, self._topics.get(turn.topic, ""), told)


def reply_about_person(text: str, known: Remembered) -> list[Clause]:
    """The answer to a question of the person about themselves; empty if it is another one."""
    answer = answer_about_person(plain(text), known)
    return cut_clauses(answer) if answer else []


def reply_to_telling(text: str, choose: int) -> list[Clause]:
    """What to say when the person told something of themselves and there is no better answer; empty if they did not."""
    words = acknowledge(told_by_user(text), choose)
    return cut_clauses(words) if words else []


def reply_to_return(text: str, known: Remembered) -> list[Clause]:
    """What to say before the answer to a greeting, if the person has been here before."""
    words = welcome(plain(text), known)
    return cut_clauses(words) if words else []
