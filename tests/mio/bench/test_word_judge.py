import math

import numpy as np
import pytest
import torch

from mio.bench._codec_quality import unigram_arpa
from mio.bench._word_judge import Balance, Grammar, Network, lexicon_of, misheard, read_arpa, recognisers_of
from mio.espeak import Espeak
from nodes.listener.language_model import END, START, write_arpa
from nodes.talker.text.espeak_speller import EspeakSpeller
from nodes.talker.training.judge import HALVES, AcousticModel
from nodes.talker.training.speech_set import NUMBERS

SENTENCES = [["the", "cat", "sat"], ["the", "dog", "ran"]]
LEXICON = {"the": {(1, 2)}, "cat": {(3, 4)}, "sat": {(5, 4)}, "dog": {(6, 7)}, "ran": {(8, 9), (8, 7)}}
CLASSES = 10 * HALVES
EVEN = Balance(1.0, 0.0)


def heard(phones: list[int], frames: int = 2, sure: float = 6.0) -> np.ndarray:
    """Likelihoods of phones one after the other, each half of some frames; 0 is a pause."""
    classes = [
        c for p in phones for c in ([0] * frames if p == 0 else [HALVES * p] * frames + [HALVES * p + 1] * frames)
    ]
    likely = np.full((len(classes), CLASSES), -sure, np.float32)
    likely[np.arange(len(classes)), classes] = 0.0
    return likely


def network(*, in_any_order: bool, balance: Balance = EVEN) -> Network:
    arpa = unigram_arpa(SENTENCES) if in_any_order else write_arpa(SENTENCES, lambda _: 0.0, (), 1.0)
    return Network(Grammar(read_arpa(arpa)), LEXICON, balance)


def likelihood(sentence: list[str], grammar: Grammar) -> float:
    """Of a sentence by its best way through the grammar, one word after the other."""
    reached = {grammar.start: 0.0}

    def backed_off(reached: dict[int, float]) -> dict[int, float]:
        for source, target, weight in sorted(grammar.back_off):
            if source in reached:
                reached[target] = max(reached.get(target, -math.inf), reached[source] + weight)
        return reached

    for word in sentence:
        reached = backed_off(reached)
        reached = {
            arc.target: max(
                reached[a.source] + a.likely for a in grammar.arcs if a.source in reached and a[1:3] == arc[1:3]
            )
            for arc in grammar.arcs
            if arc.word == word and arc.source in reached
        }
    return max(score + grammar.ends[history] for history, score in backed_off(reached).items())


def test_a_grammar_gives_sentences_the_likelihood_that_is_in_the_file() -> None:
    grams = read_arpa(write_arpa(SENTENCES, lambda _: 0.0, (), 1.0))

    def by_definition(gram: tuple[str, ...]) -> float:
        listed = grams.likely.get(gram)
        return grams.back_off.get(gram[:-1], 0.0) + by_definition(gram[1:]) if listed is None else listed

    grammar = Grammar(grams)
    for sentence in (["the", "cat", "sat"], ["the", "cat", "ran"], ["dog", "dog"]):
        marked = [START, *sentence, END]
        expected = sum(by_definition(tuple(marked[max(0, k - 2) : k + 1])) for k in range(1, len(marked)))
        assert likelihood(sentence, grammar) == pytest.approx(expected, abs=1e-3)
    assert likelihood(["the", "cat", "sat"], grammar) > likelihood(["the", "cat", "ran"], grammar) + 1.0
    unigram = Grammar(read_arpa(unigram_arpa(SENTENCES)))
    assert likelihood(["the", "cat"], unigram) == pytest.approx(math.log(2 / 8 * 1 / 8 * 2 / 8), abs=1e-3)


def test_clear_phones_are_heard_as_their_words_whatever_the_pauses() -> None:
    for phones in ([1, 2, 3, 4, 5, 4], [0, 0, 1, 2, 0, 3, 4, 5, 4, 0]):
        for in_any_order in (False, True):
            assert network(in_any_order=in_any_order).best(heard(phones)) == ["the", "cat", "sat"]
    assert network(in_any_order=True).best(heard([8, 7, 8, 9])) == ["ran", "ran"]  # both of its pronunciations
    assert network(in_any_order=False).best(heard([0, 0, 0])) in ([], ["ran"], ["sat"])
    assert network(in_any_order=False).best(np.zeros((0, CLASSES), np.float32)) == []


