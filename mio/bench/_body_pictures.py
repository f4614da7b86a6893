"""Sheets of what the live engine makes of prompts and of prompts that change: as skeletons, and as the avatar."""

from collections.abc import Callable
from pathlib import Path

from mio.bench import _avatar_sheet as avatar
from mio.bench import _motion_sheet as skeletons
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
_EVERY, _COLUMNS = 7, 20  # of the skeletons
_AVATAR_EVERY, _AVATAR_COLUMNS = 14, 10


def draw_sheets(build: Callable[[int], Engine], folder: Path) -> None:
    """Draw ``flood-prompts`` and ``flood-changes``, ``.png`` with skeletons and ``.jpg`` with the avatar.

    Args:
        build: Makes an engine from a seed.
        folder: Where to.
    """
    prompts = [_strip(build(number), ((_ASKED_S, text),)) for number, text in enumerate(_PROMPTS)]
    changes = [_strip(build(9 + k), ((_ASKED_S, one), (_CHANGED_S, two))) for k, (one, two) in enumerate(_CHANGES)]
    for name, strips in (("flood-prompts", prompts), ("flood-changes", changes)):
        bones = [skeletons.Strip(title, forward(frames)[0][:, :22], marks) for title, frames, marks in strips]
        skeletons.draw(bones, folder / f"{name}.png", every=_EVERY, columns=_COLUMNS)
        avatar.draw(strips, folder / f"{name}.jpg", every=_AVATAR_EVERY, columns=_AVATAR_COLUMNS)


def _strip(engine: Engine, asked: tuple[tuple[float, str], ...]) -> avatar.AvatarStrip:
    script = [(at_s, "prompt", MotionPrompt(text=text)) for at_s, text in asked]
    frames = Stage(engine).play(_ENDS_S, script)
    marks = tuple((round(at_s * BODY_FPS), "asked" if k == 0 else "changed") for k, (at_s, _) in enumerate(asked))
    return avatar.AvatarStrip(" / ".join(text for _, text in asked), frames, marks)
