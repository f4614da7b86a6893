"""Rules that hold in every language: marks, markup, emoji, quotation marks, dashes, overlong words."""

import re
import unicodedata

from mio.contracts.emotions import EMOTIONS, GESTURES
from nodes.talker.text.mapped import Mapped, Replacement

Rule = tuple[re.Pattern[str], Replacement]

EMPHASIS_START, EMPHASIS_END = "\ue000", "\ue001"
"""Marks around an emphasised stretch, from the private use area, which is emptied first."""

_LONGEST_WORD = 40  # espeak-ng cuts words at about 160 bytes
_PIECE_OF_WORD = 20
_MARKS = "|".join((*EMOTIONS, *GESTURES))

# Pictographs, dingbats, arrows and symbols, flags, skin tones, joiners and variation selectors, keycaps.
_EMOJI = (
    "[\U0001f000-\U0001faff\u2190-\u21ff\u2300-\u23ff\u2460-\u24ff\u2500-\u27bf\u2900-\u297f\u2b00-\u2bff"
    "\u3030\u303d\u3297\u3299\u200d\ufe0e\ufe0f\u20e3\U000e0020-\U000e007f]"
)

_INVISIBLE: tuple[Rule, ...] = (
    (re.compile("[\ue000-\uf8ff\\\\\u00ad\u200b\u200c\u2060\ufeff\u200e\u200f\u202a-\u202e\u2066-\u2069]"), ""),
    (re.compile("[^\\S\n ]|[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffd]"), " "),
    (re.compile("[A-Za-zÀ-ɏ][\u0300-\u036f]+"), lambda match: unicodedata.normalize("NFC", match[0])),
)

_MARKUP: tuple[Rule, ...] = (
    (re.compile(r"^[ ]*(```|~~~)\w*[ ]*$", re.M), " "),
    (re.compile(rf"\[(?:{_MARKS})\]|<(?:{_MARKS})>", re.I), " "),
    (re.compile(r"!?\[([^\]\n]*)\]\([^)\s]*\)"), r"\1"),
    (re.compile(r"</?[A-Za-z][^<>\n]{0,200}>|<!--.*?-->"), " "),
    (re.compile(r"^[ ]*(?:#{1,6}|>+|[-*+•‣])[ ]+", re.M), ""),
    (re.compile(r"^[ ]*(?:[-*_=][ ]*){3,}$", re.M), " "),
    (re.compile(r"^[ ]*\|(.*?)\|?[ ]*$", re.M), r"\1"),
    (re.compile(r"[ ]*\|[ ]*(?=\S)"), ", "),
    (re.compile(r"(?<!\w)(\*{1,3}|_{1,3})(?=[^\s*_])([^*_\n]{1,200}?)(?<=\S)\1(?!\w)"), "\ue000\\2\ue001"),
    (re.compile(r"~~|`+"), ""),
)

_SYMBOLS: tuple[Rule, ...] = (
    (re.compile(r"(?<![\w)])[:;=8xX]['’]?-?[)(DPpOo3/|](?![\w(])|<3|\^\^|¯.ツ.¯"), " "),
    (re.compile(_EMOJI), " "),
    (re.compile("[‘’ʼ`´](?=\\w)|(?<=\\w)[‘’ʼ´]"), "'"),
    (re.compile("[“”„‟«»‹›\"‚‘’]|(?<!\\w)'(?=\\w[^']*'(?!\\w))"), " "),
    (re.compile(r"\.{3,}|…+"), "… "),
    (re.compile(r"[ ]+[-–—]+[ ]+|[—―]|(?<=\D)–(?=\D)"), ", "),
    (re.compile(r"[(\[{]"), ", "),
    (re.compile(r"[)\]}](?=\s*[,.;:!?…])"), ""),
    (re.compile(r"[)\]}]"), ", "),
    (re.compile(r"[!?]*\?[!?]*"), "?"),
    (re.compile(r"!{2,}"), "!"),
    (re.compile(r"([!?.;:])[,;:]+"), r"\1"),
    (re.compile(r"[*_~^<>=]+|(?<!\w)[#|/]+(?!\w)"), " "),
)

_LINES: tuple[Rule, ...] = (
    (re.compile("([,;:.!?…]+)\ue001"), "\ue001\\1"),
    (re.compile(r"(?<=[^\s.,;:!?…])\s*\n\s*"), ". "),
    (re.compile(r"\s+"), " "),
    (re.compile(r"(?:(?<=^)|(?<=[ ]))(?:[,;:.][ ]*)+(?=[ ,;:.!?]|$)|^[ ,;:.]+"), ""),
    (re.compile(r",(?:[ ]*,)+"), ","),
    (re.compile(r"[ ]+(?=[,.;:!?…])"), ""),
    (re.compile(r",(?=[.;:!?…])"), ""),
)


def unmark(text: Mapped) -> Mapped:
    """Take out what is not meant to be read: control characters, markup, marks of emotion and gesture."""
    return apply(text, (*_INVISIBLE, *_MARKUP))


def smooth(text: Mapped) -> Mapped:
    """Make of what is left plain words and the punctuation that a voice obeys."""
    text = apply(text, (*_SYMBOLS, *_LINES))
    return text.sub(re.compile(rf"\S{{{_LONGEST_WORD + 1},}}"), _cut_word).strip()


def apply(text: Mapped, rules: tuple[Rule, ...]) -> Mapped:
    """Apply rules one after the other."""
    for pattern, replacement in rules:
        text = text.sub(pattern, replacement)
    return text


def _cut_word(match: re.Match[str]) -> str:
    word = match[0]
    return " ".join(word[at : at + _PIECE_OF_WORD] for at in range(0, len(word), _PIECE_OF_WORD))
