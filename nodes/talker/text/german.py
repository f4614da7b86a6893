"""How numbers, abbreviations and addresses are read in German, where espeak-ng by itself reads them otherwise."""

import re

from nodes.talker.text.cleaning import Rule
from nodes.talker.text.english import EMAIL, URL, any_of

QUESTION_WORDS = re.compile(
    r"^(?:und |aber |also )?"
    r"(?:was|warum|wie|wo|woher|wohin|wer|wen|wem|wessen|wann|welche[rsmn]?|weshalb|wieso|wozu)\b",
    re.I,
)
"""Questions that begin so fall at their end (Duden, Die Grammatik: W-Fragen)."""

_ABBREVIATIONS = {
    "z.B.": "zum Beispiel", "z. B.": "zum Beispiel", "d.h.": "das heißt", "d. h.": "das heißt", "usw.": "und so weiter",
    "u.a.": "unter anderem", "u. a.": "unter anderem", "bzw.": "beziehungsweise", "ca.": "circa", "Nr.": "Nummer",
    "Dr.": "Doktor", "Prof.": "Professor", "Hr.": "Herr", "Fr.": "Frau", "inkl.": "inklusive", "evtl.": "eventuell",
    "vgl.": "vergleiche", "etc.": "et cetera", "Mio.": "Millionen", "Mrd.": "Milliarden", "Str.": "Straße",
    "Tel.": "Telefon", "v. Chr.": "vor Christus", "n. Chr.": "nach Christus", "s.o.": "siehe oben",
    "ggf.": "gegebenenfalls", "o.k.": "okay",
    "Jan.": "Januar", "Feb.": "Februar", "Aug.": "August", "Sept.": "September", "Okt.": "Oktober",
    "Nov.": "November", "Dez.": "Dezember", "Std.": "Stunden", "Min.": "Minuten",
}  # fmt: skip
_UNITS = {
    "km/h": "Kilometer pro Stunde", "m/s": "Meter pro Sekunde", "km": "Kilometer", "cm": "Zentimeter",
    "mm": "Millimeter", "m": "Meter", "kg": "Kilogramm", "mg": "Milligramm", "g": "Gramm", "ml": "Milliliter",
    "l": "Liter", "kWh": "Kilowattstunden", "kW": "Kilowatt", "W": "Watt", "GB": "Gigabyte", "MB": "Megabyte",
    "kB": "Kilobyte", "TB": "Terabyte", "GHz": "Gigahertz", "MHz": "Megahertz", "kHz": "Kilohertz", "Hz": "Hertz",
    "ms": "Millisekunden", "°C": "Grad Celsius", "°": "Grad", "m²": "Quadratmeter", "km²": "Quadratkilometer",
    "h": "Stunden", "s": "Sekunden", "V": "Volt", "dB": "Dezibel", "€": "Euro", "$": "Dollar", "£": "Pfund",
}  # fmt: skip
_FRACTIONS = {"1/2": "einhalb", "½": "einhalb", "1/3": "ein Drittel", "2/3": "zwei Drittel", "1/4": "ein Viertel",
              "¼": "ein Viertel", "3/4": "drei Viertel", "¾": "drei Viertel"}  # fmt: skip
