import re

import pytest

from nodes.listener.language_model import write_arpa

SENTENCES = [["how", "old", "are", "you"], ["how", "old", "is", "the", "goat"], ["who", "are", "you"]] * 3


def general(history: list[str]) -> float:
    """A language in which all words are as probable, except that ``the`` calls for ``cat``."""
    return 0.4 if history == ["the", "cat"] else 0.01


def tables(weight: float = 0.5) -> list[dict[tuple[str, ...], tuple[float, float]]]:
    text = write_arpa(SENTENCES, general, ["cat", "dog"], weight)
    sections = re.split(r"\\\d-grams:|\\end\\", text)[1:4]
    found = []
    for order, section in enumerate(sections, 1):
        rows = [line.split() for line in section.strip().splitlines()]
        found.append({tuple(r[1 : order + 1]): (float(r[0]), float((r + ["0"] * 5)[order + 1])) for r in rows})
    return found


def probability(model, *words: str) -> float:
    """As a decoder reads the file: the longest known history, with back-off."""
    if words in model[len(words) - 1]:
        return 10 ** model[len(words) - 1][words][0]
    back_off = 10 ** model[len(words) - 2].get(words[:-1], (0.0, 0.0))[1]
    return back_off * probability(model, *words[1:])


@pytest.mark.parametrize("history", [(), ("how",), ("how", "old"), ("<s>", "how"), ("dog",), ("the",)])
def test_probabilities_after_any_history_sum_to_one(history):
    model = tables()
    words = [word for (word,) in model[0] if word != "<s>"]
    assert sum(probability(model, *history, word) for word in words) == pytest.approx(1.0, abs=0.02)


def test_what_the_examples_say_is_more_probable_than_what_they_do_not_say():
    model = tables()
    assert probability(model, "how", "old", "are") > 10 * probability(model, "how", "old", "dog")


def test_general_pairs_of_known_words_are_kept():
    sentences = [*SENTENCES, ["cat"], ["cat"], ["cat"]]
    text = write_arpa(sentences, general, [], 0.5)
    assert re.search(r"^-\S+ the cat", text, re.MULTILINE)


def test_more_weight_for_the_examples_makes_them_more_probable():
    assert probability(tables(0.9), "how", "old") > probability(tables(0.3), "how", "old")


def test_the_header_counts_the_entries():
    text = write_arpa(SENTENCES, general, ["cat"], 0.5)
    for order, table in enumerate(tables_of(text), 1):
        assert f"ngram {order}={table}" in text


def tables_of(text: str) -> list[int]:
    sections = re.split(r"\\\d-grams:|\\end\\", text)[1:4]
    return [len(section.strip().splitlines()) for section in sections]
