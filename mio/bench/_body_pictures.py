"""Sheets of what the live engine makes of prompts and of prompts that change."""

from collections.abc import Callable
from pathlib import Path

from mio.bench._motion_sheet import Strip, draw
from mio.bench._prompt_change import Stage
from mio.contracts.engine import Engine
from mio.contracts.messages import MotionPrompt
from mio.contracts.rates import BODY_FPS
from nodes.body.skeleton import forward

_PROMPTS = (
    "a person stands relaxed.",
    "a person walks forward.",
    "a person raises a hand and waves in greeting.",
    "a person bows politely.",
    "a person kicks with the right leg.",
    "a person opens both hands and explains something.",
    "a person jumps.",
    "a person shrugs with both shoulders.",
)
_CHANGES = (
    ("a person walks forward.", "a person raises a hand and waves in greeting."),
    ("a person raises the left hand.", "a person bows politely."),
    ("a person runs.", "a person stands relaxed."),
    ("a person bows politely.", "a person kicks with the right leg."),
)
_ASKED_S, _CHANGED_S, _ENDS_S = 1.0, 4.0, 7.0
_EVERY = 7
_COLUMNS = 20


def draw_sheets(build: Callable[[int], Engine], folder: Path) -> None:
    """Draw ``flood-prompts.png`` and ``flood-changes.png``.

    Args:
        build: Makes an engine from a seed.
        folder: Where to.
    """
    prompts = [_strip(build(number), ((_ASKED_S, text),)) for number, text in enumerate(_PROMPTS)]
    draw(prompts, folder / "flood-prompts.png", every=_EVERY, columns=_COLUMNS)
    changes = [_strip(build(9 + k), ((_ASKED_S, one), (_CHANGED_S, two))) for k, (one, two) in enumerate(_CHANGES)]
    draw(changes, folder / "flood-changes.png", every=_EVERY, columns=_COLUMNS)


def _strip(engine: Engine, asked: tuple[tuple[float, str], ...]) -> Strip:
    script = [(at_s, "prompt", MotionPrompt(text=text)) for at_s, text in asked]
    frames = Stage(engine).play(_ENDS_S, script)
    marks = tuple((round(at_s * BODY_FPS), "asked" if k == 0 else "changed") for k, (at_s, _) in enumerate(asked))
    return Strip(" / ".join(text for _, text in asked), forward(frames)[0][:, :22], marks)