_MONTHS = (
    "Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November",
    "Dezember",
)  # fmt: skip
_DIGITS = ("null", "eins", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun")
_ORDINALS = {1: "erst", 3: "dritt", 7: "siebt", 8: "acht"}
_TENS = {2: "zwanzig", 3: "dreißig"}
_TEENS = ("zehn", "elf", "zwölf", "dreizehn", "vierzehn", "fünfzehn", "sechzehn", "siebzehn", "achtzehn", "neunzehn")
_UNITS_IN_TENS = (
    "",
    "einund",
    "zweiund",
    "dreiund",
    "vierund",
    "fünfund",
    "sechsund",
    "siebenund",
    "achtund",
    "neunund",
)
_BEFORE_DATIVE = re.compile(r"\b(?:am|dem|den|vom|zum|beim|im|ab|seit|bis)\s*$", re.I)
_BEFORE_NOMINATIVE = re.compile(r"\b(?:der|die|das|dieser|jeder)\s*$", re.I)


def ordinal(number: int, ending: str) -> str:
    """An ordinal from 1 to 39 in words, such as ``dritten``."""
    if number < 20:
        stem = _ORDINALS.get(number) or f"{_DIGITS[number] if number < 10 else _TEENS[number - 10]}t"
    else:
        stem = f"{_UNITS_IN_TENS[number % 10]}{_TENS[number // 10]}st"
    return stem + ending


def _ordinal_of(match: re.Match[str], day: str) -> str:
    before = match.string[: match.start()]
    ending = "en" if _BEFORE_DATIVE.search(before) else "e" if _BEFORE_NOMINATIVE.search(before) else "er"
    return ordinal(int(day), ending)


def _date(match: re.Match[str]) -> str:
    if not (1 <= int(match[1]) <= 31 and 1 <= int(match[2]) <= 12):
        return match[0]
    return rf"{_ordinal_of(match, match[1])} {_MONTHS[int(match[2]) - 1]}{' ' if match[3] else ''}\3"


def _day(match: re.Match[str]) -> str:
    return rf"{_ordinal_of(match, match[1])} \2" if 1 <= int(match[1]) <= 31 else match[0]


def _iso_date(match: re.Match[str]) -> str:
    if not (1 <= int(match[2]) <= 12 and 1 <= int(match[3]) <= 31):
        return match[0]
    return rf"{_ordinal_of(match, match[3])} {_MONTHS[int(match[2]) - 1]} \1"


def _time(match: re.Match[str]) -> str:
    return r"\1 Uhr" if match[2] == "00" else rf"\1 Uhr {int(match[2])}"


def _money(match: re.Match[str]) -> str:
    return rf"\1 {_UNITS[match[3]]} {int(match[2])}" if match[2] != "00" else rf"\1 {_UNITS[match[3]]}"


def _year(match: re.Match[str]) -> str:
    return r"\1hundert" if match[2] == "00" else rf"\1 hundert {int(match[2])}"


def _digits(match: re.Match[str]) -> str:
    return " ".join(re.sub(r"\D", "", match[0]))


def _address(match: re.Match[str]) -> str:
    spoken = re.sub(r"^https?://(?:www\.)?|^www\.|/$|[?#].*$", "", match[0])
    signs = ((".", " Punkt "), ("/", " Schrägstrich "), ("-", " Strich "), ("_", " Unterstrich "), ("@", " ät "))
    for sign, word in signs:
        spoken = spoken.replace(sign, word)
    return spoken


RULES: tuple[Rule, ...] = (
    (re.compile(f"{EMAIL}|{URL}"), _address),
    (re.compile(rf"(?<![\w.])({any_of(_ABBREVIATIONS)})(?!\w)"), lambda match: _ABBREVIATIONS[match[1]]),
    (re.compile(r"#(?=\d)"), "Nummer "),
    (re.compile(r"(?<!\w)[#](?=[A-Za-zÄÖÜäöü])"), "Hashtag "),
    (re.compile(r"(?<!\w)@(?=\w)"), "ät "),
    (re.compile(rf"(?<![\d/])({any_of(_FRACTIONS)})(?![\d/])"), lambda match: _FRACTIONS[match[1]]),
    (re.compile(r"([€$£]) ?(\d[\d.]*(?:,\d\d)?)"), r"\2 \1"),
    (re.compile(r"(\d[\d.]*),(\d\d) ?([€$£])"), _money),
    (re.compile(r"\b(\d{4})-(\d\d)-(\d\d)\b"), _iso_date),
    (re.compile(r"\b(\d{1,2})\. ?(\d{1,2})\. ?(\d{4})?(?!\d)"), _date),
    (re.compile(rf"\b(\d{{1,2}})\. ?({'|'.join(_MONTHS)})\b"), _day),
    (re.compile(r"\b(\d{1,2})[:.](\d\d) ?Uhr\b"), _time),
    (re.compile(r"\b(\d{1,2}):(\d\d)(?!\d)"), _time),
    (re.compile(r"\+?\d[\d ()/-]{6,}\d(?![\d,.])"), _digits),
    (re.compile(r"(?<=\d) ?[-–] ?(?=\d)"), " bis "),
    (re.compile(r"(?<![\d,.€$£])(1[1-9])(\d\d)(?!\d|[.,]\d| ?%| Euro| Meter| Kilo)"), _year),
    (re.compile(rf"(?<=\d) ?({any_of(_UNITS)})(?![\w/])"), lambda match: f" {_UNITS[match[1]]}"),
    (re.compile(r" ?& ?"), " und "),
    (re.compile(r"(?<=\d) ?\+ ?(?=\d)"), " plus "),
    (re.compile(r"(?<=[\w)]) ?= ?(?=[\w(-])"), " gleich "),
    (re.compile(r"(?<=\d) ?[×x*] ?(?=\d)"), " mal "),
    (re.compile(r"(?<=\d) ?< ?(?=\d)"), " kleiner als "),
    (re.compile(r"(?<=\d) ?> ?(?=\d)"), " größer als "),
    (re.compile(r"\bund/oder\b"), "und oder"),
    (re.compile(r"(?<=[A-Za-zäöüß]{2})/(?=[A-Za-zÄÖÜäöü]{2})"), " oder "),
    (re.compile(r"(?<=\d)/(?=\d)"), " "),
    (re.compile(r"~(?=\d)"), "etwa "),
)
"""Rules in the order in which they apply."""
