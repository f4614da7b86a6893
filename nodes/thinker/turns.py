"""Taking turns: what every thinking engine does with transcripts, interruptions and the clock."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

import msgspec
import numpy as np

from mio.contracts.emotions import Gesture
from mio.contracts.engine import Engine, Output, Outputs
from mio.contracts.messages import Clock, Interrupt, Message, MotionPrompt, Reply, Tick, Transcript
from nodes.thinker.acquaintance import Acquaintance
from nodes.thinker.clauses import Clause
from nodes.thinker.dialogue import Dialogue, Turn
from nodes.thinker.gestures import DESCRIPTIONS
from nodes.thinker.memory.recollection import Remembered

_LONGEST_CHARS = 20_000  # ten minutes of speech have about 10,000


class Phase(Enum):
    """Where the thinker stands.

    Transitions: ``IDLE`` -> ``LISTENING`` at an unfinished transcript; any -> ``PREPARING`` at one of a turn that seems
    to end there, which is thought about already; ``PREPARING`` -> ``LISTENING`` if other words follow, what was thought
    is forgotten; any -> ``ANSWERING`` at a finished one; ``ANSWERING`` -> ``HELD`` when the user speaks over the answer
    (``duck``, or an unfinished transcript of a newer turn); ``HELD`` -> ``ANSWERING`` at ``resume``; ``PREPARING``,
    ``ANSWERING``, ``HELD`` -> ``IDLE`` when the last clause is sent or the turn is given up. Clauses are sent in
    ``ANSWERING`` only.
    """

    IDLE = "idle"
    LISTENING = "listening"
    PREPARING = "preparing"
    ANSWERING = "answering"
    HELD = "held"


@dataclass
class Answer:
    """The answer that is being sent.

    Attributes:
        segment_id: Its turn.
        session: Its conversation.
        origin_ns: When the user had finished speaking.
        index: Number of the next clause.
        char: Offset of the next clause in the turn's text.
        moved: Number of the last clause whose motion has been sent; -1 if none has.
        waiting: Clauses that are not sent yet.
        complete: Whether no more clauses will come.
        question: What is answered.
        language: Language of the answer, BCP 47; empty for the character's own.
    """

    segment_id: int
    session: str
    origin_ns: int
    index: int = 0
    char: int = 0
    moved: int = -1
    waiting: list[Clause] = field(default_factory=lambda: [])
    complete: bool = False
    question: str = ""
    language: str = ""


@dataclass
class Memory:
    """What thinking changes, as it was before an answer was prepared that may not be wanted.

    Attributes:
        dialogue: What was said.
        random: State of the random generator.
    """

    dialogue: dict[str, Any]
    random: dict[str, Any]


@dataclass
class State:
    """All that a thinking engine remembers.

    Attributes:
        phase: Where it stands.
        answer: What is being answered; None if nothing is.
        dialogue: What was said.
        given_up: Newest turn that was given up; -1 if none was.
        before: What was known before the answer in preparation; None if none is being prepared.
        conversation: Names the conversation; empty before its first turn.
        session: Its session.
        remembered: What is known of the person from earlier and from turns that are over.
        kept: Newest turn that is over, and kept if it is to be; -1 if none is.
    """

    phase: Phase = Phase.IDLE
    answer: Answer | None = None
    dialogue: Dialogue = field(default_factory=Dialogue)
    given_up: int = -1
    before: Memory | None = None
    conversation: str = ""
    session: str = ""
    remembered: Remembered = field(default_factory=Remembered)
    kept: int = -1


class TurnTaker(Engine):
    """Base of the thinking engines. A subclass says how to think in :meth:`_think` and what to do when time passes."""

    def __init__(self, *, language: str, seed: int) -> None:
        self._language = language
        self._random = np.random.default_rng(seed)
        self._state = State()
        self._acquaintance = Acquaintance()
        self._character = ""

    def meet(self, acquaintance: Acquaintance) -> None:
        """Recall the person who is talked to, and keep in memory what is said from now on."""
        self._acquaintance = acquaintance
        self._state.remembered = acquaintance.recall()

    def play(self, character: str) -> None:
        """Say whose words these are: a successor that plays somebody else begins a dialogue of its own."""
        self._character = character

    def step(self, port: str, message: Message) -> Outputs:
        """See :class:`~mio.contracts.engine.Engine`."""
        match message:
            case Transcript(final=True):
                return self._take_turn(message)
            case Transcript(soft=True):
                return self._prepare(message)
            case Transcript():
                return self._listen(message)
            case Interrupt():
                return self._interrupt(message)
            case Clock():
                self._state.dialogue.hear(message.segment_id, message.heard_char, last=message.fin)
            case Tick():
                return self._pass_time(message.mono_ns)
            case _:
                pass
        return ()

    def at_boundary(self) -> bool:
        """Between two answers."""
        return self._state.answer is None

    def export_state(self) -> dict[str, Any]:
        """See :class:`~mio.contracts.engine.Engine`."""
        generator = self._random.bit_generator.state
        state = msgspec.to_builtins(self._state)
        return {"version": 1, "character": self._character, "random": generator, "state": state}

    def import_state(self, state: dict[str, Any]) -> None:
        """See :class:`~mio.contracts.engine.Engine`."""
        if state.get("version") != 1:
            return
        former = msgspec.convert(state["state"], State)
        if state.get("character", self._character) != self._character:
            self._state.given_up = former.given_up
            return
        self._random.bit_generator.state = state["random"]
        self._state = former

    def close(self) -> None:
        """Keep what has been heard of the last turn."""
        turns = self._state.dialogue.turns
        self._keep_turns([*turns[:-1], *(replace(turn, cut=turn.cut or not turn.ended) for turn in turns[-1:])])
        self._acquaintance.close()

    def _think(self, heard: Transcript) -> Outputs:
        """Find the answer to a finished turn; clauses go through :meth:`_say`."""
        raise NotImplementedError

    def _drop(self) -> None:
        """Stop thinking about the answer in progress."""

    def _pass_time(self, mono_ns: int) -> Outputs:
        """Do what is due."""
        return ()

    def _take_turn(self, heard: Transcript) -> Outputs:
        """Answer; with what has been prepared if these are the words that it was prepared for."""
        state = self._state
        if heard.segment_id <= state.given_up:
            return
        self._go_on(heard)
        answer = state.answer
        if state.phase is Phase.PREPARING and answer is not None and _is_for(answer, heard):
            answer.origin_ns = heard.origin_ns
            state.phase, state.before = Phase.ANSWERING, None
            yield from self._send()
            return
        self._forget_prepared()
        yield from self._begin(heard, Phase.ANSWERING)

    def _go_on(self, heard: Transcript) -> None:
        """Keep the turns that this one follows; begin a conversation if it is the first of its session."""
        state = self._state
        self._keep_turns([turn for turn in state.dialogue.turns if turn.segment_id < heard.segment_id])
        if not state.conversation or state.session != heard.session:
            state.session, state.conversation = heard.session, f"{heard.session} {heard.origin_ns}"

    def _keep_turns(self, turns: Sequence[Turn]) -> None:
        """Keep those turns of which something has been heard and that are not kept yet."""
        state = self._state
        over = [turn for turn in turns if turn.segment_id > state.kept and turn.heard]
        if over:
            state.kept = over[-1].segment_id
            state.remembered = self._acquaintance.in_mind(state.remembered, over)
            if not self.rehearsal:
                self._acquaintance.keep(state.conversation, over)

    def _in_mind(self) -> Remembered:
        """What is known of the person, also from turns before this one that are not kept yet."""
        state = self._state
        current = state.answer.segment_id if state.answer is not None else 0
        older = [turn for turn in state.dialogue.turns if state.kept < turn.segment_id < current and turn.heard]
        return self._acquaintance.in_mind(state.remembered, older)

    def _prepare(self, heard: Transcript) -> Outputs:
        """Think about a turn that seems to be over, and keep the answer until it is."""
        state = self._state
        if heard.segment_id <= state.given_up or state.phase in (Phase.ANSWERING, Phase.HELD):
            return
        if state.phase is Phase.PREPARING and state.answer is not None and _is_for(state.answer, heard):
            return
        self._forget_prepared()
        state.before = Memory(state.dialogue.export(), dict(self._random.bit_generator.state))
        yield from self._begin(heard, Phase.PREPARING)

    def _begin(self, heard: Transcript, phase: Phase) -> Outputs:
        self._abandon()
        if len(heard.text) > _LONGEST_CHARS:
            heard = msgspec.structs.replace(heard, text=heard.text[-_LONGEST_CHARS:])
        self._state.answer = Answer(heard.segment_id, heard.session, heard.origin_ns, question=heard.text)
        self._state.phase = phase
        yield from self._think(heard)

    def _forget_prepared(self) -> None:
        """Undo what was thought about words that went on."""
        before, self._state.before = self._state.before, None
        if before is not None:
            self._abandon()
            self._state.dialogue = Dialogue.restore(before.dialogue)
            self._random.bit_generator.state = before.random

    def _listen(self, heard: Transcript) -> Outputs:
        """While the user's turn is open nothing is sent."""
        answer = self._state.answer
        if self._state.phase is Phase.PREPARING and answer is not None and not _is_for(answer, heard):
            self._forget_prepared()
            answer = None
        if answer is None:
            self._state.phase = Phase.LISTENING
        elif heard.segment_id > answer.segment_id:
            self._state.phase = Phase.HELD
        return ()

    def _interrupt(self, message: Interrupt) -> Outputs:
        answer = self._state.answer
        match message.action:
            case "commit":
                self._state.given_up = max(self._state.given_up, message.segment_id)
                self._forget_prepared()
                if answer is not None and answer.segment_id <= message.segment_id:
                    self._abandon()
                self._state.dialogue.give_up(message.segment_id)
            case "duck" if answer is not None and self._state.phase is Phase.ANSWERING:
                self._state.phase = Phase.HELD
            case "resume" if answer is not None and self._state.phase is Phase.HELD:
                self._state.phase = Phase.ANSWERING
                return self._send()
            case "resume" if self._state.given_up == message.segment_id:
                self._state.given_up -= 1
                self._state.dialogue.take_up(message.segment_id)
            case _:
                pass
        return ()

    def _abandon(self) -> None:
        self._drop()
        self._state.answer = None
        self._state.phase = Phase.IDLE

    def _say(self, clauses: Sequence[Clause], *, complete: bool) -> Iterator[Output]:
        """Queue clauses of the current answer and send what may be sent."""
        answer = self._state.answer
        if answer is not None:
            answer.waiting.extend(clauses)
            answer.complete = answer.complete or complete
            yield from self._send()

    def _send(self) -> Iterator[Output]:
        """Send what waits, as long as nobody speaks over it."""
        while (answer := self._state.answer) is not None and self._state.phase is Phase.ANSWERING:
            if not answer.waiting:
                if answer.complete:
                    yield self._end(answer)
                return
            clause = answer.waiting[0]
            if clause.gesture != "none" and answer.moved < answer.index:
                answer.moved = answer.index
                yield self._motion(answer, clause.gesture, answer.index)
                continue
            del answer.waiting[0]
            yield self._reply(answer, clause, fin=answer.complete and not answer.waiting)

    def _end(self, answer: Answer) -> Output:
        """Say that nothing more comes."""
        return self._reply(answer, Clause(""), fin=True)

    def _reply(self, answer: Answer, clause: Clause, *, fin: bool) -> Output:
        """The message for a clause, noted as said."""
        reply = Reply(
            text=clause.text,
            index=answer.index,
            first_char=answer.char if clause.text else max(0, answer.char - 1),
            emotion=clause.emotion,
            intensity=clause.intensity,
            language=answer.language or self._language,
            session=answer.session,
            segment_id=answer.segment_id,
            origin_ns=answer.origin_ns,
            fin=fin,
        )
        answer.index += 1
        answer.char += len(clause.text) + 1
        self._state.dialogue.say(answer.segment_id, clause)
        if fin:
            self._state.answer = None
            self._state.phase = Phase.IDLE
        return "reply", reply

    def _motion(self, answer: Answer, gesture: Gesture, index: int) -> Output:
        prompt = MotionPrompt(
            text=DESCRIPTIONS[gesture],
            gesture=gesture,
            index=index,
            session=answer.session,
            segment_id=answer.segment_id,
            origin_ns=answer.origin_ns,
        )
        return "motion", prompt


def _is_for(answer: Answer, heard: Transcript) -> bool:
    """Whether an answer is one to these words."""
    return answer.segment_id == heard.segment_id and answer.question == heard.text[-_LONGEST_CHARS:]
