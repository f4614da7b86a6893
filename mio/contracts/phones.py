"""The one phone inventory of the project: IPA symbols of English and German with articulatory features.

Front end, aligner, speech engines and visemes all speak it. A phone list on the wire uses these symbols only.
"""

import unicodedata
from typing import Literal, NamedTuple

Manner = Literal["silence", "vowel", "plosive", "affricate", "fricative", "nasal", "approximant", "lateral", "tap"]
Place = Literal[
    "", "bilabial", "labiodental", "dental", "alveolar", "postalveolar", "palatal", "velar", "uvular", "glottal"
]


class Phone(NamedTuple):
    """One phone.

    Attributes:
        symbol: IPA.
        manner: How it is made.
        place: Where the stricture is; empty for vowels and silence.
        voiced: Whether the vocal folds vibrate.
        openness: Jaw opening of a vowel's target, 0 close to 1 open; of a diphthong, its start.
        backness: Tongue position of a vowel, 0 front to 1 back.
        rounding: Lip rounding, 0 to 1, also of consonants such as w and sh.
        glide: For a diphthong, the symbol of the vowel it ends on; else empty.
    """

    symbol: str
    manner: Manner
    place: Place = ""
    voiced: bool = True
    openness: float = 0.0
    backness: float = 0.0
    rounding: float = 0.0
    glide: str = ""


SILENCE = "sil"


def _vowel(symbol: str, openness: float, backness: float, rounding: float = 0.0, glide: str = "") -> Phone:
    return Phone(symbol, "vowel", "", True, openness, backness, rounding, glide)


_PHONES = (
    Phone(SILENCE, "silence", voiced=False),
    # monophthongs: openness and backness from the IPA vowel chart
    _vowel("iː", 0.05, 0.0),
    _vowel("i", 0.08, 0.0),
    _vowel("ɪ", 0.2, 0.15),
    _vowel("eː", 0.3, 0.0),
    _vowel("e", 0.35, 0.05),
    _vowel("ɛː", 0.55, 0.05),
    _vowel("ɛ", 0.55, 0.1),
    _vowel("æ", 0.8, 0.1),
    _vowel("a", 0.95, 0.4),
    _vowel("aː", 1.0, 0.4),
    _vowel("ɐ", 0.75, 0.5),
    _vowel("ɑː", 1.0, 0.9),
    _vowel("ɑ", 0.95, 0.9),
    _vowel("ɒ", 0.9, 1.0, 0.4),
    _vowel("ʌ", 0.65, 0.7),
    _vowel("ə", 0.45, 0.5),
    _vowel("ɜː", 0.5, 0.5, 0.1),
    _vowel("ɚ", 0.4, 0.5, 0.25),
    _vowel("ɔː", 0.6, 1.0, 0.6),
    _vowel("ɔ", 0.65, 1.0, 0.55),
    _vowel("oː", 0.35, 1.0, 0.85),
    _vowel("o", 0.4, 0.95, 0.8),
    _vowel("ʊ", 0.2, 0.85, 0.65),
    _vowel("uː", 0.08, 0.9, 0.95),
    _vowel("u", 0.1, 0.9, 0.9),
    _vowel("yː", 0.08, 0.1, 0.95),
    _vowel("ʏ", 0.2, 0.2, 0.8),
    _vowel("øː", 0.35, 0.1, 0.85),
    _vowel("œ", 0.55, 0.15, 0.7),
    # diphthongs
    _vowel("aɪ", 0.95, 0.4, glide="ɪ"),
    _vowel("aʊ", 0.95, 0.5, glide="ʊ"),
    _vowel("eɪ", 0.4, 0.05, glide="ɪ"),
    _vowel("oʊ", 0.4, 0.95, 0.7, glide="ʊ"),
    _vowel("əʊ", 0.45, 0.5, 0.2, glide="ʊ"),
    _vowel("ɔɪ", 0.6, 0.95, 0.6, glide="ɪ"),
    _vowel("ɔø", 0.6, 0.95, 0.6, glide="ʏ"),
    _vowel("ɪə", 0.2, 0.15, glide="ə"),
    _vowel("eə", 0.5, 0.1, glide="ə"),
    _vowel("ʊə", 0.2, 0.85, 0.6, glide="ə"),
    # consonants
    Phone("p", "plosive", "bilabial", False),
    Phone("b", "plosive", "bilabial"),
    Phone("t", "plosive", "alveolar", False),
    Phone("d", "plosive", "alveolar"),
    Phone("k", "plosive", "velar", False),
    Phone("ɡ", "plosive", "velar"),
    Phone("ʔ", "plosive", "glottal", False),
    Phone("tʃ", "affricate", "postalveolar", False, rounding=0.5),
    Phone("dʒ", "affricate", "postalveolar", rounding=0.5),
    Phone("pf", "affricate", "labiodental", False),
    Phone("ts", "affricate", "alveolar", False),
    Phone("f", "fricative", "labiodental", False),
    Phone("v", "fricative", "labiodental"),
    Phone("θ", "fricative", "dental", False),
    Phone("ð", "fricative", "dental"),
    Phone("s", "fricative", "alveolar", False),
    Phone("z", "fricative", "alveolar"),
    Phone("ʃ", "fricative", "postalveolar", False, rounding=0.5),
    Phone("ʒ", "fricative", "postalveolar", rounding=0.5),
    Phone("ç", "fricative", "palatal", False),
    Phone("x", "fricative", "velar", False),
    Phone("h", "fricative", "glottal", False),
    Phone("m", "nasal", "bilabial"),
    Phone("n", "nasal", "alveolar"),
    Phone("ŋ", "nasal", "velar"),
    Phone("l", "lateral", "alveolar"),
    Phone("ɹ", "approximant", "alveolar", rounding=0.35),
    Phone("ʁ", "fricative", "uvular"),
    Phone("j", "approximant", "palatal"),
    Phone("w", "approximant", "velar", rounding=0.95),
    Phone("ɾ", "tap", "alveolar"),
)

