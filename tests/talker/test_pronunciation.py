import pytest

from mio.errors import ConfigError, MioError
from mio.espeak import abi
from nodes.talker.text import lexicon_speller
from nodes.talker.text.espeak_speller import EspeakSpeller
from nodes.talker.text.lexicon_speller import LexiconSpeller
from nodes.talker.text.pronunciation import Speller, pronounced_text, speaks
from nodes.talker.text.spellers import build_speller
from nodes.talker.text.units import units_of

ESPEAK, LEXICON = EspeakSpeller.shared(), LexiconSpeller()
both = pytest.mark.parametrize("speller", [ESPEAK, LEXICON], ids=["espeak", "lexicon"])


def spelled(text: str, language: str = "en", speller: Speller = ESPEAK) -> str:
    """Phones, an underscore before the first of a word, a mark behind a pause."""
    phones = pronounced_text(text, language, speller)
    return " ".join(f"{'_' if p.begins_word else ''}{p.symbol}{p.mark}" for p in phones)


@both
def test_words_pauses_and_marks_are_known(speller: Speller) -> None:
    assert spelled("Well, no.", "en", speller) == "sil _w ɛ l sil, _n oʊ sil."
    assert spelled("Wahr? Ja!", "de-DE", speller) == "sil _v ɑː ɾ sil? _j ɑː sil!"


@both
def test_stress_is_on_the_vowel_that_carries_it(speller: Speller) -> None:
    phones = pronounced_text("banana", "en", speller)
    assert [(p.symbol, p.stress) for p in phones if p.stress] == [("æ", 1)]


@both
def test_words_are_found_where_they_are_written(speller: Speller) -> None:
    text = "Dr. Smith paid 3 dollars."
    (unit,) = units_of(text, "en")
    said = speller.spell(unit)
    assert [text[word.first_char :][:3] for word in said.words] == ["Dr.", "Smi", "pai", "3 d", "dol"]
    assert all(said.phones[word.first_phone].begins_word for word in said.words)


@both
@pytest.mark.parametrize("text", ["", "😀", "...", "   "])
def test_what_cannot_be_spoken_is_a_pause(text: str, speller: Speller) -> None:
    assert spelled(text, "en", speller) == "sil"


@both
def test_what_is_in_another_script_is_left_out(speller: Speller) -> None:
    assert "_h" in spelled("Привет, hello.", "en", speller) and spelled("Привет", "en", speller) == "sil"


@both
def test_a_language_without_phones_is_one_clear_error(speller: Speller) -> None:
    assert speaks("en-GB") and speaks("de") and not speaks("fr")
    with pytest.raises(ConfigError, match="known: en, de"):
        pronounced_text("bonjour", "fr", speller)
    with pytest.raises(ConfigError, match="known: en, de"):
        speller.spell(units_of("bonjour", "fr")[0])


@both
def test_long_texts_are_spelled_to_their_end(speller: Speller) -> None:
    assert spelled("A word and one more. " * 240, "en", speller).count("sil.") == 240


@pytest.mark.parametrize(
    ("text", "language", "same_as"),
    [
        ("1,250 of 3.5", "en", "one thousand, two hundred and fifty of three point five"),
        ("the 22nd", "en", "the twenty second"),
        ("1.250 und 3,5", "de", "eintausendzweihundertfünfzig und drei Komma fünf"),
        ("1.2.3.4", "en", "one two three four"),
        ("9" * 40, "de", " ".join(["neun"] * 40)),
        ("USB", "de", "U S B"),
    ],
)
def test_word_lists_read_numbers_and_letters_out(text: str, language: str, same_as: str) -> None:
    assert sounds(text, language) == sounds(same_as, language)


def sounds(text: str, language: str) -> list[str]:
    """Phones without pauses, as word lists know them."""
    return [p.symbol for p in pronounced_text(text, language, LEXICON) if p.symbol != "sil"]


def test_unknown_words_are_spelled_by_their_letters() -> None:
    assert spelled("frobnicated", speller=LEXICON) == "sil _f ɹ ɑː b n ɪ k eɪ ɾ ɪ d sil"


def test_the_is_said_in_full_before_a_vowel() -> None:
    assert spelled("the apple and the tree", speller=LEXICON).split()[:4] == ["sil", "_ð", "ɪ", "_æ"]
    assert "_ð ə _t" in spelled("the apple and the tree", speller=LEXICON)


@pytest.mark.parametrize(
    ("language", "text"),
    [("en", "She sold the old boat to a man from the north."), ("de", "Er hat das alte Haus verkauft.")],
)
def test_word_lists_say_nearly_what_espeak_says(language: str, text: str) -> None:
    ours, theirs = sounds(text, language), spelled(text, language).replace("_", "").split()
    theirs = [symbol for symbol in theirs if not symbol.startswith("sil")]
    assert len(ours) == len(theirs)
    assert sum(a != b for a, b in zip(ours, theirs, strict=True)) <= 2


def test_espeak_is_taken_if_it_is_there_and_word_lists_if_not(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(build_speller(), EspeakSpeller)
    assert isinstance(build_speller("lexicon"), LexiconSpeller)
    monkeypatch.setattr(EspeakSpeller, "shared", missing)
    assert isinstance(build_speller(), LexiconSpeller)
    monkeypatch.setattr(lexicon_speller, "_PACKAGES", {"en": "no_such_package"})
    with pytest.raises(MioError, match="the word list no-such-package is missing"):
        build_speller("lexicon")
    with pytest.raises(MioError, match="nothing is installed that spells words out"):
        build_speller()


def missing() -> None:
    raise MioError("espeak-ng is not installed", abi.REMEDY)
