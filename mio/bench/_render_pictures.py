"""Stills of the renderer's documentation: framings, a portrait, the mouth's postures, tiers side by side."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from mio.bench import _face_pictures as faces
from mio.contracts.rates import FACE_LEFT_EYE, FACE_RIGHT_EYE
from nodes.renderer.config import CameraConfig, Framing
from nodes.renderer.portrait import Portraitist

_QUALITY = 84
_FRAMINGS: tuple[Framing, ...] = ("face", "bust", "waist", "full")
_ORBITS_DEG = (-75.0, -35.0, 0.0, 35.0, 75.0)

Picture = npt.NDArray[np.uint8]


def draw(folder: Path) -> None:
    """Draw all of them into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    emotions = {picture.label: picture.frame for picture in faces.emotions()}
    drawer = faces.Drawer()
    drawer.sheet(faces.phones(), folder / "visemes.jpg", of="lower_face", columns=7, pixels=160)
    fine, medium = Portraitist(tier="high"), Portraitist(tier="medium")
    _write(fine.picture(emotions["happy"], framing="bust", size=(1280, 720)), folder / "portrait.jpg")
    framings = [medium.picture(emotions["happy"], framing=framing, size=(480, 480)) for framing in _FRAMINGS]
    _write(np.vstack([np.hstack(framings[:2]), np.hstack(framings[2:])]), folder / "framings.jpg")
    around = [
        medium.picture(
            _looking(emotions["neutral"], orbit), framing="face", size=(300, 360), camera=CameraConfig(orbit_deg=orbit)
        )
        for orbit in _ORBITS_DEG
    ]
    _write(np.hstack(around), folder / "around.jpg")
    tiers = [
        Portraitist(tier=tier).picture(emotions["tender"], framing="face", size=(480, 480))
        for tier in ("low", "medium", "high")
    ]
    _write(np.hstack(tiers), folder / "tiers.jpg")


def _looking(face: npt.NDArray[np.float32], orbit_deg: float) -> npt.NDArray[np.float32]:
    """The face with eyes that turn a little towards the camera."""
    turned = face.copy()
    for eye in (FACE_LEFT_EYE, FACE_RIGHT_EYE):
        turned[eye] = (0, np.radians(np.clip(orbit_deg, -15, 15)), 0)
    return turned


def _write(picture: Picture, path: Path) -> None:
    Image.fromarray(picture).save(path, quality=_QUALITY, optimize=True)
