import ctypes

import numpy as np
import pytest
from PIL import Image

from mio.contracts.rates import FACE_HEAD
from mio.contracts.skeleton import JOINT_INDEX
from nodes.renderer.camera import frame
from nodes.renderer.config import BackgroundConfig, CameraConfig
from nodes.renderer.context import open_context
from nodes.renderer.edges import smooth_edges
from nodes.renderer.motion import pose_at
from nodes.renderer.portrait import Portraitist, body_frame, face_frame
from nodes.renderer.quality import LOW, MEDIUM
from nodes.renderer.studio import Studio

SIZE = 256
FOREHEAD_M = 0.045  # above the eyes


def pixel(portraitist, framing: str, point: np.ndarray, size: int = SIZE) -> tuple[int, int]:
    """Row and column at which a point of the world is seen."""
    camera = frame(portraitist.asset.skeleton, framing, CameraConfig(), 1.0)
    clip = camera.clip(point)
    across, down = clip[:2] / clip[3]
    return round((down + 1) / 2 * size), round((across + 1) / 2 * size)


def on_head(portraitist, points: np.ndarray) -> np.ndarray:
    """Points of the head in bind pose as they are in the world when she stands at rest."""
    head = portraitist.asset.skeleton.bones(pose_at(None, None, np.zeros(3)))[JOINT_INDEX["head"]]
    return points @ head[:, :3].T + head[:, 3]


def eyes(portraitist) -> np.ndarray:
    return on_head(portraitist, portraitist.asset.face.eyes[:, :3])


