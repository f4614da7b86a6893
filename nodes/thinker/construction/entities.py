"""Who and what a text speaks of: names, people, animals, places, and objects that come back.

Rules over words, no model: a name is what is written in capitals inside a sentence, the others are nouns after a
determiner. Every surface form is an entity of its own, for a later form may tell what an earlier one hides.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from nodes.thinker.construction.lexicon import (
    BEFORE_PLACES,
    DETERMINERS,
    MEN,
    NOT_NAMES,
    NOT_THINGS,
    PEOPLE,
    PLACES,
    SAYING,
    STOP_WORDS,
    TITLES,
    WOMEN,
)

EntityType = Literal["character", "place", "object"]
_FEWEST_MENTIONS = 3  # of an object, or of a noun that no list knows
_AFTER_PHRASE = frozenset(",.;:!?\"”'’)") | {""}
_ENDING_SHARE = 0.6  # of an object's mentions, that end their phrase
_LONGEST_PHRASE = 3  # words between a determiner and its noun
_PLACE_SHARE = 0.5  # more of a name's mentions that stand behind "in", "at", "to" ...
_WORD = re.compile(r"[^\W\d_]+(?:[-'’][^\W\d_]+)*")
_POSSESSIVE = re.compile(r"['’]s?\Z")
_CONTRACTION = re.compile(r"['’](?:m|d|ll|re|ve|t)\Z")
_IRREGULAR = {"men": "man", "women": "woman", "children": "child", "wolves": "wolf", "mice": "mouse", "wives": "wife"}
_PLURAL_IN_S = re.compile(r"(?:ss|us|is)\Z")


class Mention(NamedTuple):
    """Where something is mentioned.

    Attributes:
        key: The entity, in lower case, such as ``captain nemo`` or ``fox``.
        sentence: Index of the sentence in the whole text.
        place_like: Whether it stands as places do.
        acts: Whether it says something.
        ends: Whether its phrase ends with it, as a noun's does and an adjective's does not.
    """

    key: str
    sentence: int
    place_like: bool
    acts: bool
    ends: bool


class Entity(NamedTuple):
    """Somebody or something.

    Attributes:
        key: In lower case.
        name: As it is called.
        type: What it is.
        mentions: Indices of the sentences that mention it, growing.
    """

    key: str
    name: str
    type: EntityType
    mentions: tuple[int, ...]


class _Word(NamedTuple):
    text: str
    lower: str
    initial: bool  # at the start of a sentence or a quotation
    last: bool = False  # before a punctuation mark


def find_entities(sentences: Sequence[str]) -> list[Entity]:
    """All entities of a text, in the order of their first mention.

    Args:
        sentences: The whole text, sentence by sentence.
    """
    words = [_words_of(sentence) for sentence in sentences]
    names = _names_in(words)
    mentions: dict[str, list[Mention]] = defaultdict(list)
    forms: dict[str, Counter[str]] = defaultdict(Counter)
    for index, sentence in enumerate(words):
        for form, mention in _mentions_in(sentence, index, names):
            mentions[mention.key].append(mention)
            forms[mention.key][form] += 1
    found = [
        Entity(key, forms[key].most_common(1)[0][0], type_, tuple(dict.fromkeys(m.sentence for m in places)))
        for key, places in mentions.items()
        if (type_ := _type_of(key, places, key in names)) is not None
    ]
    return sorted(found, key=lambda entity: entity.mentions[0])


def gender_of(entity: Entity) -> Literal["he", "she", ""]:
    """The pronoun that stands for somebody, where the words tell."""
    words = entity.key.split()
    if words[-1] in MEN or words[0] in ("mr", "sir", "lord", "king", "prince", "uncle", "father", "count", "duke"):
        return "he"
    if words[-1] in WOMEN or words[0] in ("mrs", "miss", "ms", "lady", "queen", "princess", "aunt", "mother"):
        return "she"
    return ""


def _words_of(sentence: str) -> list[_Word]:
    found: list[_Word] = []
    end = 0
    for match in _WORD.finditer(sentence):
        between = sentence[end : match.start()]
        text = _POSSESSIVE.sub("", match.group()) or match.group()
        initial = not found or any(mark in between for mark in '"“‘«.!?:;(') or "--" in between or "—" in between
        last = sentence[match.end() : match.end() + 1] in _AFTER_PHRASE
        found.append(_Word(text, text.lower(), initial, last))
        end = match.end()
    return found


def _names_in(sentences: Iterable[list[_Word]]) -> set[str]:
    """Capitalised words and sequences that are names, in lower case."""
    inside: Counter[str] = Counter()
    lower: Counter[str] = Counter()
    for words in sentences:
        for word in words:
            if word.text[0].islower():
                lower[word.lower] += 1
        for phrase, initial in _capitalised(words):
            inside[phrase] += not initial
    names: set[str] = set()
    for phrase, count in inside.items():
        parts = phrase.split()
        single = parts[-1] if len(parts) == 1 else ""
        if count and not (single and (single in NOT_NAMES or lower[single] >= count)):
            names.add(phrase)
    return names


def _capitalised(words: Sequence[_Word]) -> Iterable[tuple[str, bool]]:
    """Runs of capitalised words, each with whether it begins a sentence."""
    run: list[_Word] = []
    for word in [*words, _Word(".", ".", True)]:
        allowed = word.lower not in NOT_NAMES or word.lower in TITLES
        fits = word.text[0].isupper() and allowed and not _CONTRACTION.search(word.text)
        if run and (not fits or word.initial):
            yield " ".join(part.lower for part in run), run[0].initial and len(run) == 1
            run = []
        if fits:
            run.append(word)


def _mentions_in(words: Sequence[_Word], sentence: int, names: set[str]) -> Iterable[tuple[str, Mention]]:
    """Names and nouns of a sentence, each with how it is written."""
    position = 0
    while position < len(words):
        length = _name_length(words, position, names)
        if not length and not _name_length(words, position + 1, names):
            length = _noun_length(words, position)
        if not length:
            position += 1
            continue
        form, key = _form(words[position : position + length], names)
        before = words[position - 1].lower if position else ""
        after = words[position + length].lower if position + length < len(words) else ""
        acts = before in SAYING or after in SAYING
        ends = words[position + length - 1].last or after in STOP_WORDS
        yield form, Mention(key, sentence, before in BEFORE_PLACES, acts, ends)
        position += length


def _name_length(words: Sequence[_Word], position: int, names: set[str]) -> int:
    for length in range(min(4, len(words) - position), 0, -1):
        part = words[position : position + length]
        fits = all(word.text[0].isupper() for word in part) and not any(word.initial for word in part[1:])
        if fits and " ".join(word.lower for word in part) in names:
            return length
    return 0


def _noun_length(words: Sequence[_Word], position: int) -> int:
    """Words from a determiner to its noun, 0 if there is none here."""
    if words[position].lower not in DETERMINERS:
        return 0
    best = 0
    for length in range(2, min(_LONGEST_PHRASE + 2, len(words) - position + 1)):
        word = words[position + length - 1]
        if word.initial or (word.lower in STOP_WORDS and word.lower not in TITLES):
            break
        noun = _singular(word.lower)
        if noun in MEN | WOMEN | PEOPLE | PLACES:
            return length
        best = best or (length if noun not in NOT_THINGS else 0)
    return best


def _form(words: Sequence[_Word], names: set[str]) -> tuple[str, str]:
    """How an entity is written, and its key: a noun's last word is what it is."""
    whole = " ".join(word.lower for word in words)
    if whole in names:
        return " ".join(word.text for word in words), whole
    noun = _singular(words[-1].lower)
    before = words[-2].lower if len(words) > 2 else ""
    if before in TITLES - {"little", "young", "old"} or before in ("old", "young") or before in MEN | WOMEN | PEOPLE:
        return f"the {before} {noun}", f"{before} {noun}"
    return f"the {noun}", noun


def _singular(noun: str) -> str:
    irregular = {
        "men": "man",
        "women": "woman",
        "children": "child",
        "wolves": "wolf",
        "mice": "mouse",
        "wives": "wife",
    }
    if noun in irregular:
        return irregular[noun]
    if noun.endswith("ies") and len(noun) > 4:
        return noun[:-3] + "y"
    if noun.endswith("s") and len(noun) > 3 and not _PLURAL_IN_S.search(noun):
        return noun[:-1]
    return noun


def _type_of(key: str, mentions: Sequence[Mention], name: bool) -> EntityType | None:
    """What an entity is; None if it matters too little to be one."""
    noun = key.split()[-1]
    speaks = sum(mention.acts for mention in mentions)
    if noun in MEN | WOMEN | PEOPLE:
        return "character"
    if noun in PLACES:
        return "place"
    if name:
        place_like = sum(mention.place_like for mention in mentions) / len(mentions)
        return "place" if not speaks and place_like > _PLACE_SHARE else "character"
    ending = sum(mention.ends for mention in mentions) / len(mentions)
    if len(mentions) < _FEWEST_MENTIONS or noun in NOT_THINGS or ending < _ENDING_SHARE:
        return None
    return "character" if speaks >= 2 else "object"
