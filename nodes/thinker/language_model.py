"""The engine ``openai``: a language model answers in character; the character pack answers when it cannot."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mio.contracts.engine import Output, Outputs
from mio.contracts.messages import Message, Transcript, VideoFrame
from nodes.thinker.background import Background, Recollecting
from nodes.thinker.chat import Event, Failed, Finished, Token
from nodes.thinker.clauses import Clause, ClauseCutter
from nodes.thinker.config import OpenAIConfig
from nodes.thinker.dialogue import Turn
from nodes.thinker.endpoint import Endpoint
from nodes.thinker.languages import language_of
from nodes.thinker.memory.gate import GateError
from nodes.thinker.memory.reminding import describe
from nodes.thinker.persona import Persona
from nodes.thinker.prompt import Question, write_prompt
from nodes.thinker.reply_format import ReplyReader
from nodes.thinker.sight import Sight
from nodes.thinker.storyteller import Heard, Storyteller
from nodes.thinker.turns import Phase, TurnTaker
from nodes.thinker.understanding import Meaning, Verdict

_log = logging.getLogger(__name__)

_DISOBEYED = 2  # answers in a row that are no JSON, after which it is not asked for any more


@dataclass
class _Thought:
    """A request in progress.

    Attributes:
        turn: The turn that it answers.
        meaning: What the pack understands, for the case that it has to answer.
        asked_ns: Tick at which it began; 0 before the first one.
        reader: Reads what the model writes.
        cutter: Cuts the answer into clauses.
        said: Whether the model has said anything.
        looks_thoughtful: Whether the avatar has been told to.
        filled: Whether something was said to fill the time.
    """

    turn: Turn
    meaning: Meaning
    asked_ns: int
    reader: ReplyReader
    cutter: ClauseCutter
    said: bool = False
    looks_thoughtful: bool = False
    filled: bool = False


class LanguageModelEngine(TurnTaker):
    """Streams the model's answer clause by clause."""

    tick_hz = 50.0

    def __init__(
        self,
        config: OpenAIConfig,
        endpoint: Endpoint,
        storyteller: Storyteller,
        persona: Persona,
        *,
        seed: int,
        memory: Recollecting | None = None,
    ) -> None:
        """Put the parts together.

        Args:
            config: Times and sizes.
            endpoint: Where the model is.
            storyteller: Finds what the pack knows about the matter, and answers when the model cannot.
            persona: Who the model is told to be.
            seed: Of the choice among answers that fit equally.
            memory: Recalls the story so far and the person; left out, only the pack's answers are known.
        """
        super().__init__(language=persona.language, seed=seed)
        self._config = config
        self._endpoint = endpoint
        self._storyteller = storyteller
        self._persona = persona
        self._memory = memory
        self._sight = Sight(config.picture_px)
        self._disobeyed = 0
        self._thought: _Thought | None = None
        self._now_ns = 0
        self._down_until_ns = 0
        self._resume = False

    def step(self, port: str, message: Message) -> Outputs:
        """See :class:`~mio.contracts.engine.Engine`."""
        if isinstance(message, VideoFrame):
            self._sight.see(message, self._now_ns)
            return ()
        return super().step(port, message)

    def import_state(self, state: dict[str, Any]) -> None:
        """Take over; an answer that the model had not begun is asked for again, a begun one ends where it is."""
        super().import_state(state)
        answer = self._state.answer
        self._resume = answer is not None and not answer.complete and answer.index == 0
        if answer is not None and not self._resume:
            answer.complete = True

    def open(self) -> None:
        """Get ready to connect."""
        self._endpoint.open()

    def close(self) -> None:
        """End the connection; keep what was said last."""
        self._endpoint.close()
        super().close()

    def _think(self, heard: Transcript) -> Outputs:
        dialogue = self._state.dialogue
        meaning = self._storyteller.understand(Heard(heard.text, heard.alternatives, heard.confidence), dialogue)
        yield None
        turn = dialogue.begin(heard.segment_id, heard.text)
        turn.question = meaning.example
        if meaning.entry is not None and meaning.verdict is Verdict.CLEAR:
            turn.topic = meaning.entry.topic
        if self._now_ns < self._down_until_ns or not self._ask(turn, meaning, heard):
            yield from self._answer_from_pack(turn, meaning)

    def _drop(self) -> None:
        if self._thought is not None:
            self._endpoint.cancel()
            self._thought = None

    def _pass_time(self, mono_ns: int) -> Outputs:
        self._now_ns = mono_ns
        if self._resume:
            yield from self._ask_again()
        if self._state.phase is not Phase.PREPARING:
            self._endpoint.let_act()
        for event in self._endpoint.poll():
            yield from self._hear(event)
        yield from self._fill_the_time()
        yield from self._send()

    def _ask(self, turn: Turn, meaning: Meaning, heard: Transcript) -> bool:
        """Send the question to the model; false if it must not be sent."""
        dialogue = self._state.dialogue
        language = self._language_of(heard)
        question = Question(
            turns=dialogue.turns[-1 - self._config.history_turns :],
            alternatives=heard.alternatives,
            facts=[e for e, _ in meaning.candidates if e.kind in ("fact", "smalltalk")][: self._config.facts],
            background=self._recall(heard.text, meaning),
            person=describe(self._in_mind()),
            picture=self._sight.picture(self._now_ns) if self._config.sees else "",
            language=language,
        )
        structured = self._config.structured and self._disobeyed < _DISOBEYED
        try:
            messages = write_prompt(self._persona, question, structured=structured)
        except GateError as error:
            _log.error("language model: not asked, %s", error)
            return False
        if self._state.answer is not None:
            self._state.answer.language = language
        self._endpoint.ask(messages, structured=structured)
        reader = ReplyReader(expecting=structured)
        self._thought = _Thought(turn, meaning, self._now_ns, reader, ClauseCutter(eager=True))
        return True

    def _recall(self, question: str, meaning: Meaning) -> Background | None:
        """What the story tells of a question, and the one bit whether it tells more of it later."""
        if self._memory is None:
            return None
        recalled = self._memory.background(question, self._state.dialogue)
        return recalled._replace(lies_ahead=meaning.verdict is Verdict.AHEAD)

    def _language_of(self, heard: Transcript) -> str:
        """What the person speaks; recognised speech says so, typed words are looked at."""
        if heard.source == "speech" and heard.language != self._persona.language:
            return heard.language
        return language_of(heard.text, self._persona.language)

    def _ask_again(self) -> Iterator[Output]:
        """Go on where a predecessor stood."""
        self._resume = False
        turn = self._state.dialogue.turns[-1]
        meaning = self._storyteller.understand(Heard(turn.user), self._state.dialogue)
        language = self._state.answer.language if self._state.answer is not None else ""
        heard = Transcript(text=turn.user, language=language or self._persona.language)
        if not self._ask(turn, meaning, heard):
            yield from self._answer_from_pack(turn, meaning)

    def _hear(self, event: Event) -> Iterator[Output]:
        thought = self._thought
        if thought is None:
            return
        match event:
            case Token(text):
                clauses = thought.cutter.feed(thought.reader.feed(text))
                thought.said = thought.said or bool(clauses)
                yield from self._say(clauses, complete=False)
            case Finished():
                clauses = thought.cutter.feed(thought.reader.finish()) + thought.cutter.finish()
                self._judge_form(thought.reader)
                yield from self._finish(thought, clauses, "")
            case Failed(reason):
                yield from self._finish(thought, [], reason)

    def _judge_form(self, reader: ReplyReader) -> None:
        """Stop asking for JSON from a model that does not write it."""
        if not self._config.structured or self._disobeyed >= _DISOBEYED:
            return
        self._disobeyed = 0 if reader.obeyed else self._disobeyed + 1
        if self._disobeyed >= _DISOBEYED:
            _log.warning("language model: it does not write JSON; from now on it is asked for text with marks")

    def _finish(self, thought: _Thought, clauses: list[Clause], problem: str) -> Iterator[Output]:
        """Say what is left of the answer; if there was none at all, answer from the pack."""
        self._thought = None
        if thought.said or clauses:
            if problem:
                _log.warning("language model: %s; the answer ends there", problem)
            yield from self._say(clauses, complete=True)
            return
        _log.warning("language model: %s; the character pack answers", problem or "the answer has no words")
        self._down_until_ns = self._now_ns + round(self._config.down_s * 1e9)
        yield from self._answer_from_pack(thought.turn, thought.meaning)

    def _answer_from_pack(self, turn: Turn, meaning: Meaning) -> Iterator[Output]:
        if self._state.answer is not None:
            self._state.answer.language = ""
        clauses = self._storyteller.answer(meaning, turn, self._state.dialogue, self._random)
        yield from self._say(clauses, complete=True)

    def _fill_the_time(self) -> Iterator[Output]:
        """Look thoughtful, and later say so, while nothing comes."""
        thought, answer = self._thought, self._state.answer
        if thought is None or answer is None or thought.said or self._state.phase is not Phase.ANSWERING:
            return
        thought.asked_ns = thought.asked_ns or self._now_ns
        waited_s = (self._now_ns - thought.asked_ns) * 1e-9
        if waited_s >= self._config.thinking_after_s and not thought.looks_thoughtful:
            thought.looks_thoughtful = True
            yield self._motion(answer, "think", -1)
        if waited_s >= self._config.filler_after_s and not thought.filled:
            thought.filled = True
            if answer.language not in ("", self._persona.language):  # the pack's words are in another language
                return
            filler = self._storyteller.filler(thought.turn, self._state.dialogue, self._random)
            yield from self._say(filler, complete=False)
