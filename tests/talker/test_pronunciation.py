import pytest

from mio.errors import ConfigError
from mio.espeak import Espeak
from nodes.talker.text.pronunciation import pronounced, pronounced_text, speaks
from nodes.talker.text.units import units_of


def spelled(text: str, language: str = "en") -> str:
    """Phones, an underscore before the first of a word, a mark behind a pause."""
    phones = pronounced_text(text, language, Espeak.shared())
    return " ".join(f"{'_' if p.begins_word else ''}{p.symbol}{p.mark}" for p in phones)


def test_words_pauses_and_marks_are_known() -> None:
    assert spelled("Well, no.") == "sil _w ɛ l sil, _n oʊ sil."
    assert spelled("Wahr? Ja!", "de-DE") == "sil _v ɑː ɾ sil? _j ɑː sil!"


def test_stress_is_on_the_vowel_that_carries_it() -> None:
    phones = pronounced_text("banana", "en", Espeak.shared())
    assert [(p.symbol, p.stress) for p in phones if p.stress] == [("æ", 1)]


def test_words_are_found_where_they_are_written() -> None:
    text = "Dr. Smith paid 3 dollars."
    (unit,) = units_of(text, "en")
    said = pronounced(unit, Espeak.shared())
    assert [text[word.first_char :][:3] for word in said.words] == ["Dr.", "Smi", "pai", "3 d", "dol"]
    assert all(said.phones[word.first_phone].begins_word for word in said.words)


@pytest.mark.parametrize("text", ["", "😀", "...", "   "])
def test_what_cannot_be_spoken_is_a_pause(text: str) -> None:
    assert spelled(text) == "sil"


def test_what_is_in_another_script_is_left_out() -> None:
    assert "_h" in spelled("Привет, hello.") and spelled("Привет") == "sil"


def test_a_language_without_phones_is_one_clear_error() -> None:
    assert speaks("en-GB") and speaks("de") and not speaks("fr")
    with pytest.raises(ConfigError, match="known: en, de"):
        pronounced_text("bonjour", "fr", Espeak.shared())
    with pytest.raises(ConfigError, match="known: en, de"):
        pronounced(units_of("bonjour", "fr")[0], Espeak.shared())


def test_long_texts_are_spelled_to_their_end() -> None:
    assert spelled("A word and one more. " * 240).count("sil.") == 240