def mouth(portraitist) -> np.ndarray:
    shape = portraitist.asset.face
    return on_head(portraitist, shape.rest[shape.upper_lip[len(shape.upper_lip) // 2, 1]])


def patch(picture: np.ndarray, at: tuple[int, int], half: int = 2) -> np.ndarray:
    row, column = at
    return picture[row - half : row + half + 1, column - half : column + half + 1].reshape(-1, 3).astype(float)


def is_skin(colour: np.ndarray) -> bool:
    red, green, blue = colour
    return red > 110 and red > green + 12 and green > blue


@pytest.mark.parametrize("framing", ["face", "bust", "waist", "full"])
def test_the_face_is_where_the_framing_puts_it(portraitist, framing):
    picture = portraitist.picture(framing=framing, size=(SIZE, SIZE))
    assert picture.shape == (SIZE, SIZE, 3)
    middle = eyes(portraitist).mean(0)
    half = 1 if framing == "full" else 2
    forehead = patch(picture, pixel(portraitist, framing, middle + [0, FOREHEAD_M, 0.03]), half).mean(0)
    assert is_skin(forehead), forehead
    for corner in ((4, 4), (4, SIZE - 5)):
        assert not is_skin(patch(picture, corner).mean(0))


def test_eyes_are_dark_in_the_middle_and_covered_with_skin_on_a_blink(portraitist):
    shut = face_frame({"eyeBlinkLeft": 1.0, "eyeBlinkRight": 1.0})
    awake, asleep = (portraitist.picture(face, framing="face", size=(512, 512)) for face in (face_frame(), shut))
    for eye in eyes(portraitist):
        at = pixel(portraitist, "face", eye + [0, 0, 0.012], 512)
        assert patch(awake, at, 1).min() < 60
        assert is_skin(patch(asleep, (at[0] - 3, at[1]), 1).mean(0))


def test_an_open_mouth_shows_the_lower_teeth_and_the_tongue_above_them(portraitist):
    contact = mouth(portraitist)
    top, column = pixel(portraitist, "face", contact - [0, 0.004, 0], 512)
    bottom, _ = pixel(portraitist, "face", contact - [0, 0.032, 0], 512)
    seen = {}
    for name, jaw in (("shut", 0.0), ("open", 0.9)):
        picture = portraitist.picture(face_frame({"jawOpen": jaw}), framing="face", size=(512, 512))
        seen[name] = picture[top:bottom, column - 2 : column + 3].mean(1)
    teeth = {name: (strip.min(1) > 150) & (np.ptp(strip, axis=1) < 35) for name, strip in seen.items()}
    assert not teeth["shut"].any()
    assert teeth["open"].sum() >= 5
    tongue = seen["open"][: int(np.argmax(teeth["open"]))]
    assert len(tongue) >= 5
    assert (tongue[:, 0] > 1.6 * tongue[:, 1]).mean() > 0.7


def test_hands_are_in_the_picture_at_the_waist(portraitist):
    camera = frame(portraitist.asset.skeleton, "waist", CameraConfig(), 1.0)
    for side in ("left", "right"):
        hand = portraitist.body_vertices(f"{side}_hand", body_frame())
        clip = camera.clip(hand)
        inside = (np.abs(clip[:, :2]) < clip[:, 3:]).all(1)
        assert inside.mean() > 0.75


def test_she_turns_her_head_to_where_the_face_says(portraitist):
    turned = face_frame()
    turned[FACE_HEAD] = (0, 0.6, 0)
    ahead, aside = (portraitist.picture(face, framing="face", size=(SIZE, SIZE)) for face in (face_frame(), turned))
    middle = eyes(portraitist).mean(0)
    left = pixel(portraitist, "face", middle + [0.055, -0.02, 0.05])  # beside the nose, to her left
    assert np.abs(ahead.astype(int) - aside).mean() > 3
    assert is_skin(patch(aside, left).mean(0))


def test_tiers_draw_the_same_person(portraitist, context):
    low = Portraitist(tier="low", context=context).picture(framing="bust", size=(SIZE, SIZE))
    medium = portraitist.picture(framing="bust", size=(SIZE, SIZE))
    assert np.abs(low.astype(int) - medium).mean() < 6


def test_pictures_need_not_be_square(portraitist):
    wide = portraitist.picture(framing="bust", size=(320, 180))
    assert wide.shape == (180, 320, 3)
    assert is_skin(patch(wide, (60, 160), 3).mean(0)) or wide[:, 120:200].std() > 20


def test_a_picture_can_be_the_background(context, asset, tmp_path):
    path = tmp_path / "green.png"
    Image.new("RGB", (50, 80), (10, 220, 30)).save(path)
    portraitist = Portraitist(context=context)
    picture = portraitist.picture(framing="full", size=(128, 128), background=BackgroundConfig(picture=path))
    red, green, blue = patch(picture, (10, 10)).mean(0)
    assert green > 100 > max(red, blue)


def test_two_contexts_in_one_process_draw_the_same(portraitist, asset):
    other = open_context()
    first = Portraitist(context=other).picture(framing="bust", size=(64, 64))
    portraitist_again = Portraitist(context=other).picture(framing="bust", size=(64, 64))
    assert (first == portraitist_again).all()
    assert first.std() > 10
    other.release()


def test_stairs_along_a_silhouette_become_a_slope_and_surfaces_stay_as_they_are():
    rows, columns = np.mgrid[0:60, 0:60]
    surfaces = (columns > 8 * (rows // 8)).astype(np.uint8)
    before = np.repeat(np.where(surfaces, 200, 40)[..., None], 3, 2).astype(np.uint8)
    pixels = np.dstack([before, surfaces])
    smooth_edges(pixels)
    picture = pixels[..., :3]
    changed = (picture != before).any(2)
    assert 20 < changed.sum() < 400
    away = np.abs(columns - 8 * (rows // 8)) > 9
    assert not changed[away].any()
    assert ((picture >= 40) & (picture <= 200)).all()


def test_silhouettes_of_a_picture_that_is_not_square_are_smoothed_alike_across_and_along():
    rows, columns = np.mgrid[0:40, 0:64]
    surfaces = (columns > 6 * (rows // 6)).astype(np.uint8)
    pixels = np.dstack([np.repeat(np.where(surfaces, 200, 40)[..., None], 3, 2), surfaces]).astype(np.uint8)
    turned = np.ascontiguousarray(pixels.transpose(1, 0, 2))
    smooth_edges(pixels)
    smooth_edges(turned)
    assert (pixels[..., 0] % 160 != 40).any()
    assert np.array_equal(pixels[..., :3], turned.transpose(1, 0, 2)[..., :3])


def held_on_the_device() -> dict[str, int]:
    """How many objects the current context has, of those that targets are made of."""
    gl = ctypes.CDLL("libGL.so.1")
    kinds = (gl.glIsTexture, gl.glIsRenderbuffer, gl.glIsFramebuffer)
    return {kind.__name__: sum(kind(number) & 1 for number in range(1, 3_000)) for kind in kinds}


def test_each_tier_holds_its_memory_once_and_another_framing_gives_it_back(context, asset):
    studio = Studio(context, asset, (64, 64), MEDIUM, BackgroundConfig())
    studio.look_through("bust", CameraConfig())
    studio.warm_up()
    one = held_on_the_device()
    assert min(one.values()) > 0
    studio.use(LOW)
    studio.warm_up()
    both = held_on_the_device()
    for tier in (MEDIUM, LOW) * 4:
        studio.use(tier)
        studio.warm_up()
    assert held_on_the_device() == both
    studio.use(MEDIUM)
    studio.look_through("waist", CameraConfig())
    studio.warm_up()
    assert held_on_the_device() == one
