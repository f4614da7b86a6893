"""Answers about the person who is talked to, out of what is remembered of them. English; pure functions."""

import re
from collections.abc import Sequence

from nodes.thinker.memory.recollection import Kind, Recollection, Remembered

_ASKED: tuple[tuple[str, str], ...] = (
    ("name", r"what(?:'s| is) my name|(?:know|remember|forgotten|forgot) my name|who am i\b"),
    ("home", r"where (?:do i (?:live|come from)|am i from)|remember where i live"),
    ("work", r"what(?:'s| is) my job|what do i do for a living|what do i work|where do i work|remember my job"),
    ("birthday", r"when(?:'s| is) my birthday|remember my birthday"),
    ("likes", r"what do i (?:like|love|enjoy)|remember what i (?:like|love|enjoy)|what i said i (?:like|love)"),
    (
        "dislikes",
        r"what do(?: i not|n't i) like|what do i (?:hate|dislike)|remember what i (?:hate|dislike|don't like)",
    ),
    ("promise", r"what did i promise|remember what i promised|remember my promise"),
    ("promised_to_them", r"what did you promise|remember what you promised"),
    ("plan", r"what am i (?:going|planning) to do|remember my plans?|what are my plans"),
    ("last", r"what did we talk about|remember (?:what we talked about|our last (?:talk|conversation))"),
    ("all", r"you remember me\b|what do you (?:know|remember) (?:about|of) me|what (?:did i tell|have i told) you"),
)
_PATTERNS = [(kind, re.compile(text)) for kind, text in _ASKED]
_RELATION = re.compile(r"(?:what|who)(?:'s| is) my (\w+)(?:'s name| called| named)?$|remember my (\w+)(?:'s name)?$")
_GREETING = re.compile(r"^(?:hello|hi|hey|good (?:morning|afternoon|evening|day))\b")

_TOLD: dict[Kind, str] = {
    "name": "[tender] You are {what}.",
    "home": "[thoughtful] You told me: {words}.",
    "work": "[thoughtful] You told me: {words}.",
    "birthday": "[happy] Your birthday is {what}.",
    "relation": "[tender] Your {of}? You told me: {words}.",
    "has": "[happy] You have {what}.",
    "likes": "[happy] You like {what}.",
    "dislikes": "[thoughtful] You don't like {what}.",
    "plan": "[curious] You wanted to {what}.",
    "promise": "[amused] You promised to {what}.",
    "promised_to_them": "[tender] I promised to {what}.",
}
_UNKNOWN = "[curious] You haven't told me that yet. <listen> Tell me, and I'll keep it."
_STRANGER = "[curious] You haven't told me anything about yourself yet. <listen> I'd like to know."
_KNOWN_BEFORE = "[tender] Of course. We have talked before."
_TALKED = "[thoughtful] Last time we talked about {what}."
_NEVER_TALKED = "[curious] This is the first time that we talk, I think."
_WELCOME = "[happy] {name}! Good to hear you again."

_NOTED = (
    "[tender] <nod> I'll remember that.",
    "[happy] That I'll keep in mind.",
    "[tender] Good to know. I'll keep that.",
)
_NOTED_NAME = ("[happy] {name}. <nod> I'll remember that.", "[tender] Good to meet you, {name}.")

_TURNED = {"i": "you", "me": "you", "my": "your", "mine": "yours", "you": "me", "your": "my", "yours": "mine"}
_YOU = re.compile(rf"\b(?:{'|'.join(_TURNED)})\b", re.IGNORECASE)

_MOST = 3  # that are told of one kind


def answer_about_person(question: str, remembered: Remembered) -> str | None:
    """Answer a question of the person about themselves.

    Args:
        question: Plain words (see :func:`~nodes.thinker.words.plain`).
        remembered: What is in mind of them.

    Returns:
        The answer with its marks; None if that is not what was asked.
    """
    relation = _RELATION.search(question)
    if relation is not None:
        of = relation.group(1) or relation.group(2)
        known = [told for told in remembered.of_kind("relation") if told.of == of]
        if known:
            return _tell(known)
    for asked, pattern in _PATTERNS:
        if pattern.search(question):
            return _answer(asked, remembered)
    return None


def welcome(text: str, remembered: Remembered) -> str | None:
    """What to say before the answer to a greeting, if the person has been here and has said their name."""
    if remembered.before and remembered.name and _GREETING.match(text):
        return _WELCOME.format(name=remembered.name)
    return None


def acknowledge(told: Sequence[Recollection], choose: int) -> str | None:
    """What to say when the person has told something of themselves; None if they have not.

    Args:
        told: What they told.
        choose: Random number that decides among equals.
    """
    if not told:
        return None
    name = next((recollection.what for recollection in told if recollection.kind == "name"), "")
    choices = _NOTED_NAME if name else _NOTED
    return choices[choose % len(choices)].format(name=name)


def describe(remembered: Remembered) -> list[str]:
    """What is in mind, a line each, for a language model."""
    lines = [
        f"{told.kind.replace('_', ' ')}: {told.of + ': ' if told.of else ''}{told.what}" for told in _all(remembered)
    ]
    if remembered.last_topics:
        lines.append(f"last time you talked about: {', '.join(remembered.last_topics)}")
    return lines


def _answer(asked: str, remembered: Remembered) -> str:
    match asked:
        case "last" if remembered.last_topics:
            return _TALKED.format(what=_joined(remembered.last_topics[-_MOST:]))
        case "last":
            return _NEVER_TALKED if not remembered.before else _KNOWN_BEFORE
        case "all":
            known = _all(remembered)[:4]
            return _tell(known) if known else _KNOWN_BEFORE if remembered.before else _STRANGER
        case _:
            return _tell([told for told in remembered.recollections if told.kind == asked][-_MOST:]) or _UNKNOWN


def _all(remembered: Remembered) -> list[Recollection]:
    """The name first, then the newest of each kind."""
    newest = list(reversed(remembered.recollections))
    return sorted(newest, key=lambda told: told.kind != "name")


def _tell(known: Sequence[Recollection]) -> str:
    """Each kind in one sentence."""
    kinds = dict.fromkeys((told.kind, told.of) for told in known)
    return " ".join(_sentence([told for told in known if (told.kind, told.of) == (kind, of)]) for kind, of in kinds)


def _sentence(known: Sequence[Recollection]) -> str:
    last = known[-1]
    what = _joined([told.what for told in known])
    if last.kind != "promised_to_them":
        what = _YOU.sub(lambda found: _TURNED[found.group().lower()], what)
    return _TOLD[last.kind].format(of=last.of, what=what, words=last.words)


def _joined(texts: Sequence[str]) -> str:
    """``the sea, rain and tea``."""
    return " and ".join([", ".join(texts[:-1]), texts[-1]] if len(texts) > 1 else texts)