PHONES: dict[str, Phone] = {phone.symbol: phone for phone in _PHONES}
SYMBOLS: tuple[str, ...] = tuple(PHONES)

# Other spellings of the same sounds: espeak-ng's IPA, gruut's IPA.
_ALIASES: dict[str, tuple[str, ...]] = {
    "g": ("ɡ",),
    "r": ("ɹ",),
    "ɻ": ("ɹ",),
    "ʀ": ("ʁ",),
    "ɫ": ("l",),
    "l̩": ("ə", "l"),
    "əl": ("ə", "l"),
    "n̩": ("ə", "n"),
    "m̩": ("ə", "m"),
    "ɬ": ("l",),
    "ɜ": ("ɜː",),
    "ɝ": ("ɜː", "ɹ"),
    "ɜɹ": ("ɜː", "ɹ"),
    "ɛə": ("eə",),
    "ɔʏ": ("ɔø",),
    "ɔy": ("ɔø",),
    "ɐ̯": ("ɐ",),
    "iə": ("ɪə",),
    "ɪ̈": ("ɪ",),
    "ɨ": ("ɪ",),
    "ᵻ": ("ɪ",),
    "ɵ": ("ə",),
    "æː": ("æ",),
    "ɒː": ("ɒ",),
    "y": ("ʏ",),
    "ø": ("øː",),
    "œː": ("œ",),
    "ʌː": ("ʌ",),
    "aɪə": ("aɪ", "ə"),
    "aɪɚ": ("aɪ", "ɚ"),
    "aʊə": ("aʊ", "ə"),
    "ɑːɹ": ("ɑː", "ɹ"),
    "ɔːɹ": ("ɔː", "ɹ"),
    "oːɹ": ("oː", "ɹ"),
    "ɛɹ": ("ɛ", "ɹ"),
    "ɪɹ": ("ɪ", "ɹ"),
    "ʊɹ": ("ʊ", "ɹ"),
    "ɑ̃": ("ɑ", "ŋ"),
    "ɔ̃": ("ɔ", "ŋ"),
    "ɛ̃": ("ɛ", "ŋ"),
    "ʍ": ("w",),
    "ɲ": ("n", "j"),
    "ʋ": ("v",),
    "ɣ": ("x",),
    "χ": ("x",),
    "β": ("b",),
    "ɕ": ("ʃ",),
    "ʑ": ("ʒ",),
    # other languages, by the nearest place and manner
    "ɛɪ": ("eɪ",),
    "œ̃": ("œ", "ŋ"),
    "ʎ": ("l", "j"),
    "ħ": ("h",),
    "ʕ": ("ʔ",),
    "ʈ": ("t",),
    "ɖ": ("d",),
    "ɳ": ("n",),
    "ɭ": ("l",),
    "ɽ": ("ɾ",),
    "c": ("k", "j"),
    "ɟ": ("ɡ", "j"),
    "q": ("k",),
    "ʂ": ("ʃ",),
    "ʐ": ("ʒ",),
    "ʝ": ("j",),
    "ɸ": ("f",),
    "Φ": ("f",),
    "ʦ": ("ts",),
    "tɕ": ("tʃ",),
    "dʑ": ("dʒ",),
    "ʈ͡ʂ": ("tʃ",),
    "ɯ": ("ɪ",),
    "ɘ": ("ə",),
    "ʉ": ("u",),
    "ʉː": ("uː",),
    "ε": ("ɛ",),
    "t͡s": ("ts",),
    "t͡ʃ": ("tʃ",),
    "d͡ʒ": ("dʒ",),
    "p͡f": ("pf",),
    "?": ("ʔ",),
    "": (),
    "_": (SILENCE,),
    "_:": (SILENCE,),
}

