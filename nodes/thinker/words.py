"""Plain words of a text, as everything that compares sentences sees them."""

import re

_APOSTROPHES = str.maketrans({"\u2019": "'", "\u2018": "'", "\u02bc": "'"})
_NOT_WORDS = re.compile(r"[^\w' ]+|_")
_LOOSE_APOSTROPHE = re.compile(r"(?<!\w)'+|'+(?!\w)")
_ARTICLE = re.compile(r"^(?:the|an?|my|your) ")


def plain(text: str) -> str:
    """Lower case, no punctuation, single spaces; apostrophes only inside words."""
    words = _NOT_WORDS.sub(" ", text.lower().translate(_APOSTROPHES))
    return " ".join(_LOOSE_APOSTROPHE.sub(" ", words).split())


def bare(name: str) -> str:
    """Plain words of a name without what may stand before it."""
    return _ARTICLE.sub("", plain(name))


def ending(text: str, longest: int) -> str:
    """The last words of a text that is longer than ``longest`` words: what people ask, they ask at the end."""
    words = text.split()
    return " ".join(words[-longest:])
