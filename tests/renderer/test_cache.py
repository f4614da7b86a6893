import logging

import numpy as np
import pytest

from mio.errors import MioError
from nodes.renderer import cache
from nodes.renderer.asset import load_asset
from nodes.renderer.bake import avatar
from nodes.renderer.config import HairLook, Look


@pytest.fixture
def baked(monkeypatch, asset) -> list[Look]:
    """Making an avatar takes no time and gives the one that there is; the list has the looks that were made."""
    looks: list[Look] = []
    monkeypatch.setattr(avatar, "bake_avatar", lambda context, look, detail, size: looks.append(look) or asset)
    return looks


def obtain(context, folder, look: Look | None = None):
    return cache.obtain_avatar(context, look or Look(), folder, fine=False, texture_size=1024)


def path_of(folder, look: Look | None = None, *, fine: bool = False, size: int = 1024):
    return cache.avatar_path(look or Look(), folder, fine=fine, texture_size=size)


def test_an_avatar_is_made_once_and_then_loaded(context, baked, tmp_path, asset):
    obtain(context, tmp_path)
    again = obtain(context, tmp_path)
    assert len(baked) == 1
    assert list(again.parts) == list(asset.parts)
    for name, part in asset.parts.items():
        assert (again.parts[name].positions == part.positions).all()
        assert (again.parts[name].triangles == part.triangles).all()
    assert all((again.textures[name] == image).all() for name, image in asset.textures.items())
    assert (again.skeleton.places == asset.skeleton.places).all()
    assert (again.face.actions == asset.face.actions).all()
    assert not list(tmp_path.rglob("*.part"))


@pytest.mark.parametrize("damage", ["empty", "cut", "noise", "other"])
def test_a_damaged_file_is_made_again_with_one_warning(context, baked, tmp_path, caplog, damage):
    obtain(context, tmp_path)
    path = path_of(tmp_path)
    match damage:
        case "empty":
            path.write_bytes(b"")
        case "cut":
            path.write_bytes(path.read_bytes()[:100_000])
        case "noise":
            path.write_bytes(np.random.default_rng(1).bytes(5_000))
        case "other":
            np.savez(path, order=np.array(["head"]))
    with caplog.at_level(logging.WARNING):
        obtain(context, tmp_path)
    assert len(baked) == 2
    assert len(caplog.records) == 1
    assert "again" in caplog.text
    load_asset(path)


def test_a_folder_that_cannot_be_written_gives_one_warning_and_an_avatar(context, baked, tmp_path, caplog):
    (tmp_path / "file").write_text("no folder")
    with caplog.at_level(logging.WARNING):
        assert obtain(context, tmp_path / "file").parts
    assert len(caplog.records) == 1
    assert "cache_dir" in caplog.text


def test_every_look_has_a_file_of_its_own(tmp_path):
    blond = Look(hair=HairLook(colour="#aa8844"))
    paths = {path_of(tmp_path), path_of(tmp_path, blond), path_of(tmp_path, fine=True), path_of(tmp_path, size=512)}
    assert len(paths) == 4
    assert path_of(tmp_path) == path_of(tmp_path, Look())


def test_a_missing_file_is_an_error_with_a_remedy(tmp_path):
    with pytest.raises(MioError, match="delete the file"):
        load_asset(tmp_path / "none.npz")
