from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mio.sentences.encoder import SentenceEncoder, TokenStates
from nodes.thinker.memory.graph import Node, Passage, Present, Source
from nodes.thinker.reading.narration import Fate, Narration, load_learnt
from nodes.thinker.reading.shelf import Learnt

TEXTS = [
    "Once there was a miller who had three sons. To the youngest he left nothing but a cat.",
    "The cat asked for a pair of boots and a sack. With the sack it caught a rabbit for the king.",
    "The cat told the miller's son to bathe in the river. The king gave him fine clothes.",
    "An ogre lived in the castle. The cat asked him to become a mouse, and ate him.",
    "The miller's son married the princess, and the cat became a lord.",
]
STORY = [Passage(str(number), text, float(number), source=Source(number)) for number, text in enumerate(TEXTS, 1)]
QUESTIONS = [
    "Who ate the ogre?",
    "What did the cat ask for?",
    "Whom did the miller's son marry?",
    "Where did he bathe?",
]


@pytest.fixture(scope="session")
def learnt() -> Learnt:
    return load_learnt()


@pytest.fixture(scope="session")
def narration(encoder: SentenceEncoder, learnt: Learnt) -> Narration:
    return Narration(STORY, encoder, learnt)


@pytest.mark.parametrize(
    ("question", "told_at", "words"),
    [
        ("What did the cat catch with the sack?", 2, "rabbit"),
        ("Where did the ogre live?", 4, "castle"),
        ("What did the cat ask the ogre to become?", 4, "mouse"),
        ("What did the king give to the miller's son?", 3, "clothes"),
    ],
)
def test_a_question_is_refused_until_the_story_has_told_it(
    narration: Narration, question: str, told_at: int, words: str
):
    assert narration.consider(question, Present(told_at - 1.0)).fate is Fate.AHEAD
    for t_now in range(told_at, len(TEXTS) + 1):
        found = narration.consider(question, Present(float(t_now)))
        assert found.fate is Fate.TOLD
        assert words in found.sentence
        assert found.words in found.sentence


@given(st.sampled_from(QUESTIONS), st.floats(0.0, 6.0))
@settings(deadline=None, max_examples=25)
def test_no_answer_has_words_from_beyond_the_present(narration: Narration, question: str, t_now: float):
    present = Present(t_now)
    for found in (narration.consider(question, present), narration.answer(question, present)):
        assert found.item is None or present.permits(found.item)
        assert found.words in " ".join(TEXTS[: int(t_now)])
        assert (found.fate is Fate.TOLD) == bool(found.words)


@pytest.mark.parametrize("t_now", [1, 2, 3, 4])
def test_what_lies_ahead_changes_no_answer(narration: Narration, encoder: SentenceEncoder, learnt: Learnt, t_now: int):
    without = Narration(STORY[:t_now], encoder, learnt)
    for question in QUESTIONS:
        assert narration.answer(question, Present(float(t_now))) == without.answer(question, Present(float(t_now)))


def test_what_the_character_was_kept_from_is_ahead(encoder: SentenceEncoder, learnt: Learnt):
    secret = Node("gift", "event", "a gift", "Nora hid a golden watch in the piano.", 1.0, known_by=("nora",))
    known = Node("walk", "event", "a walk", "Mara walked to the harbour in the rain.", 1.0)
    narration = Narration([secret, known], encoder, learnt)
    question = "Where did Nora hide the golden watch?"
    assert narration.consider(question, Present(2.0, "mara")).fate is Fate.AHEAD
    assert "piano" in narration.consider(question, Present(2.0, "nora")).sentence


def test_what_fits_nothing_is_unknown(narration: Narration):
    assert narration.consider("How do I renew a passport?", Present(9.0), fit=0.6).fate is Fate.UNKNOWN


def test_a_story_without_words_knows_nothing(encoder: SentenceEncoder, learnt: Learnt):
    assert Narration([], encoder, learnt).consider("Who?", Present(1.0)).fate is Fate.UNKNOWN


def test_what_was_read_is_kept(encoder: SentenceEncoder, learnt: Learnt, tmp_path: Path):
    first = Narration(STORY, encoder, learnt, tmp_path)
    again = Narration(STORY, _Blind(encoder), learnt, tmp_path)
    for question in QUESTIONS:
        assert again.consider(question, Present(3.0)) == first.consider(question, Present(3.0))


def test_a_damaged_file_is_made_again(
    encoder: SentenceEncoder, learnt: Learnt, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    Narration(STORY[:1], encoder, learnt, tmp_path)
    (file,) = tmp_path.glob("reading-*.npz")
    file.write_bytes(file.read_bytes()[:100])
    Narration(STORY[:1], encoder, learnt, tmp_path)
    assert "made again" in caplog.text


class _Blind(SentenceEncoder):
    """Reads questions, but no stories."""

    def __init__(self, encoder: SentenceEncoder) -> None:
        self.__dict__.update(encoder.__dict__)

    def read(self, texts: Sequence[str]) -> list[TokenStates]:
        assert not set(texts) & set(TEXTS)
        return super().read(texts)
