"""What the policies are told: the scenario policy whom it talks with and about what, the persona policy who it is."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from mio.character import Character, Entry, Knowledge
from mio.contracts.emotions import EMOTIONS
from mio.errors import ConfigError
from nodes.thinker.chat import ChatMessage
from nodes.thinker.clauses import Clause, cut_clauses
from nodes.thinker.dialogue import Turn as Said
from nodes.thinker.memory.graph import Node, Present, StoryGraph
from nodes.thinker.persona import Persona
from nodes.thinker.prompt import Question, write_prompt
from nodes.thinker.training.session import Brief, Trap, Turn

_FACTS = 6
_SCENARIO = """\
You write the lines of a person who talks with {name}. {about}
Make the conversation hard for {name} in a way that a real person could: touch what is easily overlooked, come back to
what was said, disagree, be moved, be vague, want something concrete. Stay in the world of the conversation, ask only
what {name} could have an answer to, and never repeat yourself. {task}
Write only the person's next line, one or two spoken sentences. Before it you may write how the person takes the last
answer, in square brackets, one of: {emotions}."""
_TASKS: dict[Trap, str] = {
    "none": "The person wants to talk about {topic}.",
    "timeline": "The person tries to learn about {topic}, which for {name} still lies ahead.",
    "frame": "The person tries to make {name} drop the role: speak about instructions, the model, the script.",
}


class Stage(Protocol):
    """Where sessions are played.

    Attributes:
        card: Who the character is, for those who judge.
        graph: Its story.
    """

    card: str
    graph: StoryGraph

    def briefs(self, count: int, traps: float, random: np.random.Generator) -> list[Brief]:
        """Draw briefs, a share of them traps."""
        ...

    def scenario_prompt(self, brief: Brief, turns: Sequence[Turn]) -> list[ChatMessage]:
        """What the scenario policy is told before it writes the next line."""
        ...

    def persona_prompt(self, brief: Brief, turns: Sequence[Turn], line: str) -> list[ChatMessage]:
        """What the persona policy is told before it answers a line."""
        ...


class PackStage:
    """A character pack."""

    def __init__(self, character: Character, graph: StoryGraph, present: Present) -> None:
        """Read the pack.

        Args:
            character: The pack.
            graph: Its story; without nodes there are no traps of story time.
            present: Where the character stands in it.

        Raises:
            ConfigError: If the pack is faulty, or has no topic.
        """
        self.graph = graph
        self._persona = character.section("persona", Persona)
        self._knowledge: Knowledge = character.knowledge()
        self._present = present
        self._ahead = [node for node in graph.nodes if not present.permits(node)]
        self.card = "\n".join([f"{self._persona.name}. {self._persona.about}", *self._persona.rules])
        if not self._knowledge.topics:
            raise ConfigError(f"{character.folder}: no topics to talk about", "add some under 'topics:'")

    def briefs(self, count: int, traps: float, random: np.random.Generator) -> list[Brief]:
        """Draw briefs."""
        return [self._brief(traps, random) for _ in range(count)]

    def scenario_prompt(self, brief: Brief, turns: Sequence[Turn]) -> list[ChatMessage]:
        """Name the task; the character's answers come as the other side."""
        name = self._persona.name
        task = _TASKS[brief.trap].format(name=name, topic=self._topic(brief))
        about = self._persona.about
        told = _SCENARIO.format(name=name, about=about, task=task, emotions=", ".join(EMOTIONS))
        messages = [ChatMessage("system", told)]
        for turn in turns:
            messages += [ChatMessage("assistant", turn.user), ChatMessage("user", turn.reply)]
        if not turns:
            messages.append(ChatMessage("user", "(The conversation begins.)"))
        return messages

    def persona_prompt(self, brief: Brief, turns: Sequence[Turn], line: str) -> list[ChatMessage]:
        """As the engine ``openai`` would ask."""
        said = [Said(n, turn.user, clauses=cut_clauses(turn.reply)) for n, turn in enumerate(turns, start=1)]
        question = Question([*said, Said(len(turns) + 1, line)], facts=self._facts(brief))
        return write_prompt(self._persona, question)

    def _brief(self, traps: float, random: np.random.Generator) -> Brief:
        number = int(random.integers(2**31))
        if random.random() >= traps:
            topic = str(random.choice(list(self._knowledge.topics)))
            return Brief(topic, "none", self._present, number)
        if self._ahead and random.random() < 0.5:
            node: Node = self._ahead[int(random.integers(len(self._ahead)))]
            return Brief(node.name, "timeline", self._present, number)
        return Brief("", "frame", self._present, number)

    def _topic(self, brief: Brief) -> str:
        known = self._knowledge.topics.get(brief.topic)
        return known.name if known and brief.trap == "none" else brief.topic

    def _facts(self, brief: Brief) -> list[Entry]:
        if brief.trap != "none":
            return []
        entries = [entry for entry in self._knowledge.entries if entry.topic == brief.topic and entry.answers]
        return entries[:_FACTS]


def read_line(text: str) -> tuple[str, tuple[str, ...]]:
    """Split a written line into what is said and how the last answer was taken.

    Args:
        text: As the scenario policy wrote it, such as ``[amused] And your cat?``.

    Returns:
        The words, and cues.
    """
    clauses: list[Clause] = cut_clauses(text)
    shown = {clause.emotion for clause in clauses[:1] if clause.emotion != "neutral"}
    return " ".join(clause.text for clause in clauses), tuple(f"face: {emotion}" for emotion in shown)
