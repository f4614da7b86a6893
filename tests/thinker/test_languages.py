import pytest

from mio.character import read_character
from mio.paths import share
from nodes.thinker.languages import language_of, name_of


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Wie alt ist deine Katze?", "de"),
        ("Guten Tag", "de"),
        ("Quel âge a ton chat ?", "fr"),
        ("¿Cómo te llamas?", "es"),
        ("Come ti chiami?", "it"),
        ("Qual é o seu nome?", "pt"),
        ("Het is koud vandaag", "nl"),
        ("Jak masz na imię?", "pl"),
        ("Как тебя зовут?", "ru"),
        ("お名前は何ですか", "ja"),
        ("你叫什么名字", "zh"),
        ("너의 이름은 뭐야", "ko"),
        ("Πώς σε λένε;", "el"),
    ],
)
def test_a_question_is_known_by_its_words_or_letters(text: str, language: str):
    assert language_of(text, "en") == language


@pytest.mark.parametrize("text", ["", "ok", "Gerald", "42", "die in the sea", "Was the winter hard?", "Mara!"])
def test_what_is_not_clear_is_taken_for_the_expected_language(text: str):
    assert language_of(text, "en") == "en"


def test_an_english_question_to_a_german_character_is_noticed():
    assert language_of("How old is your cat?", "de-DE") == "en"
    assert language_of("Wie alt ist deine Katze?", "de-DE") == "de-DE"


def test_english_questions_of_the_default_character_are_never_taken_for_another_language():
    entries = read_character(share("characters", "mara")).knowledge().entries
    questions = [question for entry in entries for question in entry.questions]
    assert [question for question in questions if language_of(question, "en") != "en"] == []


def test_a_language_has_a_name():
    assert (name_of("de-AT"), name_of("tlh")) == ("German", "tlh")
