import numpy as np
import pytest

from mio.sentences.encoder import SentenceEncoder
from nodes.thinker.reading.cues import CUES, cues, kind_of
from nodes.thinker.reading.narration import load_learnt
from nodes.thinker.reading.relevance import ask, told_tokens

TEXT = "The goose was afraid of the fox. So she gave him three silver coins. Then it rained."


@pytest.mark.parametrize(
    ("question", "like"),
    [
        ("Why did she cry?", "What was the reason for the war?"),
        ("How did the king feel?", "How will they both feel?"),
        ("How many eggs were there?", "How old was the fox?"),
        ("How did he get out?", "How was the cake made?"),
        ("Who came?", "Whose house was it?"),
        ("Where did they live?", "Where was the mill?"),
        ("What happened after that?", "What will happen to the fox?"),
        ("What did the goose do?", "What should he do?"),
        ("What is a bog?", "Is it true?"),
    ],
)
def test_questions_are_of_kinds(question: str, like: str):
    assert kind_of(question) == kind_of(like)


def test_kinds_differ():
    questions = ("Why?", "How did he feel?", "How many?", "How?", "Who?", "Where?", "When?", "What happened?", "What?")
    assert len({kind_of(question) for question in questions}) == len(questions)


def test_the_sentence_that_is_like_the_question_and_its_words_are_told(encoder: SentenceEncoder):
    heads = load_learnt().heads
    asked = ask("Who was afraid of the fox?", encoder.read(["Who was afraid of the fox?"])[0], heads)
    read = encoder.read([TEXT])[0]
    found = cues(asked, TEXT, told_tokens(read, heads), read.spans)
    assert found.shape == (len(read.spans), CUES)
    words = {TEXT[begin:end]: row for (begin, end), row in zip(read.spans, found, strict=True) if end > begin}
    assert words["afraid"][2] and words["fox"][2] and not words["coins"][2] and not words["the"][2]
    assert words["afraid"][3] == 0.0 > words["coins"][3], "its sentence is the one most like it"
    assert words["afraid"][4] == -1.0 and words["coins"][4] == 0.0, "nothing stands before the first sentence"
    assert (found[0, :3] <= 1.0).all() and not found[0, 3:11].any(), "a mark stands in no sentence"
    assert (found[:, -10:].sum(1) == 1.0).all()


def test_a_window_without_words_has_no_cues(encoder: SentenceEncoder):
    heads = load_learnt().heads
    asked, read = ask("Who?", encoder.read(["Who?"])[0], heads), encoder.read([""])[0]
    assert np.isfinite(cues(asked, "", told_tokens(read, heads), read.spans)).all()
