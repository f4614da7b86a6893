"""Baked avatars on disk: one file per look, detail and version of the code that made it."""

import hashlib
import logging
import os
import tempfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import moderngl
import msgspec

from mio.errors import MioError, Needing
from nodes.renderer.asset import Asset, load_asset
from nodes.renderer.config import Look, RendererConfig

_log = logging.getLogger(__name__)

_FOLDER = Path(__file__).parent
_CODE = ("bake/*.py", "asset.py", "lighting.py", "skeleton.py")
_PARTIAL = ".part"


def obtain_avatar(context: moderngl.Context, look: Look, cache_dir: Path, *, fine: bool, texture_size: int) -> Asset:
    """Load the avatar of a look, or make it, which takes up to a minute, and keep it for the next time.

    Args:
        context: OpenGL context, needed only to make it.
        look: What she looks like.
        cache_dir: Where avatars are kept; if it cannot be written, the avatar is made anew each time.
        fine: Whether to take the fine or the coarse mesh.
        texture_size: Width and height of the face's texture.

    Raises:
        MioError: If it has to be made and a package for that is missing.
    """
    path = avatar_path(look, cache_dir, fine=fine, texture_size=texture_size)
    if path.exists():
        try:
            return load_asset(path)
        except MioError as error:
            _log.warning("%s; making it again", error.problem)
    asset = _make(context, look, fine=fine, texture_size=texture_size)
    _keep(asset, path)
    return asset


def _make(context: moderngl.Context, look: Look, *, fine: bool, texture_size: int) -> Asset:
    with Needing("the avatar has to be made, which", "renderer"):
        from nodes.renderer.bake.assemble import Detail
        from nodes.renderer.bake.avatar import bake_avatar
    return bake_avatar(context, look, Detail(fine), texture_size)


def avatar_path(look: Look, cache_dir: Path, *, fine: bool, texture_size: int) -> Path:
    """File of a look's avatar; its name changes with the look, the code that makes avatars, and the body's package."""
    digest = hashlib.sha256(msgspec.json.encode([look, fine, texture_size], order="sorted"))
    for pattern in _CODE:
        for source in sorted(_FOLDER.glob(pattern)):
            digest.update(source.read_bytes())
    digest.update(_anny_version().encode())
    return cache_dir.expanduser() / digest.hexdigest()[:16] / f"avatar-{'fine' if fine else 'coarse'}.npz"


def check_avatar(config: RendererConfig) -> None:
    """See whether the avatar of a configuration is there or can be made.

    Raises:
        MioError: If the look cannot be used, or the package that has the body is missing.
    """
    from nodes.renderer.bake.base_mesh import data_folder
    from nodes.renderer.bake.shape import check_features

    look = config.look()
    check_features(look.body)
    if not any(
        avatar_path(look, config.cache_dir, fine=fine, texture_size=config.texture_size).exists()
        for fine in (False, True)
    ):
        data_folder()


def _keep(asset: Asset, path: Path) -> None:
    """Write an avatar so that nobody ever reads half of one."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(suffix=_PARTIAL, dir=path.parent)
        os.close(handle)
        try:
            asset.save(Path(name))
            os.replace(name, path)
        finally:
            Path(name).unlink(missing_ok=True)
    except OSError as error:
        _log.warning(
            "the avatar cannot be kept in %s (%s) and is made again next time -> free space there, or set cache_dir",
            path.parent,
            error.strerror or error,
        )


def _anny_version() -> str:
    try:
        return version("anny")
    except PackageNotFoundError:
        return ""
