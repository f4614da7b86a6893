"""What the character answers: the entry that was meant, in words it has not used yet, or what fits the dialogue."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from mio.character import Entry, Knowledge
from nodes.thinker.clauses import Clause, cut_clauses
from nodes.thinker.context import read_in_context
from nodes.thinker.dialogue import Dialogue, Turn
from nodes.thinker.lore import Lore
from nodes.thinker.understanding import Meaning, Understanding, Verdict

_OFFER = "{offer}"
_SILENCE = "[curious] <listen> Sorry?"  # for packs that do not say what to say
_CANNOT_KNOW = "[thoughtful] <shrug> I can't know that."


class Heard(NamedTuple):
    """What the user said.

    Attributes:
        text: The best hypothesis.
        alternatives: Other ones, best first.
        confidence: The recogniser's, 0..1.
    """

    text: str
    alternatives: Sequence[str] = ()
    confidence: float = 1.0


class Storyteller:
    """Answers out of the knowledge of a character pack. Its only state is the dialogue that it is given."""

    def __init__(self, knowledge: Knowledge, understanding: Understanding, lore: Lore | None = None) -> None:
        """Get ready.

        Args:
            knowledge: Of the pack.
            understanding: Of its entries.
            lore: Its story; None if it has none.
        """
        self._knowledge = knowledge
        self._understanding = understanding
        self._lore = lore
        self._entries = {entry.id: entry for entry in knowledge.entries}
        self._facts = [entry for entry in knowledge.entries if entry.kind == "fact"]

    def understand(self, heard: Heard, dialogue: Dialogue) -> Meaning:
        """What was meant, given what was said before."""
        last = dialogue.last_answer()
        topic = self._knowledge.topics.get(last.topic) if last else None
        readings = read_in_context([heard.text, *heard.alternatives], last, topic)
        meaning = self._understanding.understand(readings, heard.confidence)
        return self._lore.complete(meaning, readings) if self._lore else meaning

    def filler(self, turn: Turn, dialogue: Dialogue, random: np.random.Generator) -> list[Clause]:
        """Something to say while the answer takes long; nothing if the pack has no such thing."""
        fillers = self._knowledge.fillers
        if not fillers:
            return []
        return cut_clauses(fillers[dialogue.tell(turn, "fillers", len(fillers), int(random.integers(1 << 30)))])

    def answer(self, meaning: Meaning, turn: Turn, dialogue: Dialogue, random: np.random.Generator) -> list[Clause]:
        """Answer in character, and note in turn and dialogue what was told.

        Args:
            meaning: What was understood.
            turn: The turn to answer, already in the dialogue.
            dialogue: What was said before.
            random: Chooses among equals.
        """
        reply = _Reply(self._knowledge, self._entries, self._facts, self._lore, dialogue, turn, random)
        turn.question = "" if meaning.verdict in (Verdict.AHEAD, Verdict.RECALLED) else meaning.example
        return reply.to(meaning)


class _Reply:
    """One answer in the making."""

    def __init__(
        self,
        knowledge: Knowledge,
        entries: dict[str, Entry],
        facts: list[Entry],
        lore: Lore | None,
        dialogue: Dialogue,
        turn: Turn,
        random: np.random.Generator,
    ) -> None:
        self._knowledge = knowledge
        self._entries = entries
        self._facts = facts
        self._lore = lore
        self._dialogue = dialogue
        self._turn = turn
        self._random = random
        self._before = dialogue.last_answer()
        self._pending = entries.get(dialogue.pending)
        dialogue.pending = ""

    def to(self, meaning: Meaning) -> list[Clause]:
        entry = meaning.entry
        match meaning.verdict:
            case Verdict.CLEAR if entry is not None:
                return self._to_entry(entry)
            case Verdict.UNSURE if entry is not None and entry.topic in self._knowledge.topics:
                self._dialogue.pending = entry.id
                return self._say("unsure", self._knowledge.unsure, self._knowledge.topics[entry.topic].offer)
            case Verdict.AHEAD:
                return self._say("ahead", self._knowledge.ahead or [_CANNOT_KNOW])
            case Verdict.RECALLED:
                return self._recall(meaning.source, meaning.recalled)
            case Verdict.OFF_TOPIC:
                return self._say("off_topic", self._knowledge.off_topic, near=meaning.candidates)
            case _:
                return self._say("not_understood", self._knowledge.not_understood)

    def _to_entry(self, entry: Entry) -> list[Clause]:
        match entry.kind:
            case "fact" | "smalltalk":
                return self._tell(entry, "answers", entry.answers)
            case "repeat":
                return self._repeat(entry)
            case "yes" | "more" if self._pending:
                return self._tell(self._pending, "answers", self._pending.answers)
            case "more":
                return self._tell_more() or self._go_on() or self._otherwise(entry)
            case "why":
                return self._tell_why() or self._go_back() or self._otherwise(entry)
            case "off_topic":
                return self._say("off_topic", self._knowledge.off_topic)
            case "noise":
                return self._say("not_understood", self._knowledge.not_understood)
            case "yes" | "no":
                return self._otherwise(entry)

    def _tell(self, entry: Entry, field: str, variants: list[str]) -> list[Clause]:
        self._turn.entry = entry.id
        self._turn.topic = entry.topic
        self._dialogue.pending = entry.invites
        return self._say(f"{entry.id}.{field}", variants)

    def _repeat(self, entry: Entry) -> list[Clause]:
        if self._before is None:
            return self._otherwise(entry)
        self._turn.entry, self._turn.topic = self._before.entry, self._before.topic
        self._turn.question, self._turn.source = self._before.question, self._before.source
        lead = self._say(f"{entry.id}.answers", entry.answers) if entry.answers else []
        self._turn.lead = len(lead)
        return lead + self._before.clauses[self._before.lead :]

    def _tell_more(self) -> list[Clause]:
        """What is left to tell: about the last entry, then of its topic; nothing if all has been told."""
        entry = self._last_entry()
        if entry is None:
            return []
        if len(entry.more) > self._dialogue.told(f"{entry.id}.more"):
            return self._tell(entry, "more", entry.more)
        if entry.kind == "smalltalk":  # another joke, another poem
            left = len(entry.answers) > self._dialogue.told(f"{entry.id}.answers")
            return self._tell(entry, "answers", entry.answers) if left else []
        related = [e for e in self._facts if e.topic and e.topic == entry.topic]
        for other in related:
            if not self._told(other):
                return self._tell(other, "answers", other.answers)
        for other in related:
            if len(other.more) > self._dialogue.told(f"{other.id}.more"):
                return self._tell(other, "more", other.more)
        return []

    def _tell_why(self) -> list[Clause]:
        entry = self._last_entry()
        return self._tell(entry, "why", entry.why) if entry and entry.why else []

    def _recall(self, source: str, text: str) -> list[Clause]:
        """Tell something of the story, and note that it was told."""
        self._turn.source = source
        return self._say(f"story.{source}", [text]) if source else cut_clauses(text)

    def _go_on(self) -> list[Clause]:
        """Where the story goes on from what was told of it; nothing if that has been told or lies ahead."""
        onward = self._lore.more(self._before.source) if self._lore and self._before and self._before.source else []
        untold = next((node for node in onward if not self._dialogue.told(f"story.{node.id}")), None)
        return self._recall(untold.id, untold.text) if untold else []

    def _go_back(self) -> list[Clause]:
        """What brought about what was told of the story."""
        causes = self._lore.why(self._before.source) if self._lore and self._before and self._before.source else []
        return self._recall(causes[0].id, causes[0].text) if causes else []

    def _otherwise(self, entry: Entry) -> list[Clause]:
        return self._say(f"{entry.id}.otherwise", entry.otherwise or self._knowledge.not_understood)

    def _last_entry(self) -> Entry | None:
        return self._entries.get(self._before.entry) if self._before else None

    def _told(self, entry: Entry) -> bool:
        return self._dialogue.told(f"{entry.id}.answers") > 0

    def _say(
        self, key: str, variants: list[str], offer: str = "", near: list[tuple[Entry, float]] | None = None
    ) -> list[Clause]:
        if not variants:
            return cut_clauses(_SILENCE)
        choose = int(self._random.integers(1 << 30))
        text = variants[self._dialogue.tell(self._turn, key, len(variants), choose)]
        if _OFFER in text:
            text = text.replace(_OFFER, offer or self._offer(near or []))
        return cut_clauses(text)

    def _offer(self, near: list[tuple[Entry, float]]) -> str:
        """A topic to talk about that has not been told, near to what was asked if there is one; "yes" answers it."""
        known = [entry for entry in self._facts if entry.topic in self._knowledge.topics]
        untold = [entry for entry in known if not self._told(entry)] or known
        if not untold:
            return "something else"
        asked = {entry.topic for entry, _ in near}
        choices = [entry for entry in untold if entry.topic in asked] or untold
        chosen = choices[int(self._random.integers(len(choices)))]
        self._dialogue.pending = chosen.id
        return self._knowledge.topics[chosen.topic].offer
