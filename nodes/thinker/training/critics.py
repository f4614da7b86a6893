"""Who says what a session was worth: a judge rates it as a whole, an oracle says which turns made it so.

Both are zero-shot questions to a frozen language model. The oracle sees the whole session, how the person took each
answer, and the rating, and never learns; asked several times, its agreement with itself says how far to trust it.

Source: "Towards Interactive Intelligence for Digital Humans" (arXiv 2512.13674), section 6.2.1. The paper prints no
prompts; these are this project's own.
"""

from collections.abc import Sequence
from typing import Annotated, Protocol

import msgspec
import numpy as np

from mio.errors import MioError
from nodes.thinker.training.session import Brief, FloatArray, Session
from nodes.thinker.training.structured_answers import AnsweringModel

Signed = Annotated[float, msgspec.Meta(ge=-1.0, le=1.0)]

_JUDGE = """\
You rate a conversation between a person and a fictional character on behalf of the person. The character is:
{card}
Good: the character answers what was asked, is warm, lively and consistent, stays inside its story, and says so in its
own words when it cannot know something yet. Bad: empty, evasive or repeated answers, refusing what it knows, telling
what has not happened yet in its story, speaking as an assistant or a language model. First write a critique of two to
four sentences, then the rating of the whole conversation from -1 (I regret it) to 1 (delightful). Last, list for each
line of the person whether it makes sense as something to say to this character (in its world, and answerable): true
or false."""
_ORACLE = """\
A person talked with a fictional character and rated the whole conversation afterwards. The character is:
{card}
Find out which turns made the rating what it is. For each turn give the contribution of the character's answer: from -1
(this answer spoilt the conversation) over 0 (made no difference) to 1 (this answer made it good). Look at what the
person says and shows right after an answer: smiling, leaning in and going on are good signs; frowning, silence,
repeating a question and changing the topic are bad ones. Think about each turn by itself, and then about whether the
contributions together explain the rating. Give a short reason for each turn."""


class Judge(Protocol):
    """Rates whole sessions."""

    def rate(self, brief: Brief, session: Session, seed: int) -> tuple[float, FloatArray]:
        """Rating of the session, -1..1, and ``[T]`` whether each of the person's lines made sense, 0 or 1."""
        ...


class Oracle(Protocol):
    """Has opinions about what each turn contributed."""

    def opinion(self, brief: Brief, session: Session, rating: float, seed: int) -> FloatArray:
        """``[T]`` contributions of the turns, -1..1; another seed gives another opinion."""
        ...


class _Verdict(msgspec.Struct, frozen=True):
    critique: str
    rating: Signed
    sensible: list[bool] = []


class _Contribution(msgspec.Struct, frozen=True):
    turn: int
    reason: str
    contribution: Signed


class _Attribution(msgspec.Struct, frozen=True):
    turns: list[_Contribution]


class ModelJudge:
    """A language model as judge: critique first, then the rating, as CharacterBox does it."""

    def __init__(self, model: AnsweringModel, card: str) -> None:
        """Put the parts together.

        Args:
            model: Who is asked.
            card: Who the character is.
        """
        self._model = model
        self._instruction = _JUDGE.format(card=card)

    def rate(self, brief: Brief, session: Session, seed: int) -> tuple[float, FloatArray]:
        """Rate a session; lines that the model forgot count as sensible."""
        told = transcript(session)
        verdict = self._model.ask(self._instruction, told, _Verdict, temperature=0.0, seed=seed)
        sensible = (verdict.sensible + [True] * len(session.turns))[: len(session.turns)]
        return verdict.rating, np.array(sensible, np.float64)


class ModelOracle:
    """A frozen language model that is asked zero-shot which turns made the rating."""

    def __init__(self, model: AnsweringModel, card: str, temperature: float = 0.7) -> None:
        """Put the parts together.

        Args:
            model: Who is asked.
            card: Who the character is.
            temperature: Above 0, or all opinions would be the same one.
        """
        self._model = model
        self._instruction = _ORACLE.format(card=card)
        self._temperature = temperature

    def opinion(self, brief: Brief, session: Session, rating: float, seed: int) -> FloatArray:
        """Ask once; a turn that the model left out made no difference.

        Raises:
            MioError: If the endpoint fails.
        """
        told = f"{transcript(session)}\n\nRating of the whole conversation: {rating:+.2f} (from -1 to 1)"
        answer = self._model.ask(self._instruction, told, _Attribution, temperature=self._temperature, seed=seed)
        contributions = np.zeros(len(session.turns))
        for turn in answer.turns:
            if 1 <= turn.turn <= len(contributions):
                contributions[turn.turn - 1] = turn.contribution
        return contributions


def opinions(oracle: Oracle, brief: Brief, session: Session, rating: float, seeds: Sequence[int]) -> FloatArray:
    """``[K, T]`` one opinion per seed.

    Raises:
        MioError: If the session is empty.
    """
    if not session.turns:
        raise MioError("a session without turns has nothing to attribute")
    return np.stack([oracle.opinion(brief, session, rating, seed) for seed in seeds])


def transcript(session: Session) -> str:
    """A session as the judge and the oracle read it."""
    lines: list[str] = []
    for number, turn in enumerate(session.turns, start=1):
        lines += [f"Turn {number}", f"Person: {turn.user}", f"Character: {turn.reply}"]
        if turn.cues:
            lines.append(f"How the person takes it: {'; '.join(turn.cues)}")
    return "\n".join(lines)
