"""What is behind her: a quiet, blurred interior made of two colours, or a picture."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter

from mio.errors import ConfigError

Bytes = npt.NDArray[np.uint8]

_SEED = 11


def make_background(
    size: tuple[int, int], colours: tuple[str, str], picture: Path | None, floor: float | None
) -> Bytes:
    """Picture ``[h, w, 4]``, alpha 0.

    Args:
        size: Width and height in pixels.
        colours: Of the upper and the lower part, such as ``#8d9aa3``.
        picture: An image file to show instead, cut to fill.
        floor: Height of the horizon between wall and floor, 0 at the bottom .. 1; None if no floor is seen.

    Raises:
        ConfigError: If the picture cannot be read or a colour is malformed.
    """
    width, height = size
    image = _interior(size, colours, floor) if picture is None else photograph(size, picture)
    y, x = np.mgrid[0:height, 0:width]
    away = np.hypot((x / width - 0.5) * 1.15, (y / height - 0.45) * 1.05)
    vignette = 1 - 0.38 * np.clip(away - 0.28, 0, 1) ** 1.3
    pixels = np.asarray(image.convert("RGB"), np.float32) * vignette[..., None]
    pixels += np.random.default_rng(_SEED).uniform(-0.9, 0.9, pixels.shape)  # keeps gradients free of bands
    return np.dstack([np.clip(np.round(pixels), 0, 255), np.zeros((height, width))]).astype(np.uint8)


def photograph(size: tuple[int, int], path: Path) -> Image.Image:
    """A picture, cut to fill a size.

    Raises:
        ConfigError: If it cannot be read.
    """
    try:
        with Image.open(path) as image:
            picture = image.convert("RGB")
    except (OSError, ValueError) as error:
        raise ConfigError(f"background picture {path}: {error}", "give a JPEG or PNG file") from error
    width, height = size
    scale = max(width / picture.width, height / picture.height)
    picture = picture.resize((round(picture.width * scale) + 1, round(picture.height * scale) + 1))
    left, top = (picture.width - width) // 2, (picture.height - height) // 2
    return picture.crop((left, top, left + width, top + height))


def _interior(size: tuple[int, int], colours: tuple[str, str], floor: float | None) -> Image.Image:
    """A wall with soft daylight from one side, out-of-focus shapes, and a floor if it is seen."""
    width, height = size
    upper, lower = (np.array(_rgb(colour), np.float32) for colour in colours)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32) / np.array([height, width], np.float32)[:, None, None]
    light = 1.16 - 0.30 * np.hypot(x - 0.22, 0.8 * (y - 0.22))
    wall = (upper + (lower - upper) * (y**1.3)[..., None]) * light[..., None]
    image = Image.fromarray(np.clip(wall, 0, 255).astype(np.uint8))
    image = Image.blend(image, _shapes(image), 0.55).filter(ImageFilter.GaussianBlur(width / 26))
    if floor is None:
        return image
    horizon = 1 - floor
    share = np.clip((y - horizon) / 0.012, 0, 1)[..., None]
    ground = lower * 0.80 * (0.82 + 0.28 * (y - horizon))[..., None] * (1.08 - 0.3 * np.abs(x - 0.45))[..., None]
    mixed = np.asarray(image, np.float32) * (1 - share) + ground * share
    return Image.fromarray(np.clip(mixed, 0, 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(width / 240))


def _shapes(ground: Image.Image) -> Image.Image:
    """A window, a shelf and a plant, which blur hides; laid out in shares of the picture."""
    width, height = ground.size
    image = ground.copy()
    pen = ImageDraw.Draw(image)
    pixel = np.asarray(ground, np.float32)

    def tinted(x: float, y: float, factor: tuple[float, float, float]) -> tuple[int, ...]:
        base = pixel[int(y * (height - 1)), int(x * (width - 1))]
        return tuple(int(min(255, value)) for value in base * np.array(factor))

    def box(left: float, top: float, right: float, bottom: float, factor: tuple[float, float, float]) -> None:
        colour = tinted((left + right) / 2, (top + bottom) / 2, factor)
        pen.rectangle((left * width, top * height, right * width, bottom * height), fill=colour)

    box(0.02, 0.05, 0.13, 0.62, (1.30, 1.30, 1.28))
    box(0.155, 0.05, 0.25, 0.62, (1.26, 1.27, 1.26))
    for shelf in (0.24, 0.46, 0.68):
        box(0.78, shelf, 1.0, shelf + 0.022, (0.74, 0.68, 0.62))
    random = np.random.default_rng(_SEED)
    for shelf in (0.24, 0.46, 0.68):
        left = 0.80
        while left < 0.97:
            wide, tall = random.uniform(0.012, 0.030), random.uniform(0.07, 0.15)
            warm = random.uniform(0.75, 1.12)
            box(left, shelf - tall, left + wide, shelf, (warm, random.uniform(0.78, 1.02), random.uniform(0.75, 1.05)))
            left += wide + random.uniform(0.002, 0.02)
    for _ in range(26):
        x, y, r = random.normal(0.70, 0.035), random.normal(0.60, 0.07), random.uniform(0.012, 0.03)
        colour = tinted(min(max(x, 0), 1), y, (0.66, 0.84, 0.66))
        pen.ellipse(((x - r) * width, (y - r) * height, (x + r) * width, (y + r) * height), fill=colour)
    return image


def _rgb(colour: str) -> tuple[int, int, int]:
    try:
        if len(colour) != 7 or colour[0] != "#":
            raise ValueError
        return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
    except ValueError as error:
        raise ConfigError(f"background: '{colour}' is no colour", "write one as #rrggbb, such as #8d9aa3") from error
