"""Configuration of the renderer, and what the section ``look`` of a character pack may say."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from mio.character import read_character
from mio.errors import MioError

Share = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]
Metres = Annotated[float, msgspec.Meta(ge=-2.0, le=50.0)]
Degrees = Annotated[float, msgspec.Meta(ge=-180.0, le=180.0)]
Colour = Annotated[str, msgspec.Meta(pattern=r"^#[0-9a-fA-F]{6}$")]
Pixels = Annotated[int, msgspec.Meta(ge=64, le=4096)]
Framing = Literal["face", "bust", "waist", "full"]
Quality = Literal["auto", "low", "medium", "high"]

_FEATURES: dict[str, float] = {
    "eye-scale": 0.40,
    "eye-height2": 0.42,
    "eye-height1": 0.10,
    "head-oval": 0.60,
    "head-scale-horiz": -0.50,
    "chin-width": -0.40,
    "chin-bones": -0.30,
    "cheek-bones": 0.20,
    "mouth-angles": 0.30,
    "mouth-upperlip-volume": 0.25,
    "mouth-scale-horiz": 0.05,
    "nose-width2": -0.30,
    "nose-width3": -0.30,
    "nose-point-width": -0.30,
}


class Origin(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Shares of MakeHuman's three groups of face and body shapes; only their ratio counts."""

    caucasian: Share = 0.52
    asian: Share = 0.38
    african: Share = 0.10


