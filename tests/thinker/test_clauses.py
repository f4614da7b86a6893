import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodes.thinker.clauses import DEFAULT_INTENSITY, Clause, ClauseCutter, cut_clauses


def stream(text: str, size: int, *, eager: bool = True) -> list[Clause]:
    cutter = ClauseCutter(eager=eager)
    clauses: list[Clause] = []
    for at in range(0, len(text), size):
        clauses += cutter.feed(text[at : at + size])
    return clauses + cutter.finish()


def texts(clauses: list[Clause]) -> list[str]:
    return [clause.text for clause in clauses]


def test_an_emotion_lasts_until_the_next_one_and_a_gesture_for_one_clause():
    clauses = cut_clauses("[happy] <greet> Hello there. Come in. [sad 0.9] It rains.")
    assert clauses == [
        Clause("Hello there.", "happy", DEFAULT_INTENSITY, "greet"),
        Clause("Come in.", "happy", DEFAULT_INTENSITY, "none"),
        Clause("It rains.", "sad", 0.9, "none"),
    ]


def test_a_mark_inside_a_sentence_begins_a_clause():
    assert texts(cut_clauses("We put out the lights, <beat> and light them again.")) == [
        "We put out the lights,",
        "and light them again.",
    ]


def test_abbreviations_and_decimals_do_not_end_a_sentence():
    text = "Dr. Smith measured 3.5 metres. It was J. Brown."
    assert texts(cut_clauses(text)) == ["Dr. Smith measured 3.5 metres.", "It was J. Brown."]


def test_a_long_sentence_is_cut_at_a_comma():
    text = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen, and then fifteen sixteen."
    assert len(cut_clauses(text)) == 2


def test_an_eager_first_clause_ends_at_any_punctuation_or_after_eight_words():
    assert texts(stream("Well, that is a good question. Yes.", 4))[0] == "Well,"
    words = "one two three four five six seven eight nine ten"
    assert texts(stream(words, 5)) == ["one two three four five six seven eight", "nine ten"]


def test_the_first_clause_comes_before_the_sentence_is_over():
    cutter = ClauseCutter(eager=True)
    assert texts(cutter.feed("Oh, I have to think about ")) == ["Oh,"]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_pieces_of_any_size_give_the_same_clauses(size: int):
    text = "[happy] <greet> Well, hello there my friend! *waves* I am **very** glad. [dance] Dr. Who? <nod>Yes [sad]no."
    assert stream(text, size) == stream(text, len(text))


@given(st.text(alphabet="ab .,!?[]<>*\n1", max_size=80), st.integers(1, 9))
def test_no_text_breaks_the_cutter_and_clauses_are_clean(text: str, size: int):
    for clause in stream(text, size):
        assert clause.text == " ".join(clause.text.split())
        assert any(c.isalnum() for c in clause.text)
        assert "*" not in clause.text


@given(
    st.lists(st.sampled_from(["Yes.", "[happy]", "<nod>", "I see,", "he said", "that is so!", "[odd]"]), max_size=20)
)
def test_all_words_are_kept_in_order(parts: list[str]):
    words = [word for part in parts if part[0] not in "[<" for word in part.split()]
    assert " ".join(texts(cut_clauses(" ".join(parts)))).split() == words


def test_unknown_marks_are_left_out_and_reported():
    cutter = ClauseCutter()
    clauses = cutter.feed("[grumpy] <jump> Hello there. ") + cutter.finish()
    assert (texts(clauses), cutter.unknown) == (["Hello there."], ["[grumpy]", "<jump>"])


@pytest.mark.parametrize(
    ("text", "emotion", "gesture"),
    [
        ("[Emotion: Happy] <gesture: wave> Hi you.", "happy", "greet"),
        ("*smiles* *nods* Hi you.", "happy", "nod"),
        ("[sadness] Hi you.", "sad", "none"),
        ("<happy> Hi you.", "happy", "none"),
        ("[nod] Hi you.", "neutral", "nod"),
        ("[thinking] Hi you.", "thoughtful", "none"),
        ("<thinking> Hi you.", "neutral", "think"),
    ],
)
def test_marks_written_in_other_ways_are_understood(text: str, emotion: str, gesture: str):
    (clause,) = cut_clauses(text)
    assert (clause.text, clause.emotion, clause.gesture) == ("Hi you.", emotion, gesture)


def test_hidden_reasoning_is_not_spoken():
    text = "<think>The user says hi. I should greet [angry].</think>[happy] Hello you."
    for size in (1, 5, 1000):
        assert stream(text, size) == [Clause("Hello you.", "happy", DEFAULT_INTENSITY, "none")]


def test_a_think_gesture_is_no_hidden_reasoning():
    (clause, _) = cut_clauses("<think> Let me see. Yes.")
    assert (clause.text, clause.gesture) == ("Let me see.", "think")


def test_markdown_and_links_are_not_spoken():
    text = "# Title\n- **One** thing\n- `two` things, see https://example.org/x now."
    assert " ".join(texts(cut_clauses(text))) == "Title One thing two things, see now."


def test_a_bracket_that_stays_open_holds_nothing_up_for_long():
    cutter = ClauseCutter()
    text = "I think [this bracket will never be closed and the text just goes on. And on it goes. "
    assert texts(cutter.feed(text) + cutter.finish())[-1] == "And on it goes."


@pytest.mark.parametrize("text", ["", "   ", "[happy]", "...", "<nod>", "[", "*", "<think>never closed"])
def test_texts_without_words_say_nothing_odd(text: str):
    assert texts(stream(text, 3)) in ([], ["never closed"])
