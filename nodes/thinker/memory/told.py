"""What somebody tells of themselves, found in their words. English; pure functions.

Patterns, not a model: they find what is said plainly (``my name is``, ``I live in``, ``I love``, ``I promise``) and
let the rest pass. What they take is cut at the next clause, so that little wrong is remembered.
"""

import re
from collections.abc import Iterator

from nodes.thinker.memory.recollection import Kind, Recollection

_REST = r"(?P<what>[^.,;:!?]+)"
_ARE = r"(?:i'm|i am)"
_FAMILY = (
    "sister|brother|mother|mom|mum|father|dad|wife|husband|daughter|son|girlfriend|boyfriend|partner|friend|grandmother"
    "|grandfather|grandma|grandpa|aunt|uncle|cousin|dog|cat|horse|boat|teacher|boss"
)
_DEED = r"(?:tell|bring|show|come|send|visit|call|write|help|ask|give|read|sing|play|let|be back)"

_NAMED = r"(?: is called| is named|'s called|'s name is| is) (?P<what>[\w'-]+(?: [\w'-]+){0,4})"
_NOT_A_TRADE = r"(?!bit\b|little\b|lot\b|fan\b|huge\b|big\b)"
_SOME = r"(?=an?\b|two\b|three\b|four\b|five\b)(?!an? (?:question|problem|look|idea|feeling)\b)"
_A_THING = r"(?!it\b|that\b|this\b|you\b|your\b|how\b|when\b|what\b)"
_NOT_A_QUESTION = r"(?!ask\b|know\b|hear\b|say\b|talk\b)"

_PATTERNS: tuple[tuple[Kind, str], ...] = (
    ("name", rf"\b(?:my name is|my name's|call me|{_ARE} called|{_ARE} named) (?P<what>[\w'-]+)"),
    ("home", rf"\b(?:i live in|i live on|i live near|i come from|{_ARE} from) {_REST}"),
    ("work", rf"\b(?:i work as|i work at|i work for|i work in|{_ARE} an?) {_NOT_A_TRADE}{_REST}"),
    ("birthday", rf"\bmy birthday is (?:on |in )?{_REST}"),
    ("relation", rf"\bmy (?P<of>{_FAMILY}){_NAMED}"),
    ("has", rf"\b(?:i have|i've got|i own) {_SOME}{_REST}"),
    ("likes", rf"\bi (?:really |also |do |just )*(?:like|love|enjoy|adore) {_A_THING}{_REST}"),
    ("dislikes", rf"\bi (?:really )?(?:hate|dislike|don't like|do not like|can't stand) {_A_THING}{_REST}"),
    ("promise", rf"\bi promise(?: you)?(?: that i(?:'ll| will)| i(?:'ll| will)| to)? {_REST}"),
    ("promise", rf"\bi(?:'ll| will) (?:definitely |certainly )?(?P<what>{_DEED}\b[^.,;:!?]*)"),
    ("plan", rf"\b(?:{_ARE} going to|{_ARE} planning to|i plan to|i want to) {_NOT_A_QUESTION}{_REST}"),
)
_COMPILED: list[tuple[Kind, re.Pattern[str]]] = [(kind, re.compile(text)) for kind, text in _PATTERNS]

_SENTENCE = re.compile(r"[^.!?;]+")
_NEXT_CLAUSE = re.compile(
    r"\s(?:and i|and my|but|because|so|although|since|while|which|if)\b.*|\s(?:very|so) much$|\stoo$",
    re.IGNORECASE,
)
_APOSTROPHES = str.maketrans({"\u2019": "'", "\u2018": "'", "\u02bc": "'"})
_LONGEST_WORDS = 10
_ASKING = re.compile(
    r"^(?:do|did|does|what|who|where|when|why|how|can|could|should|shall|will|would|am|are|is|guess|if)\b"
)


def told_by_user(text: str) -> list[Recollection]:
    """What a person said of themselves, each with the sentence that it was said in."""
    return list(_found(text, _COMPILED))


def promised_by_character(text: str) -> list[Recollection]:
    """What the character promised in the part of its answer that was heard."""
    promises = _found(text, [(kind, pattern) for kind, pattern in _COMPILED if kind == "promise"])
    return [Recollection("promised_to_them", promise.what, words=promise.words) for promise in promises]


def _found(text: str, patterns: list[tuple[Kind, re.Pattern[str]]]) -> Iterator[Recollection]:
    for sentence in _SENTENCE.findall(text.translate(_APOSTROPHES)):
        words = " ".join(sentence.split())
        lower = words.lower()
        if _ASKING.match(lower) or len(lower) != len(words):
            continue
        seen: set[Kind] = set()
        for kind, pattern in patterns:
            match = pattern.search(lower)
            if match is None or kind in seen:
                continue
            what = _cut(words[match.start("what") : match.end("what")])
            if what:
                seen.add(kind)
                of = match.groupdict().get("of") or ""
                yield Recollection(kind, what.title() if kind == "name" and what.islower() else what, of, words)


def _cut(what: str) -> str:
    """The first clause, of no more than a few words."""
    return " ".join(_NEXT_CLAUSE.sub("", what).split()[:_LONGEST_WORDS])
