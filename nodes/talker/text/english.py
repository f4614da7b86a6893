"""How numbers, abbreviations and addresses are read in English, where espeak-ng by itself reads them otherwise."""

import re

from nodes.talker.text.cleaning import Rule

QUESTION_WORDS = re.compile(r"^(?:and |but |so |well, )?(?:what|why|how|where|who|whose|whom|when|which)\b", re.I)
"""Questions that begin so fall at their end (Quirk et al., A Comprehensive Grammar of the English Language, 11.14)."""

_ABBREVIATIONS = {
    "e.g.": "for example,", "i.e.": "that is,", "etc.": "et cetera", "vs.": "versus", "approx.": "approximately",
    "prof.": "professor", "a.k.a.": "also known as", "incl.": "including", "dept.": "department", "w/": "with",
    "w/o": "without", "c/o": "care of", "p.s.": "p s", "u.s.": "u s", "u.k.": "u k",
}  # fmt: skip
_UNITS = {
    "km/h": "kilometers per hour", "m/s": "meters per second", "mph": "miles per hour", "km": "kilometers",
    "cm": "centimeters", "mm": "millimeters", "m": "meters", "kg": "kilograms", "mg": "milligrams", "g": "grams",
    "ml": "milliliters", "l": "liters", "kWh": "kilowatt hours", "kW": "kilowatts", "MW": "megawatts", "W": "watts",
    "GB": "gigabytes", "MB": "megabytes", "kB": "kilobytes", "TB": "terabytes", "GHz": "gigahertz", "MHz": "megahertz",
    "kHz": "kilohertz", "Hz": "hertz", "ms": "milliseconds", "°C": "degrees Celsius", "°F": "degrees Fahrenheit",
    "°": "degrees", "min": "minutes", "ft": "feet", "lb": "pounds", "lbs": "pounds", "oz": "ounces",
    "m²": "square meters", "m³": "cubic meters", "h": "hours", "s": "seconds", "V": "volts", "dB": "decibels",
    "km²": "square kilometers",
}  # fmt: skip
_CURRENCIES = {"$": ("dollar", "dollars"), "€": ("euro", "euros"), "£": ("pound", "pounds"), "¥": ("yen", "yen")}
_FRACTIONS = {
    "1/2": "one half", "½": "one half", "1/3": "one third", "⅓": "one third", "2/3": "two thirds", "⅔": "two thirds",
    "1/4": "one quarter", "¼": "one quarter", "3/4": "three quarters", "¾": "three quarters", "1/8": "one eighth",
}  # fmt: skip
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
_SHORT_MONTHS = {month[:3].lower(): month for month in _MONTHS if len(month) > 3} | {"sept": "September"}
_DECADES = {"20": "twenties", "30": "thirties", "40": "forties", "50": "fifties", "60": "sixties", "70": "seventies",
            "80": "eighties", "90": "nineties"}  # fmt: skip


def any_of(words: dict[str, str]) -> str:
    """A pattern for any of some strings, the longest first."""
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


def _year(match: re.Match[str]) -> str:
    century, rest = match[1], match[2]
    if rest == "00":
        return rf"\1 hundred{'s' if match[3] else ''}"
    if match[3]:
        return rf"\1 {_DECADES[rest]}" if rest in _DECADES else match[0]
    return rf"\1 oh {rest[1]}" if rest[0] == "0" else rf"{century} {rest}"


def _money(match: re.Match[str]) -> str:
    sign, whole, cents, scale = match[1], match[2], match[3], match[4]
    one, many = _CURRENCIES[sign]
    if scale:
        return rf"\2{f'.{cents}' if cents else ''} \4 {many}"
    unit = one if whole == "1" else many
    return rf"\2 {unit} \3" if cents and cents != "00" else rf"\2 {unit}"


def _money_after(match: re.Match[str]) -> str:
    return rf"\1 {_CURRENCIES[match[2]][match[1] != '1']}"


def _time(match: re.Match[str]) -> str:
    minutes = match[2]
    half = {"a": " a.m", "p": " p.m"}.get((match[3] or "").lower(), "")
    if minutes == "00":
        return rf"\1{half}" if half else r"\1 o'clock" if int(match[1]) <= 12 else r"\1 hundred hours"
    return rf"\1 oh {minutes[1]}{half}" if minutes[0] == "0" else rf"\1 \2{half}"


def _iso_date(match: re.Match[str]) -> str:
    month = int(match[2])
    return rf"{_MONTHS[month - 1]} {int(match[3])}, \1" if 1 <= month <= 12 else match[0]


