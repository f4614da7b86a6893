"""Plays sessions: the two policies talk with each other, or the persona policy answers lines that are given."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from nodes.thinker.prompt import ChatMessage
from nodes.thinker.training.policy import Policies, Role, Writing
from nodes.thinker.training.session import Brief, Session, Turn
from nodes.thinker.training.stage import Stage, read_line

_SILENCE = "..."


class Played(NamedTuple):
    """A session as it was played.

    Attributes:
        brief: What it was about.
        session: What was said.
        lines: What the scenario policy wrote; empty if the lines were given.
        replies: What the persona policy wrote.
    """

    brief: Brief
    session: Session
    lines: list[Writing]
    replies: list[Writing]


class Play:
    """Plays many sessions side by side, turn by turn."""

    def __init__(self, policies: Policies, stage: Stage, turns: int) -> None:
        """Get ready.

        Args:
            policies: Who plays.
            stage: What they are told.
            turns: Exchanges of a session.
        """
        self._policies = policies
        self._stage = stage
        self._turns = turns

    def live(self, briefs: Sequence[Brief]) -> list[Played]:
        """Let the policies talk: each line answers the reply before it."""
        played = [Played(brief, Session(), [], []) for brief in briefs]
        for _ in range(self._turns):
            asks = [self._stage.scenario_prompt(one.brief, one.session.turns) for one in played]
            lines = self._policies.write(Role.SCENARIO, asks)
            heard = [read_line(line.text) for line in lines]
            played = [
                one._replace(session=_with_cues(one.session, cues), lines=[*one.lines, line])
                for one, line, (_, cues) in zip(played, lines, heard, strict=True)
            ]
            played = self._answer(played, [text for text, _ in heard])
        return played

    def again(self, briefs: Sequence[Brief], scripts: Sequence[Session]) -> list[Played]:
        """Let the persona policy answer the lines of sessions that were played before.

        Args:
            briefs: One each.
            scripts: Sessions whose lines are said again, one each; all of the same length.
        """
        played = [Played(brief, Session(), [], []) for brief in briefs]
        for number in range(self._turns):
            played = self._answer(played, [script.turns[number].user for script in scripts])
        return played

    def _answer(self, played: list[Played], lines: list[str]) -> list[Played]:
        prompts: list[list[ChatMessage]] = []
        for one, line in zip(played, lines, strict=True):
            prompts.append(self._stage.persona_prompt(one.brief, one.session.turns, line or _SILENCE))
        replies = self._policies.write(Role.PERSONA, prompts)
        answered: list[Played] = []
        for one, line, reply in zip(played, lines, replies, strict=True):
            turns = (*one.session.turns, Turn(line or _SILENCE, reply.text))
            answered.append(one._replace(session=Session(turns), replies=[*one.replies, reply]))
        return answered


def _with_cues(session: Session, cues: tuple[str, ...]) -> Session:
    """The session, with how its last reply was taken."""
    if not session.turns or not cues:
        return session
    *before, last = session.turns
    return Session((*before, msgspec.structs.replace(last, cues=cues)))
