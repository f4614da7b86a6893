import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nodes.talker.text.cleaning import EMPHASIS_END, EMPHASIS_START
from nodes.talker.text.german import ordinal
from nodes.talker.text.mapped import Mapped, join
from nodes.talker.text.units import MAX_UNIT_CHARS, units_of


def spoken(text: str, language: str = "en") -> list[str]:
    return [unit.text.text.replace(EMPHASIS_START, "<").replace(EMPHASIS_END, ">") for unit in units_of(text, language)]


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("It cost $3.50, not $1.", "It cost 3 dollars 50, not 1 dollar."),
        ("$5 million or £20 or 30 €", "5 million dollars or 20 pounds or 30 euros"),
        ("At 7:30 p.m., 7:05 or 8:00?", "At 7 30 p.m, 7 oh 5 or 8 o'clock?"),
        ("Built in 1882, moved in 1905, sold in 1900.", "Built in 18 82, moved in 19 oh 5, sold in 19 hundred."),
        ("The 1980s and 2024, but 1,882 and 12 and 18825", "The 19 eighties and 20 24, but 1,882 and 12 and 18825"),
        ("On 2024-05-17, e.g. here, etc.", "On May 17, 20 24, for example, here, et cetera."),
        (
            "20 °C, 5 km/h, 3kg, 50%, 10-20 m",
            "20 degrees Celsius, 5 kilometers per hour, 3 kilograms, 50%, 10 to 20 meters",
        ),
        ("No. 5 on Dec. 24, ½ cup, 3/4 full", "number 5 on December 24, one half cup, three quarters full"),
        ("See https://www.example.com/a_b?x=1.", "See example dot com slash a underscore b."),
        ("Mail me@home-page.org & wait.", "Mail me at home dash page dot org and wait."),
        ("#1 of #tags by @mara: 5+3=8, 5 < 6", "number 1 of hashtag tags by at mara: 5 plus 3 equals 8, 5 less than 6"),
        ("He/she and/or they, 24/7", "He or she and or they, 24 7"),
        ("Call +1 555-123-4567 now.", "Call 1 5 5 5 1 2 3 4 5 6 7 now."),
        ("Dr. Smith met J. K. Rowling on Main St. today.", "Dr. Smith met J. K. Rowling on Main St. today."),
        ("NASA, the U.S. and C++", "NASA, the u s and C++"),
    ],
)
def test_english_is_read_as_people_read_it(written: str, said: str) -> None:
    assert " ".join(spoken(written)) == said


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("Am 3. Mai, der 3. Mai", "Am dritten Mai, der dritte Mai"),
        ("am 24.12.2005", "am vierundzwanzigsten Dezember 2005"),
        ("Um 7:30 Uhr oder 8:00 Uhr", "Um 7 Uhr 30 oder 8 Uhr"),
        ("z.B. 3,50 € und 1.234,50 €", "zum Beispiel 3 Euro 50 und 1.234 Euro 50"),
        ("1999, 1900 und 2005", "19 hundert 99, 19hundert und 2005"),
        ("20 °C, 5 km/h, Nr. 5", "20 Grad Celsius, 5 Kilometer pro Stunde, Nummer 5"),
        ("d. h. ca. 10-20 m", "das heißt circa 10 bis 20 Meter"),
        ("www.beispiel.de und ich@du.de", "beispiel Punkt de und ich ät du Punkt de"),
    ],
)  # fmt: skip
def test_german_is_read_as_people_read_it(written: str, said: str) -> None:
    assert " ".join(spoken(written, "de")) == said


def test_german_ordinals_up_to_thirty_one() -> None:
    words = [ordinal(number, "en") for number in (1, 2, 3, 7, 8, 11, 16, 19, 20, 21, 30, 31)]
    assert words == [
        "ersten", "zweiten", "dritten", "siebten", "achten", "elften", "sechzehnten", "neunzehnten", "zwanzigsten",
        "einundzwanzigsten", "dreißigsten", "einunddreißigsten",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("# Title\n\n- one\n- two", ["Title.", "one.", "two"]),
        ("[link](http://x.y) ~~no~~ `code` <b>bold</b>", ["link no code bold"]),
        ("| a | b |\n| 1 | 2 |", ["a, b.", "1, 2"]),
        ("[happy] Oh! <nod> Yes \U0001f600\U0001f44d\U0001f3fd :)", ["Oh!", "Yes"]),
        ("(aside) \u201cquoted\u201d \u2014 dash - end...", ["aside, quoted, dash, end…"]),
        ("What?! No!!! Well,,", ["What.", "No!", "Well,"]),
        ("it\u2019s 5 o'clock", ["it's 5 o'clock"]),
        ("soft\u00adhyphen zero\u200bwidth \\1 \x00\x07 \ud800!", ["softhyphen zerowidth 1!"]),
    ],
)
def test_marks_and_markup_are_not_read(written: str, said: list[str]) -> None:
    assert spoken(written) == said


