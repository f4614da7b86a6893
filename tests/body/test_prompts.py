import pytest

from mio.contracts.emotions import GESTURES
from mio.contracts.messages import MotionPrompt
from nodes.body.prompts import understand


@pytest.mark.parametrize(
    ("text", "gesture"),
    [
        ("a person waves with the right hand", "greet"),
        ("She says hi and raises her hand", "greet"),
        ("the person takes a polite bow", "bow"),
        ("he shrugs his shoulders", "shrug"),
        ("points at the camera", "point"),
        ("nods in agreement", "nod"),
        ("shakes the head: no", "no"),
        ("shakes her head", "no"),
        ("thinking, hand at the chin", "think"),
        ("listens attentively", "listen"),
        ("explains something with open hands", "explain"),
        ("opens both arms", "explain"),
        ("emphasises a word while speaking", "beat"),
        ("a person stands still, relaxed", "none"),
        ("holds an elbow", "none"),
        ("knows the snow", "none"),
        ("", "none"),
        ("äöü 你好 \x00 !!!", "none"),
        ("x" * 1_000_000, "none"),
    ],
)
def test_text_asks_for_the_gesture_that_its_words_speak_for(text, gesture):
    assert understand(MotionPrompt(text=text)).gesture == gesture


@pytest.mark.parametrize("gesture", [name for name in GESTURES if name != "none"])
def test_a_name_counts_more_than_the_text(gesture):
    assert understand(MotionPrompt(text="a person waves", gesture=gesture)).gesture == gesture


@pytest.mark.parametrize(
    ("text", "side"),
    [("waves the left hand", "left"), ("right hand", "right"), ("left and right", "both"), ("both hands", "both")],
)
def test_text_names_the_hand(text, side):
    assert understand(MotionPrompt(text=text)).side == side


def test_text_says_how_large_and_fast():
    lively, quiet = understand(MotionPrompt(text="waves wildly")), understand(MotionPrompt(text="waves gently"))
    assert lively.size > 1 > quiet.size
    assert lively.tempo > 1 > quiet.tempo


@pytest.mark.parametrize(
    ("text", "aim"),
    [("points at herself", "self"), ("points up", "up"), ("points at you", "ahead"), ("points over there", "side")],
)
def test_text_says_where_to_point(text, aim):
    assert understand(MotionPrompt(text=text, gesture="point")).aim == aim
