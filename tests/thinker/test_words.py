import pytest

from nodes.thinker.likeness import SoundIndex
from nodes.thinker.pronunciation import Pronunciation, sound_out
from nodes.thinker.wording import WordIndex
from nodes.thinker.words import ending, plain


def test_plain_words_have_no_case_and_no_punctuation():
    assert plain("  What’s “Comma's”   name?! 'Yes' — don't_know ") == "what's comma's name yes don't know"


def test_words_of_other_scripts_are_kept():
    assert plain("Wie heißt du? Ça va, José!") == "wie heißt du ça va josé"


def test_the_end_of_a_long_text_is_kept():
    assert ending("a b c d e", 2) == "d e"


def test_known_words_sound_as_the_dictionary_says():
    assert Pronunciation().phones(["light", "house"]) == ["L", "AY", "T", "HH", "AW", "S"]


def test_forms_that_the_dictionary_lacks_sound_like_their_stem():
    pronunciation = Pronunciation()
    assert pronunciation.phones(["puffin's"]) == ["P", "AH", "F", "IH", "N", "Z"]


@pytest.mark.parametrize(("word", "phones"), [("shbeech", "SH B IY CH"), ("nightly", "N AY T L IY"), ("", "")])
def test_unknown_words_are_sounded_out(word: str, phones: str):
    assert " ".join(sound_out(word)) == phones


def test_other_languages_go_by_their_letters():
    assert Pronunciation("de").phones(["ja"]) == ["j", "a"]


def test_misheard_words_sound_nearer_to_what_was_said_than_to_anything_else():
    pronunciation = Pronunciation()
    said = ["tell me about your lighthouse", "tell me about your family", "what is your favourite star"]
    index = SoundIndex([pronunciation.phones(text.split()) for text in said])
    likeness = index.likeness(pronunciation.phones(["tell", "me", "abode", "your", "light", "how's"]))
    assert likeness.argmax() == 0
    assert index.likeness(pronunciation.phones(said[2].split()))[2] == pytest.approx(1.0, abs=1e-5)


def test_sounds_that_were_never_indexed_make_sentences_less_alike():
    index = SoundIndex([list("abcd"), list("wxyz")])
    assert index.likeness(list("abcd"))[0] > index.likeness(list("abcdqqqq"))[0] > 0
    assert index.likeness([]).tolist() == [0.0, 0.0]


def test_rare_words_say_more_than_common_ones():
    index = WordIndex([["the", "goat"], ["the", "boat"], ["the", "moon", "the"]])
    likeness = index.likeness(["the", "goat"])
    assert likeness.argmax() == 0
    assert likeness[1] < 0.3 * likeness[0]


def test_words_that_no_document_has_lower_all_scores():
    index = WordIndex([["the", "goat"], ["the", "boat"]])
    assert index.likeness(["goat", "zebra"])[0] < index.likeness(["goat"])[0]
    assert index.likeness([]).tolist() == [0.0, 0.0]
