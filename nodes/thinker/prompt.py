"""What a language model is told: who it is, how to write, what it knows about the matter, and what was said."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from mio.character import Entry
from mio.contracts.emotions import EMOTIONS, GESTURES
from nodes.thinker.clauses import cut_clauses
from nodes.thinker.dialogue import Turn
from nodes.thinker.persona import Persona

_FORMAT = (
    "Your words are spoken aloud by a voice, so write plain speech: one to three short sentences, no lists, no "
    "markdown, no emoji, numbers in words. Before a sentence you may write how it is meant in square brackets, one of: "
    "{emotions}. After that you may write a gesture in angle brackets, one of: {gestures}. "
    "Example: [happy] <greet> Hello there. [curious] What would you like to know?"
)
_FACTS = "What you know that may have to do with what was just said (keep to it, do not invent more of the kind):"
_MISHEARD = "(This was recognised from speech and may be misheard. Other readings: {readings})"
_CUT = "(You were interrupted here.)"


class ChatMessage(NamedTuple):
    """A message of a chat completion."""

    role: Literal["system", "user", "assistant"]
    content: str


def write_prompt(
    persona: Persona, facts: Sequence[Entry], turns: Sequence[Turn], alternatives: Sequence[str] = ()
) -> list[ChatMessage]:
    """Write the messages.

    Args:
        persona: Who speaks.
        facts: What it knows about the matter.
        turns: The dialogue, oldest first; the last one is to be answered.
        alternatives: Other readings of what was said last.
    """
    messages = [ChatMessage("system", _system(persona, facts))]
    for turn in turns[:-1]:
        messages.append(ChatMessage("user", turn.user))
        if turn.heard:
            messages.append(ChatMessage("assistant", f"{turn.heard} {_CUT}" if turn.cut else turn.heard))
    misheard = f"\n{_MISHEARD.format(readings=' | '.join(alternatives))}" if alternatives else ""
    messages.append(ChatMessage("user", turns[-1].user + misheard))
    return messages


def _system(persona: Persona, facts: Sequence[Entry]) -> str:
    gestures = ", ".join(gesture for gesture in GESTURES if gesture != "none")
    paragraphs = [
        f"You are {persona.name}. {persona.about}".strip(),
        _listed("How you speak:", persona.manner),
        _listed("What you do and do not do:", persona.rules),
        _FORMAT.format(emotions=", ".join(EMOTIONS), gestures=gestures),
        _listed(_FACTS, [_fact(entry) for entry in facts]),
    ]
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph)


def _listed(title: str, lines: Sequence[str]) -> str:
    return "\n".join([title, *(f"- {line}" for line in lines)]) if lines else ""


def _fact(entry: Entry) -> str:
    said = " ".join(clause.text for text in entry.answers[:1] + entry.more[:1] for clause in cut_clauses(text))
    return f"{entry.questions[0]} {said}"
