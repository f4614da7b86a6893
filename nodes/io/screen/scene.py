"""What is to be seen over the picture, as plain values: two equal scenes look the same."""

from typing import NamedTuple


class Scene(NamedTuple):
    """The state of the overlay.

    Attributes:
        turn: State of the turn, as in ``Turn``.
        muted: Whether the microphone is muted.
        talking: Whether push-to-talk is held.
        user_text: What was understood.
        user_final: Whether it will not change any more.
        reply_text: What is being said.
        heard: Characters of it that have been heard.
        typed: The line that is being typed; empty if none.
        notice: A short message.
        captions: Whether words are shown.
        buttons: Whether buttons are shown.
        help: Whether the keys are explained.
    """

    turn: str = "idle"
    muted: bool = False
    talking: bool = False
    user_text: str = ""
    user_final: bool = True
    reply_text: str = ""
    heard: int = 0
    typed: str = ""
    notice: str = ""
    captions: bool = True
    buttons: bool = True
    help: bool = False