@pytest.mark.parametrize(
    "written", ["", "   \n\t ", "\U0001f600\U0001f389", "***", "...", "?!", "---", "[happy]", "<3 :-)"]
)
def test_nothing_speakable_gives_no_unit(written: str) -> None:
    assert units_of(written, "en") == []


def test_emphasis_is_marked_and_its_punctuation_left_outside() -> None:
    assert spoken("I *really* mean **all of it!** but not snake_case_name or 2*3*4.") == [
        "I <really> mean <all of it>!",
        "but not snake case name or 2 times 3 times 4.",
    ]


def test_only_questions_that_can_be_answered_with_yes_rise() -> None:
    assert [(unit.text.text, unit.pause) for unit in units_of("Are you there? What is it? Kommst du?", "en")] == [
        ("Are you there?", "?"),
        ("What is it.", "?"),
        ("Kommst du?", "?"),
    ]
    assert spoken("Wann kommst du? Kommst du?", "de") == ["Wann kommst du.", "Kommst du?"]


def test_scripts_are_read_by_voices_of_their_languages() -> None:
    units = units_of("Hello Привет мир and 你好, こんにちは.", "en")
    assert [(unit.text.text, unit.language) for unit in units] == [
        ("Hello", "en"),
        ("Привет мир", "ru"),
        ("and", "en"),
        ("你好, こんにちは.", "ja"),
    ]
    assert [unit.language for unit in units_of("Привіт, світе!", "uk")] == ["uk"]


def test_long_texts_are_cut_at_sentences_then_commas_then_spaces() -> None:
    sentence = (
        "The sea is calm tonight and the tide is full, the moon lies fair upon the straits, and so on and on it goes."
    )
    units = units_of(" ".join([sentence] * 20), "en")
    assert [unit.text.text for unit in units] == [sentence] * 20
    endless = spoken("word " * 500)
    assert max(map(len, endless)) <= MAX_UNIT_CHARS
    assert " ".join(endless).split() == ["word"] * 500
    comma = spoken("one two three four five six, " * 30)
    assert all(part.endswith(",") for part in comma[:-1])


def test_an_endless_word_is_cut() -> None:
    assert max(len(word) for unit in spoken("a" * 5_000) for word in unit.split()) <= 40


def test_rewritten_text_points_back_to_what_was_written() -> None:
    text = "Pay **now** $3.50, e.g. by mail@x.org."
    unit = units_of(text, "en")[0].text
    behind = {word: text[unit.starts[at] : unit.ends[at]] for word in ("now", "dollars", "example", "dot")
              for at in [unit.text.index(word)]}  # fmt: skip
    assert behind == {"now": "n", "dollars": "$3.50", "example": "e.g.", "dot": "mail@x.org"}


def test_a_mapped_text_keeps_groups_in_their_places() -> None:
    import re

    text = Mapped.of("ab-cd").sub(re.compile(r"(\w+)-(\w+)"), r"\2 and \1")
    assert text.text == "cd and ab"
    assert [text.source(at) for at in (0, 1, 3, 7, 8, 9)] == [3, 4, 0, 0, 1, 2]
    assert Mapped.of("").source(0) == 0
    assert join([]).text == ""


@settings(max_examples=200, deadline=None)
@given(
    st.text(alphabet=st.one_of(st.characters(), st.sampled_from(" .,!?*_()[]<>$€:/#@&-0123456789\n")), max_size=300),
    st.sampled_from(["en", "de", "fr", "zh-CN"]),
)
def test_any_text_becomes_units_that_point_into_it(text: str, language: str) -> None:
    for unit in units_of(text, language):
        assert 0 < len(unit.text.text) <= MAX_UNIT_CHARS + 20
        assert unit.text.text == unit.text.text.strip()
        assert len(unit.text.starts) == len(unit.text.ends) == len(unit.text.text)
        assert all(0 <= start <= end <= len(text) for start, end in zip(unit.text.starts, unit.text.ends, strict=True))
