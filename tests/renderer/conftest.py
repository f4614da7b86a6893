from collections.abc import Callable
from pathlib import Path

import moderngl
import pytest

from nodes.renderer.asset import Asset
from nodes.renderer.cache import obtain_avatar
from nodes.renderer.config import BackgroundConfig, CameraConfig, Look, RendererConfig
from nodes.renderer.context import open_context
from nodes.renderer.engine import MeshEngine
from nodes.renderer.portrait import Portraitist
from nodes.renderer.quality import MEDIUM, Governor
from nodes.renderer.studio import Studio

SIZE = 96


@pytest.fixture(scope="session")
def context() -> moderngl.Context:
    return open_context()


@pytest.fixture(scope="session")
def asset(context: moderngl.Context) -> Asset:
    config = RendererConfig()
    return obtain_avatar(context, Look(), config.cache_dir, fine=False, texture_size=config.texture_size)


@pytest.fixture(scope="session")
def portraitist(context: moderngl.Context, asset: Asset) -> Portraitist:
    """Draws the avatar that the fixture ``asset`` has left in the cache."""
    return Portraitist(context=context)


@pytest.fixture(scope="session")
def studio(context: moderngl.Context, asset: Asset) -> Studio:
    studio = Studio(context, asset, (SIZE, SIZE), MEDIUM, BackgroundConfig())
    studio.look_through("bust", CameraConfig())
    return studio


@pytest.fixture
def new_engine(studio: Studio) -> Callable[..., MeshEngine]:
    """Engines that draw small pictures and share their meshes."""
    return lambda lead_s=0.06: MeshEngine(studio, Governor("medium", software=True), lead_s)


@pytest.fixture
def manifest() -> Path:
    return Path(__file__).resolve().parents[2] / "nodes" / "renderer" / "dora-node.yml"