_STRESS = {"ˈ": 1, "ˌ": 2}
_DROPPED = set("ˈˌˑ'.‿ ʲʰ̬̊|")

# PocketSphinx and CMUdict spell American English in ARPABET.
ARPABET: dict[str, tuple[str, ...]] = {
    "AA": ("ɑː",), "AE": ("æ",), "AH": ("ʌ",), "AO": ("ɔː",), "AW": ("aʊ",), "AY": ("aɪ",), "B": ("b",),
    "CH": ("tʃ",), "D": ("d",), "DH": ("ð",), "EH": ("ɛ",), "ER": ("ɚ",), "EY": ("eɪ",), "F": ("f",),
    "G": ("ɡ",), "HH": ("h",), "IH": ("ɪ",), "IY": ("iː",), "JH": ("dʒ",), "K": ("k",), "L": ("l",),
    "M": ("m",), "N": ("n",), "NG": ("ŋ",), "OW": ("oʊ",), "OY": ("ɔɪ",), "P": ("p",), "R": ("ɹ",),
    "S": ("s",), "SH": ("ʃ",), "SIL": (SILENCE,), "T": ("t",), "TH": ("θ",), "UH": ("ʊ",), "UW": ("uː",),
    "V": ("v",), "W": ("w",), "Y": ("j",), "Z": ("z",), "ZH": ("ʒ",),
}  # fmt: skip


def from_ipa(symbol: str) -> tuple[tuple[str, ...], int]:
    """Map one IPA segment, as a synthesiser or lexicon prints it, to this inventory.

    Args:
        symbol: One segment, possibly with stress marks, length and diacritics, such as ``ˈaɪɚ``.

    Returns:
        The phones (several where the segment is a sequence, none where it is only a mark), and the
        stress: 0 none, 1 primary, 2 secondary.
    """
    stress = next((level for mark, level in _STRESS.items() if mark in symbol), 0)
    bare = "".join(c for c in symbol if c not in _DROPPED)
    return _lookup(bare), stress


def _lookup(bare: str) -> tuple[str, ...]:
    if bare in PHONES:
        return (bare,)
    if bare in _ALIASES:
        return _ALIASES[bare]
    plain = "".join(c for c in unicodedata.normalize("NFD", bare) if not unicodedata.combining(c))
    for candidate in (plain, plain.replace("ː", "")):
        if candidate in PHONES:
            return (candidate,)
        if candidate in _ALIASES:
            return _ALIASES[candidate]
    return _split(plain)


def _split(bare: str) -> tuple[str, ...]:
    """Cut an unknown sequence greedily into known phones; unknown characters are left out."""
    phones: list[str] = []
    at = 0
    while at < len(bare):
        for length in (3, 2, 1):
            piece = bare[at : at + length]
            known = (piece,) if piece in PHONES else _ALIASES.get(piece, ())
            if known and len(piece) == length:
                phones.extend(known)
                at += length
                break
        else:
            at += 1
    return tuple(phones)