def test_an_unclear_word_is_what_usually_follows_only_where_order_is_known() -> None:
    unclear = heard([1, 2, 3, 4, 8, 4], sure=0.4)
    assert network(in_any_order=False, balance=Balance(3.0, 0.0)).best(unclear) == ["the", "cat", "sat"]
    clear = heard([1, 2, 3, 4, 8, 9])
    assert network(in_any_order=True).best(clear) == ["the", "cat", "ran"]


def test_words_that_were_left_out_or_said_twice_are_noticed() -> None:
    assert network(in_any_order=True).best(heard([3, 4, 5, 4])) == ["cat", "sat"]
    assert network(in_any_order=True).best(heard([1, 2, 3, 4, 3, 4, 5, 4])) == ["the", "cat", "cat", "sat"]


def test_a_phone_may_be_a_single_half() -> None:
    short = np.concatenate((heard([1, 2, 3], 1)[:-1], heard([4], 1)))
    assert network(in_any_order=True).best(short) == ["the", "cat"]


def test_more_for_each_word_gives_more_words() -> None:
    blurred = np.full((24, CLASSES), 0.0, np.float32)
    few, many = (network(in_any_order=True, balance=Balance(1.0, word)).best(blurred) for word in (-20.0, 20.0))
    assert len(few) <= 1 and len(many) == 24 // 2  # shortest: the first halves of two phones


def test_german_is_heard_by_the_judge_only_and_only_words_that_it_knows() -> None:
    pytest.importorskip("espeakng_loader")
    torch.manual_seed(0)
    recognisers = recognisers_of(["Der Hund bellt.", "Die Katze schläft."], "de", AcousticModel(16, 0.0).eval())
    assert recognisers.keys() == {"judged_closed", "judged_unigram"}
    sound = 0.1 * np.random.default_rng(0).normal(size=24_000).astype(np.float32)
    for recogniser in recognisers.values():
        assert recogniser.knows("Der Hund schläft.") and not recogniser.knows("Der Hund frisst.")
        assert set(recogniser.hear(sound).split()) <= {"der", "hund", "bellt", "die", "katze", "schläft"}
    assert recognisers_of(["Der Hund bellt."], "de", None) == {}


def test_a_share_is_of_all_words_and_wrong_sentences_are_named() -> None:
    class Deaf:
        def knows(self, sentence: str) -> bool:
            return "fox" not in sentence

        def hear(self, sound: np.ndarray) -> str:
            return "the cat sat" if sound.any() else ""

    said = [
        ("The cat sat.", np.ones(3)),
        ("The cat sat down.", np.ones(3)),
        ("A fox.", np.ones(3)),
        ("No.", np.zeros(3)),
    ]
    found = misheard([(text, sound.astype(np.float32)) for text, sound in said], Deaf())
    assert found.share == pytest.approx(2 / 8) and found.right == pytest.approx(1 / 3)
    assert found.wrong == [("The cat sat down.", "the cat sat"), ("No.", "")]


@pytest.mark.parametrize(("text", "lang", "word", "sounds"), [("Der Hund bellt.", "de", "hund", "h ʊ n t")])
def test_words_sound_as_the_speller_says(text: str, lang: str, word: str, sounds: str) -> None:
    pytest.importorskip("espeakng_loader")
    lexicon = lexicon_of([text], lang, EspeakSpeller(Espeak.shared()))
    assert lexicon.keys() == {"der", "hund", "bellt"}
    assert tuple(NUMBERS[symbol] for symbol in sounds.split()) in lexicon[word]


def test_words_that_are_run_together_and_numbers_have_all_of_their_phones() -> None:
    pytest.importorskip("espeakng_loader")
    lexicon = lexicon_of(["It was one of the 42 I'd seen."], "en", EspeakSpeller(Espeak.shared()))
    assert lexicon.keys() == {"it", "was", "one", "of", "the", "42", "i'd", "seen"}
    assert all(len(phones) <= 3 for word in ("it", "was", "one", "of", "the") for phones in lexicon[word])
    assert all(len(phones) >= 7 for phones in lexicon["42"])
