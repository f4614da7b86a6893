"""The studio: lights that the shaders use and whose shadows are baked into the avatar."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Vector = tuple[float, float, float]


@dataclass(frozen=True)
class Light:
    """A light: where it stands, seen from her (her left is +X, +Z is where she faces), and its linear RGB."""

    towards: Vector
    colour: Vector

    @property
    def direction(self) -> npt.NDArray[np.float64]:
        """Unit vector towards the light."""
        vector = np.array(self.towards)
        return vector / np.linalg.norm(vector)


KEY = Light((-0.62, 0.66, 0.72), (1.95, 1.74, 1.50))
FILL = Light((0.90, 0.10, 0.60), (0.34, 0.38, 0.46))
LEFT_RIM = Light((0.80, 0.45, -0.75), (1.50, 1.38, 1.25))
RIGHT_RIM = Light((-0.85, 0.30, -0.65), (0.62, 0.70, 0.85))
SKY: Vector = (0.33, 0.35, 0.40)
GROUND: Vector = (0.22, 0.18, 0.16)
EXPOSURE = 0.62
KEY_SPREAD_DEG = 14.0
FILL_SPREAD_DEG = 24.0


def glsl() -> str:
    """The lights as constants of a shader."""
    lines = [f"const float EXPOSURE = {EXPOSURE};"]
    for name, light in (("KEY", KEY), ("FILL", FILL), ("LEFT_RIM", LEFT_RIM), ("RIGHT_RIM", RIGHT_RIM)):
        lines += [_vector(name, tuple(light.direction)), _vector(f"{name}_COLOUR", light.colour)]
    lines += [_vector("SKY", SKY), _vector("GROUND", GROUND)]
    return "\n".join(lines)


def _vector(name: str, value: tuple[float, ...]) -> str:
    return f"const vec3 {name} = vec3({', '.join(f'{component:.5f}' for component in value)});"
