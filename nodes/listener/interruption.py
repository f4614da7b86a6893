"""Whether words that are said over the avatar's voice mean that it shall stop. Knows words, no sound and no turns.

A backchannel ("mhm", "yeah", "I see") says "go on"; it is short and comes from a small set of phrases (Yngve 1970; the
sets of Jurafsky et al. 1997, SWBD-DAMSL tag ``b``, and Ward and Tsukahara 2000). A few first words make an interruption
on their own. Anything else needs length and confidence, because recognisers write arbitrary words for hums and laughs.
"""

import re
from enum import Enum
from typing import NamedTuple

from nodes.listener.utterance import words

# From 120 interruptions and 120 backchannels, half of them with an echo, of readers and espeak-ng voices that the
# benchmark of barge-in does not use.
SURE_MS = 448.0
"""Voiced sound from which words interrupt that are no first words of an interruption."""

_SURE_WORDS = 2
_SURE_CONFIDENCE = 0.6
_OPENER_CONFIDENCE = 0.55
_LONG_MS = 576.0  # most backchannels are over
_LONG_CONFIDENCE = 0.4
_EVALUATION_MS = 704.0
_LONGEST_PHRASE = 4
_EVALUATION_WORDS = 2  # "that's great", "how nice"


class Weight(Enum):
    """What words said over the avatar's voice are."""

    NOTHING = "nothing"
    BACKCHANNEL = "backchannel"
    INTERRUPTION = "interruption"


class Lexicon(NamedTuple):
    """What a language has for it.

    Attributes:
        backchannels: Phrases that say "go on".
        openers: First words that say "stop", or begin a question.
        evaluations: First words of short evaluations ("that's great"), which say "go on".
    """

    backchannels: frozenset[str]
    openers: frozenset[str]
    evaluations: frozenset[str]


def _phrases(text: str) -> frozenset[str]:
    return frozenset(phrase.strip() for phrase in text.split(",") if phrase.strip())


_ENGLISH = Lexicon(
    backchannels=_phrases(
        "m, mm, mmm, hm, hmm, mhm, mm hm, mm hmm, um, uh, uh huh, huh, ah, aha, oh, ooh, eh, ha, haha, hah, "
        "heh, yeah, yes, yep, yup, ya, okay, ok, o k, right, alright, all right, sure, for sure, of course, "
        "well, so, wow, whoa, really, oh really, is that so, no way, no kidding, nice, cool, great, good, "
        "lovely, amazing, awesome, interesting, funny, fine, true, exactly, indeed, absolutely, totally, "
        "definitely, certainly, perfect, i see, i c, i know, i understand, i agree, got it, gotcha, makes "
        "sense, fair enough, me too, same here, go on, oh my, oh my god, o my, o my god, my goodness, goodness, "
        "gosh, thank you, thanks, thank you very much, bless you, you"
    ),
    openers=_phrases(
        "stop, wait, hold, hang, pause, quiet, enough, silence, shush, no, nope, sorry, excuse, pardon, "
        "please, hey, hello, listen, but, actually, however, what, what's, whats, why, how, who, who's, "
        "where, where's, when, which, whose, can, can't, cannot, could, would, will, should, do, don't, does, "
        "did, is, was, have, has, be, let, let's, tell, repeat, never, forget, skip, shut, cut"
    ),
    evaluations=_phrases("that's, thats, that, it's, how, so, very, oh, sounds, what a"),
)

_GERMAN = Lexicon(
    backchannels=_phrases(
        "m, mm, hm, hmm, mhm, mm hm, ähm, äh, aha, ah, ach, ach so, oh, so, na, ja, jo, jawohl, jaja, ja "
        "ja, okay, ok, gut, genau, richtig, stimmt, klar, na klar, alles klar, sicher, natürlich, echt, "
        "wirklich, wow, schön, toll, super, prima, interessant, verstehe, ich verstehe, ich weiß, ich auch, "
        "macht sinn, danke, gesundheit, haha, tatsächlich"
    ),
    openers=_phrases(
        "stopp, stop, halt, warte, warten, moment, pause, ruhe, genug, still, nein, nee, nicht, "
        "entschuldigung, sorry, verzeihung, bitte, hallo, hey, hör, hören, aber, eigentlich, was, warum, "
        "wieso, weshalb, wie, wer, wo, wann, welche, welcher, welches, wessen, kann, kannst, können, "
        "könntest, könnte, würdest, darf, ist, sind, war, hast, hat, gibt, sag, erzähl, zeig, lass, "
        "wiederhole, noch, nur, eine, ich"
    ),
    evaluations=_phrases("das, wie, sehr, oh, so"),
)

_LEXICONS = {"en": _ENGLISH, "de": _GERMAN}


def weigh(text: str, *, confidence: float, voiced_ms: float, language: str = "en") -> Weight:
    """Say what words over the avatar's voice are, as far as they have been heard.

    Args:
        text: As recognised; empty if nothing was.
        confidence: 0..1, the expected share of right words.
        voiced_ms: How long the voice has sounded, pauses excluded.
        language: BCP 47; English if there is no lexicon for it.
    """
    lexicon = _LEXICONS.get(language.split("-")[0].lower(), _ENGLISH)
    said = words(re.sub(r"[-–]", " ", text))
    rest = _without_backchannels(said, lexicon)
    if not rest:
        return Weight.BACKCHANNEL if said else Weight.NOTHING
    opens = rest[0] in lexicon.openers and confidence >= _OPENER_CONFIDENCE
    if opens and not (_evaluates(rest, lexicon) and voiced_ms < _EVALUATION_MS):
        return Weight.INTERRUPTION
    if rest[0] in lexicon.evaluations and len(rest) <= _EVALUATION_WORDS and voiced_ms < _EVALUATION_MS:
        return Weight.BACKCHANNEL
    whole = [word for word in rest if len(word) > 1 or word in ("i", "a")]
    needed = _SURE_WORDS if voiced_ms < _LONG_MS else 1
    least_confidence = _SURE_CONFIDENCE if voiced_ms < _LONG_MS else _LONG_CONFIDENCE
    spelled = all(len(word) == 1 for word in rest)  # "M. H. M.", a hum
    certain = voiced_ms >= SURE_MS and len(whole) >= needed and not spelled and confidence >= least_confidence
    return Weight.INTERRUPTION if certain else Weight.NOTHING


def _evaluates(rest: list[str], lexicon: Lexicon) -> bool:
    """Whether an opener may as well open an evaluation ("how nice")."""
    return rest[0] in lexicon.evaluations and len(rest) == _EVALUATION_WORDS and rest[1] in lexicon.backchannels


def _without_backchannels(said: list[str], lexicon: Lexicon) -> list[str]:
    """What is left behind the backchannels that the words begin with, the longest phrases first."""
    at = 0
    while at < len(said):
        longest = min(_LONGEST_PHRASE, len(said) - at)
        length = next((n for n in range(longest, 0, -1) if " ".join(said[at : at + n]) in lexicon.backchannels), 0)
        if not length:
            break
        at += length
    return said[at:]
