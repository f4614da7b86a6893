"""Contact sheets and films of the face: postures of phones, emotions, a sentence, a listening minute, faces abreast."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from mio.bench._face_stage import Seen
from mio.contracts.arkit import ARKIT_ACTIONS, ARKIT_INDEX
from mio.contracts.emotions import EMOTIONS
from mio.contracts.rates import FACE_DIM, FACE_FPS, FACE_HEAD
from nodes.face.config import FaceConfig
from nodes.face.expressions import expression, head_posture, resting
from nodes.face.lips import posture_weights, seal_lips
from nodes.face.rotation import head_rotation
from nodes.renderer.config import CameraConfig
from nodes.renderer.portrait import Portraitist

Frames = npt.NDArray[np.float32]

PHONES = (
    "sil", "p b m", "f v", "θ ð", "t d n", "l", "s z",
    "ʃ ʒ", "k ɡ ŋ", "j", "w", "ɹ", "iː", "ɪ",
    "eː", "ɛ", "æ", "a", "ɑː", "ʌ", "ə",
    "ɜː", "ɔː", "oː", "ʊ", "uː", "yː", "øː",
)  # fmt: skip
"""Phones that look alike stand together; the first one is drawn."""

_LABEL_PIXELS = 18
_QUALITY = 78
_FILM_QUALITY = 42
_MOUTH = CameraConfig(zoom=3.6, height_m=-0.043)
_LOWER_FACE = CameraConfig(zoom=2.6, height_m=-0.045)
_HEAD = CameraConfig(zoom=1.5, height_m=-0.01)


class Labelled(NamedTuple):
    """A picture and what is written over it."""

    label: str
    frame: Frames


def phones() -> list[Labelled]:
    """The posture of each phone, held."""
    return [Labelled(names, _frame(posture_weights(names.split()[0]))) for names in PHONES]


def emotions(strength: float = 0.8) -> list[Labelled]:
    """Each emotion on the resting face."""
    found: list[Labelled] = []
    for emotion in EMOTIONS:
        shown = 0.0 if emotion == "neutral" else strength
        weights = resting(FaceConfig().warmth) * (1.0 - shown) + expression(emotion, strength, 0.5)
        seal_lips(weights[None], np.array([weights[ARKIT_INDEX["jawOpen"]] == 0.0]))
        frame = _frame(weights)
        frame[FACE_HEAD] = head_rotation(head_posture(emotion, strength)[None])[0]
        found.append(Labelled(emotion, frame))
    return found


def moments(seen: Seen, from_s: float, to_s: float, every_s: float = 1.0 / FACE_FPS) -> list[Labelled]:
    """Frames of a run."""
    times_s = np.arange(from_s, to_s, every_s)
    places = np.round((times_s - seen.first_s) * FACE_FPS).astype(int)
    inside = (places >= 0) & (places < len(seen.frames))
    return [
        Labelled(f"{t - from_s:.2f} s", seen.frames[i]) for t, i in zip(times_s[inside], places[inside], strict=True)
    ]


class Drawer:
    """Draws contact sheets with the renderer's portraits."""

    def __init__(self) -> None:
        self._portraitist = Portraitist(tier="high")
        self._font = _font()

    def sheet(self, pictures: list[Labelled], path: Path, *, of: str, columns: int, pixels: int) -> None:
        """Write a JPEG with a grid of pictures.

        Args:
            pictures: What to draw.
            path: The file.
            of: ``mouth``, ``lower_face`` or ``head``.
            columns: Pictures in a row.
            pixels: Width and height of each.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        self._grid(pictures, of, columns, pixels).save(path, quality=_QUALITY, optimize=True)

    def film(self, faces: Mapping[str, Frames], path: Path, *, of: str, pixels: int) -> None:
        """Write a film without sound, an animated WebP that is shown again and again, of faces beside each other.

        Args:
            faces: Name and ``[n, 112]`` frames of each; the shortest says how long the film is.
            path: The file.
            of: ``mouth``, ``lower_face`` or ``head``.
            pixels: Width and height of each.
        """
        moments = zip(*faces.values(), strict=False)
        labelled = ([Labelled(*each) for each in zip(faces, frames, strict=True)] for frames in moments)
        first, *others = [self._grid(pictures, of, len(faces), pixels) for pictures in labelled]
        path.parent.mkdir(parents=True, exist_ok=True)
        shown_ms = 1000 // FACE_FPS
        first.save(
            path, save_all=True, append_images=others, duration=shown_ms, loop=0, quality=_FILM_QUALITY, method=5
        )

    def _grid(self, pictures: list[Labelled], of: str, columns: int, pixels: int) -> Image.Image:
        camera = {"mouth": _MOUTH, "lower_face": _LOWER_FACE, "head": _HEAD}[of]
        height = pixels + _LABEL_PIXELS
        grid = Image.new("RGB", (columns * pixels, -(-len(pictures) // columns) * height), "white")
        pen = ImageDraw.Draw(grid)
        for index, picture in enumerate(pictures):
            x, y = index % columns * pixels, index // columns * height
            drawn = self._portraitist.picture(picture.frame, framing="face", size=(pixels, pixels), camera=camera)
            grid.paste(Image.fromarray(drawn), (x, y + _LABEL_PIXELS))
            pen.text((x + 4, y + 1), picture.label, fill="black", font=self._font)
        return grid


def _font() -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """A font with IPA if there is one."""
    try:
        return ImageFont.truetype("DejaVuSans.ttf", 13)
    except OSError:
        return ImageFont.load_default(13)


def _frame(weights: npt.NDArray[np.float64]) -> Frames:
    frame = np.zeros(FACE_DIM, np.float32)
    frame[: len(ARKIT_ACTIONS)] = weights.clip(0.0, 1.0)
    return frame