class BodyLook(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Shape of body and face.

    Attributes:
        age: Years, 25 to 90.
        femininity: 0 man .. 1 woman.
        muscle: 0 little .. 1 much.
        weight: 0 thin .. 1 heavy.
        height: 0 short .. 1 tall.
        proportions: 0 uncommon .. 1 ideal.
        bust: Cup size, 0 .. 1.
        firmness: Of the bust, 0 .. 1.
        origin: Mixture of face and body shapes.
        features: Single features by name, -1 .. 1, such as ``nose-scale-horiz: -0.2``; names without ``l-`` and ``r-``
            mean both sides. All names: ``nodes.renderer.bake.shape.feature_names()``.
    """

    age: Annotated[float, msgspec.Meta(ge=25.0, le=90.0)] = 30.0
    femininity: Share = 1.0
    muscle: Share = 0.42
    weight: Share = 0.30
    height: Share = 0.55
    proportions: Share = 0.75
    bust: Share = 0.45
    firmness: Share = 0.6
    origin: Origin = Origin()
    features: dict[str, Annotated[float, msgspec.Meta(ge=-1.5, le=1.5)]] = msgspec.field(
        default_factory=lambda: dict(_FEATURES)
    )


class SkinLook(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Skin and make-up.

    Attributes:
        tone: Colour of the skin in even light.
        blush: Redness of cheeks and nose, 0 .. 1.
        freckles: Number of freckles, 0 .. 1.
        lips: Colour of the lips.
        brows: Colour of the brows.
        eyeshadow: Shade on the lids, 0 .. 1.
    """

    tone: Colour = "#dfae92"
    blush: Share = 0.6
    freckles: Share = 0.4
    lips: Colour = "#b35d58"
    brows: Colour = "#3e2a20"
    eyeshadow: Share = 0.4


class EyeLook(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Eyes.

    Attributes:
        iris: Colour of the iris.
        rim: Colour of its outer rim.
        iris_radius_m: Its size.
    """

    iris: Colour = "#5d4026"
    rim: Colour = "#20150f"
    iris_radius_m: Annotated[float, msgspec.Meta(ge=0.003, le=0.009)] = 0.0061


class HairLook(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A bob with a side parting.

    Attributes:
        colour: Colour at the roots.
        highlight: Colour of the lightest strands.
        length_m: How far the tips hang below the mouth.
        parting_m: How far left of the middle the parting is.
        volume_m: Height of the hair over the head.
        wave_m: Size of the waves.
        fringe: How far the front sweeps across the forehead, 0 .. 1.
    """

    colour: Colour = "#2b1a12"
    highlight: Colour = "#7d5335"
    length_m: Annotated[float, msgspec.Meta(ge=-0.02, le=0.06)] = 0.040
    parting_m: Annotated[float, msgspec.Meta(ge=-0.03, le=0.03)] = 0.017
    volume_m: Annotated[float, msgspec.Meta(ge=0.010, le=0.030)] = 0.019
    wave_m: Annotated[float, msgspec.Meta(ge=0.0, le=0.012)] = 0.004
    fringe: Share = 0.8


class ClothesLook(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Colours of jumper, shirt collar, trousers, shoes and their soles."""

    jumper: Colour = "#2f5a60"
    shirt: Colour = "#e9e6e0"
    trousers: Colour = "#33323a"
    shoes: Colour = "#d9d4cb"
    soles: Colour = "#ebe8e2"


class Look(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Section ``look`` of a character pack: everything the avatar's picture is made from.

    Attributes:
        body: Shape.
        skin: Skin and make-up.
        eyes: Eyes.
        hair: Hair.
        clothes: Clothes.
        seed: Of freckles, strands and all else that is drawn by lot.
    """

    body: BodyLook = BodyLook()
    skin: SkinLook = SkinLook()
    eyes: EyeLook = EyeLook()
    hair: HairLook = HairLook()
    clothes: ClothesLook = ClothesLook()
    seed: int = 7


class CameraConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Lens, and how the camera deviates from its framing.

    Attributes:
        fov_deg: Vertical angle of view.
        zoom: Magnification.
        height_m: How far it is moved up.
        distance_m: Distance from her; 0 for that of the framing.
        orbit_deg: Angle around her, towards her left.
        pitch_deg: Angle from which it looks down.
    """

    fov_deg: Annotated[float, msgspec.Meta(ge=5.0, le=90.0)] = 18.0
    zoom: Annotated[float, msgspec.Meta(ge=0.2, le=10.0)] = 1.0
    height_m: Metres = 0.0
    distance_m: Metres = 0.0
    orbit_deg: Degrees = 0.0
    pitch_deg: Annotated[float, msgspec.Meta(ge=-60.0, le=60.0)] = 1.0


class BackgroundConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is behind her.

    Attributes:
        upper: Colour of the blurred interior at the top.
        lower: Colour at the bottom.
        picture: An image file to show instead.
    """

    upper: Colour = "#a3adb0"
    lower: Colour = "#736b64"
    picture: Path | None = None


class RendererConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Section ``renderer`` of the configuration file.

    Attributes:
        engine: ``mesh``: OpenGL, on a GPU or in software.
        character: Folder of the character pack, whose section ``look`` is drawn; without one the default look is.
        width: Pixels.
        height: Pixels.
        framing: How much of her is seen.
        camera: Lens and deviations from the framing.
        background: What is behind her.
        quality: ``low``, ``medium``, ``high``, or ``auto``: ``high`` on a GPU, else ``medium``, and ``low`` while
            pictures take too long.
        lead_ms: How long before its stage time a picture is drawn, at the earliest: the way to the screen and other
            processes take time. Longer than the speaker's lead, the lips would miss the first sound.
        cache_dir: Where baked avatars are kept.
        texture_size: Width and height of the face's texture.
    """

    engine: Literal["mesh"] = "mesh"
    character: Path | None = None
    width: Pixels = 720
    height: Pixels = 720
    framing: Framing = "bust"
    camera: CameraConfig = CameraConfig()
    background: BackgroundConfig = BackgroundConfig()
    quality: Quality = "auto"
    lead_ms: Annotated[float, msgspec.Meta(ge=0.0, le=500.0)] = 160.0
    cache_dir: Path = Path("~/.cache/mio")
    texture_size: Annotated[int, msgspec.Meta(ge=256, le=8192)] = 2048

    def look(self) -> Look:
        """What she looks like.

        Raises:
            ConfigError: With file, line and remedy, if the character pack cannot be used.
        """
        return Look() if self.character is None else read_character(self.character).section("look", Look)

    def check(self) -> Iterable[MioError]:
        """What is missing to draw: the look, OpenGL, the background's picture, the body that avatars are made from."""
        from nodes.renderer.background import photograph  # loads Pillow
        from nodes.renderer.cache import check_avatar
        from nodes.renderer.context import describe  # loads moderngl

        picture = self.background.picture
        needed: list[Callable[[], Any]] = [lambda: check_avatar(self), describe]
        if picture is not None:
            needed.append(lambda: photograph((64, 64), picture))
        for find in needed:
            try:
                find()
            except MioError as error:
                yield error
