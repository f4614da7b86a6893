import pytest

from mio.contracts.messages import MotionPrompt
from nodes.body.flood.script import AT_EASE, Script, goes
from nodes.body.performance import Performance

WAVING = Performance("greet", 1, 2.0, 3.0, 4.0, ["left_arm"])


def test_the_text_is_that_of_the_gesture_that_is_made_then() -> None:
    said = [Script().text_at(at_s, [WAVING]) for at_s in (1.9, 2.0, 2.9, 3.1)]
    assert said[0] == said[3] == AT_EASE
    assert said[1] == said[2] == "a person raises a hand and waves in greeting."


def test_a_text_without_a_gesture_is_followed_until_it_ends_by_itself() -> None:
    script = Script()
    script.ask(MotionPrompt(text="a person  walks\nin a circle"), 5.0, float("inf"))
    assert script.text_at(4.9, []) == AT_EASE
    assert script.text_at(5.0, [WAVING]) == "a person walks in a circle"
    assert script.text_at(11.0, []) == AT_EASE
    script.ask(MotionPrompt(text="a person jumps"), 20.0, 21.0)
    assert script.text_at(20.0, []) == "a person jumps"
    assert script.text_at(20.5, []) == AT_EASE, "so that it is over at 21 s"


def test_a_text_that_does_not_say_when_it_ends_ends_when_it_has_been_made() -> None:
    script = Script()
    script.ask(MotionPrompt(text="a person jumps"), 1.0, float("inf"))
    script.end(2.5, 2.0)
    assert script.text_at(3.5, []) == "a person jumps", "it was too soon"
    script.end(4.0, 2.0)
    assert script.text_at(3.9, []) == "a person jumps"
    assert script.text_at(4.0, []) == AT_EASE
    script.ask(MotionPrompt(text="a person holds the arms up"), 10.0, 15.0)
    script.end(13.0, 2.0)
    assert script.text_at(13.5, []) == "a person holds the arms up"


def test_a_gesture_by_name_ends_what_was_followed_by_text() -> None:
    script = Script()
    script.ask(MotionPrompt(text="a person jumps"), 0.0, 3.0)
    script.ask(MotionPrompt(text="a person waves", gesture="greet"), 1.0, 3.0)
    assert script.text_at(2.0, []) == AT_EASE


@pytest.mark.parametrize(
    ("text", "going"),
    [
        ("a person walks forward", True),
        ("someone turns around", True),
        ("A person is JUMPING up", True),
        ("a person goes away", True),
        ("a person waves good-bye", False),
        ("a person stands relaxed.", False),
        ("someone gesticulates", False),
    ],
)
def test_whether_a_text_asks_the_body_to_go(text: str, going: bool) -> None:
    assert goes(text) is going
