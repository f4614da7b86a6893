"""What an utterance means after what was said before: pronouns and left-out words put back. English; pure functions."""

import re

from mio.character import Topic
from nodes.thinker.dialogue import Turn
from nodes.thinker.understanding import Reading
from nodes.thinker.words import plain

_READINGS = 5  # of the recogniser that are followed
_RESOLVED = 2  # of those, the best ones are also read in context
_NEXT_BEST = 0.45  # weight of each hypothesis relative to the better one
_IN_CONTEXT = 0.7  # share of a reading's weight that goes to what it means in context

_LEADS = ("and ", "but ", "what about ", "how about ", "and what about ", "and how about ", "so what about ")
_ELLIPSIS_WORDS = 4


def read_in_context(hypotheses: list[str], last: Turn | None, topic: Topic | None) -> list[Reading]:
    """Weighted ways to read what was said.

    Args:
        hypotheses: What was recognised, best first.
        last: The last answer that the user heard.
        topic: What it was about.
    """
    texts = list(dict.fromkeys(text for hypothesis in hypotheses if (text := plain(hypothesis))))[:_READINGS]
    readings: list[Reading] = []
    for rank, text in enumerate(texts):
        weight = _NEXT_BEST**rank
        meant = _in_context(text, last, topic) if last and rank < _RESOLVED else None
        if meant is None:
            readings.append(Reading(text, weight))
        else:
            readings += [Reading(meant, weight * _IN_CONTEXT), Reading(text, weight * (1 - _IN_CONTEXT))]
    return readings


def _in_context(text: str, last: Turn, topic: Topic | None) -> str | None:
    """The utterance with what it leaves out; None if it leaves nothing out."""
    if topic and (named := _name_pronouns(text, topic)):
        return named
    rest = _elliptical(text)
    if rest is None:
        return None
    return (_swap(last.question, topic, rest) if topic else None) or rest


def _name_pronouns(text: str, topic: Topic) -> str | None:
    """``how old is he`` to ``how old is your cat``, for the first pronoun that can stand for the topic."""
    words = text.split()
    for number, word in enumerate(words):
        stem, apostrophe, ending = word.partition("'")
        if stem in topic.pronouns:
            words[number] = plain(topic.name) + apostrophe + ending
            return " ".join(words)
    return None


def _elliptical(text: str) -> str | None:
    """``your sister`` of ``and your sister``."""
    lead = max((lead for lead in _LEADS if text.startswith(lead)), key=len, default=None)
    rest = text[len(lead) :].strip() if lead else ""
    return rest if rest and len(rest.split()) <= _ELLIPSIS_WORDS else None


def _swap(question: str, topic: Topic, rest: str) -> str | None:
    """The last question, asked about something else: ``how old is your sister`` and ``you`` to ``how old is you``."""
    name = plain(topic.name).split()
    for length in range(len(name), 0, -1):
        named = " ".join(name[:length])
        if re.search(rf"\b{re.escape(named)}\b", question) and named not in ("the", "your", "my"):
            return re.sub(rf"\b{re.escape(named)}\b", rest, question, count=1)
    return None