def _digits(match: re.Match[str]) -> str:
    return " ".join(re.sub(r"\D", "", match[0]))


def _address(match: re.Match[str]) -> str:
    spoken = re.sub(r"^https?://(?:www\.)?|^www\.|/$|[?#].*$", "", match[0])
    for sign, word in ((".", " dot "), ("/", " slash "), ("-", " dash "), ("_", " underscore "), ("@", " at ")):
        spoken = spoken.replace(sign, word)
    return spoken


def _abbreviation(match: re.Match[str]) -> str:
    word = _ABBREVIATIONS[match[1].lower()]
    word = word.capitalize() if match[1][0].isupper() and len(word) > 3 else word
    ends = match[1].endswith(".") and re.match(r"\s+[A-Z]|\s*$", match.string[match.end() :])
    return f"{word.rstrip(',')}." if ends else word


def _month(match: re.Match[str]) -> str:
    return _SHORT_MONTHS[match[0].rstrip(".").lower()]


URL = r"(?:https?://|www\.)[^\s<>()]*[^\s<>().,;:!?'\"]|(?<![\w@.])(?:[\w-]+\.)+(?:com|org|net|edu|gov|io|de|eu|info)\b(?:/[\w./-]*\w)?"
EMAIL = r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"

RULES: tuple[Rule, ...] = (
    (re.compile(f"{EMAIL}|{URL}"), _address),
    (re.compile(rf"(?<![\w.])({any_of(_ABBREVIATIONS)})(?!\w)", re.I), _abbreviation),
    (re.compile(rf"\b({'|'.join(_SHORT_MONTHS)})\.(?=\s*\d)|(?<=\d )({'|'.join(_SHORT_MONTHS)})\.", re.I), _month),
    (re.compile(r"\b[Nn]os?\. ?(?=\d)"), "number "),
    (re.compile(r"#(?=\d)"), "number "),
    (re.compile(r"(?<!\w)[#](?=[A-Za-z])"), "hashtag "),
    (re.compile(r"(?<!\w)@(?=\w)"), "at "),
    (re.compile(rf"(?<![\d/])({any_of(_FRACTIONS)})(?![\d/])"), lambda match: _FRACTIONS[match[1]]),
    (
        re.compile(r"([$€£¥]) ?(\d+(?:,\d{3})*)(?:\.(\d{1,2}))?(?: (thousand|million|billion|trillion)\b)?(?!\d)"),
        _money,
    ),
    (re.compile(r"(\d+(?:,\d{3})*) ?([€£¥])"), _money_after),
    (re.compile(r"\b(\d{4})-(\d\d)-(\d\d)\b"), _iso_date),
    (re.compile(r"\b(\d{1,2}):(\d\d)(?::\d\d)?(?: ?([AaPp])\.? ?[Mm]\b\.?)?"), _time),
    (re.compile(r"\b(\d{1,2}) ?([AaPp])\.?[Mm]\b\.?"), lambda match: rf"\1 {match[2].lower()}.m"),
    (re.compile(r"\+?\d[\d ()-]{6,}\d(?![\d,.])"), _digits),
    (re.compile(r"(?<=\d) ?[-–] ?(?=[$€£]?\d)"), " to "),
    (re.compile(r"(?<![\d,.$€£])(1[1-9]|20(?!0))(\d\d)('?s)?(?!\d|[.,]\d| ?%)"), _year),
    (re.compile(rf"(?<=\d) ?({any_of(_UNITS)})(?![\w/])"), lambda match: f" {_UNITS[match[1]]}"),
    (re.compile(r" ?& ?"), " and "),
    (re.compile(r"(?<=\d) ?\+ ?(?=\d)"), " plus "),
    (re.compile(r"(?<=[\w)]) ?= ?(?=[\w(-])"), " equals "),
    (re.compile(r"(?<=\d) ?[×x*] ?(?=\d)"), " times "),
    (re.compile(r"(?<=\d) ?< ?(?=\d)"), " less than "),
    (re.compile(r"(?<=\d) ?> ?(?=\d)"), " greater than "),
    (re.compile(r"\band/or\b"), "and or"),
    (re.compile(r"(?<=[A-Za-z]{2})/(?=[A-Za-z]{2})"), " or "),
    (re.compile(r"(?<=\d)/(?=\d)"), " "),
    (re.compile(r"~(?=\d)"), "about "),
)
"""Rules in the order in which they apply."""
