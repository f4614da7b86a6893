"""Stills and posed vertices of an avatar without a dataflow: for documents, benchmarks and tests of other nodes."""

from collections.abc import Mapping
from pathlib import Path

import moderngl
import numpy as np
import numpy.typing as npt

from mio.contracts.arkit import ARKIT_INDEX
from mio.contracts.rates import FACE_DIM
from nodes.renderer.asset import Asset
from nodes.renderer.cache import obtain_avatar
from nodes.renderer.config import BackgroundConfig, CameraConfig, Framing, Look, RendererConfig
from nodes.renderer.context import open_context
from nodes.renderer.motion import actions_at, gaze_of, pose_at, resting_body
from nodes.renderer.quality import HIGH, LOW, MEDIUM, Tier
from nodes.renderer.studio import Picture, Studio
from nodes.renderer.timeline import Moment

Floats = npt.NDArray[np.float32]

TIERS: dict[str, Tier] = {tier.name: tier for tier in (LOW, MEDIUM, HIGH)}


class Portraitist:
    """Draws stills of one look.

    Attributes:
        asset: The avatar; ``asset.face`` has the vertex sets of lips, lids and teeth.
    """

    def __init__(
        self,
        look: Look | None = None,
        *,
        tier: str = "medium",
        cache_dir: Path | None = None,
        texture_size: int = 2048,
        context: moderngl.Context | None = None,
    ) -> None:
        """Load the avatar, or make it first.

        Args:
            look: What she looks like; the default look if left out.
            tier: ``low``, ``medium`` or ``high``.
            cache_dir: Where avatars are kept; that of the configuration's default if left out.
            texture_size: Of the face's texture.
            context: OpenGL context to share.
        """
        self._tier = TIERS[tier]
        self._context = context or open_context()
        folder = cache_dir or RendererConfig().cache_dir
        self.asset: Asset = obtain_avatar(
            self._context, look or Look(), folder, fine=self._tier.fine, texture_size=texture_size
        )
        self._studios: dict[tuple[int, int], Studio] = {}

    def picture(
        self,
        face: Floats | None = None,
        body: Floats | None = None,
        framing: Framing = "bust",
        size: tuple[int, int] = (720, 720),
        camera: CameraConfig | None = None,
        background: BackgroundConfig | None = None,
    ) -> Picture:
        """Draw a still.

        Args:
            face: ``[112]`` a face frame as on the wire (basis arkit52); resting if left out.
            body: ``[159]`` a body frame as on the wire; standing at rest if left out.
            framing: How much of her is seen.
            size: Width and height.
            camera: Lens and deviations from the framing.
            background: What is behind her; taken from the first still of a size.

        Returns:
            ``[h, w, 3]`` rgb.
        """
        if size not in self._studios:
            behind = background or BackgroundConfig()
            self._studios[size] = Studio(self._context, self.asset, size, self._tier, behind)
        studio = self._studios[size]
        studio.look_through(framing, camera or CameraConfig())
        pose = pose_at(_moment(face), _moment(body), np.zeros(3))
        return studio.picture(studio.drawable(pose, actions_at(_moment(face), pose)))

    def face_vertices(self, face: Floats) -> Floats:
        """Vertices of the face rig ``[F, 3]`` in m for a face frame ``[112]``, before the head turns.

        Index them with the sets of ``asset.face``: in ``upper_lip`` and ``lower_lip``, columns from the inner rim
        outwards, place 1 is where the lips touch.
        """
        studio = next(iter(self._studios.values()), None) or Studio(
            self._context, self.asset, (64, 64), self._tier, BackgroundConfig()
        )
        pose = pose_at(_moment(face), None, np.zeros(3))
        return studio.deformer.deform(actions_at(_moment(face), pose), gaze_of(pose)).positions

    def body_vertices(self, part: str, body: Floats) -> Floats:
        """Posed vertices ``[n, 3]`` in m of one of ``asset.parts`` for a body frame ``[159]``, face at rest."""
        pose = pose_at(None, _moment(body), np.zeros(3))
        bones, mesh = self.asset.skeleton.bones(pose), self.asset.parts[part]
        matrices = np.einsum("nk,nkab->nab", mesh.weights / 255.0, bones[mesh.joints])
        return (matrices[:, :, :3] @ mesh.positions[:, :, None])[:, :, 0] + matrices[:, :, 3]


def face_frame(actions: Mapping[str, float] | None = None) -> Floats:
    """A face frame ``[112]`` with some ARKit actions by name."""
    frame = np.zeros(FACE_DIM, np.float32)
    for name, weight in (actions or {}).items():
        frame[ARKIT_INDEX[name]] = weight
    return frame


def body_frame() -> Floats:
    """A body frame ``[159]`` of her standing at rest."""
    return resting_body()


def _moment(frame: Floats | None) -> Moment | None:
    return None if frame is None else Moment(np.asarray(frame, np.float32), np.asarray(frame, np.float32), 0.0)
