import io
import json
import pickle
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import scipy.sparse
import torch
from scipy.spatial.transform import Rotation

from mio.cli.main import main
from mio.errors import ConfigError
from nodes.face.models.columns import modelled
from nodes.face.models.flame import Flame, read_flame, read_region
from nodes.face.training.data_set import read
from nodes.face.training.surface import surface_of

lmdb = pytest.importorskip("lmdb")

VERTICES = 30
RNG = np.random.default_rng(0)


def parts() -> dict[str, Any]:
    """A head of thirty vertices, of the shapes of FLAME's."""
    rng = np.random.default_rng(1)
    return {
        "v_template": 0.1 * rng.normal(size=(VERTICES, 3)),
        "shapedirs": 0.001 * rng.normal(size=(VERTICES, 3, 400)),
        "posedirs": 0.001 * rng.normal(size=(VERTICES, 3, 36)),
        "J_regressor": rng.dirichlet(np.ones(VERTICES), 5),
        "kintree_table": np.array([[2**32 - 1, 0, 1, 1, 1], [0, 1, 2, 3, 4]], np.uint32),
        "weights": rng.dirichlet(np.ones(5), VERTICES),
        "f": rng.integers(0, VERTICES, (12, 3)).astype(np.uint32),
    }


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Both files in the form that FLAME has them in: sparse joints, and shapes as arrays of the package chumpy."""

    class Ch:
        def __init__(self, x: np.ndarray) -> None:
            self.x = x

    Ch.__module__, Ch.__qualname__ = "chumpy.ch", "Ch"
    package, module = ModuleType("chumpy"), ModuleType("chumpy.ch")
    vars(module)["Ch"] = Ch
    stored = parts()
    stored["J_regressor"] = scipy.sparse.csc_matrix(stored["J_regressor"])
    stored["shapedirs"] = Ch(stored["shapedirs"])
    model, masks = tmp_path / "generic_model.pkl", tmp_path / "FLAME_masks.pkl"
    with monkeypatch.context() as patched:
        patched.setitem(sys.modules, "chumpy", package)
        patched.setitem(sys.modules, "chumpy.ch", module)
        model.write_bytes(pickle.dumps(stored, protocol=2))
    masks.write_bytes(pickle.dumps({"face": np.arange(20), "lips": np.arange(5, 10)}, protocol=2))
    return model, masks


def frames(count: int) -> np.ndarray:
    return (0.3 * RNG.normal(size=(count, 112))).astype(np.float32)


def test_a_turned_head_is_the_same_head_turned_and_expressions_add_up(files: tuple[Path, Path]) -> None:
    flame = read_flame(files[0])
    still = np.zeros((1, 112), np.float32)
    np.testing.assert_allclose(flame.vertices(still)[0], parts()["v_template"], atol=1e-6)
    turned = still.copy()
    turned[0, 100:103] = (0.2, -0.4, 0.1)
    joint = parts()["J_regressor"][0] @ parts()["v_template"]
    wanted = Rotation.from_rotvec(turned[0, 100:103]).apply(parts()["v_template"] - joint) + joint
    np.testing.assert_allclose(flame.vertices(turned)[0], wanted, atol=1e-5)
    np.testing.assert_allclose(flame.vertices(turned, head=False), flame.vertices(still), atol=1e-6)
    smiles = np.repeat(still, 3, 0)
    smiles[0, 4], smiles[1, 9], smiles[2, [4, 9]] = 1.0, 1.0, 1.0
    one, other, both = flame.vertices(smiles) - flame.vertices(still)
    np.testing.assert_allclose(one + other, both, atol=1e-6)
    np.testing.assert_allclose(one, parts()["shapedirs"][:, :, 304], atol=1e-6)


def test_vertices_are_those_of_the_package_that_flame_comes_with(files: tuple[Path, Path]) -> None:
    """Of ``smplx.lbs.lbs`` (0.1.28) with the same head and pose."""
    pose = np.zeros((1, 112), np.float32)
    pose[0, :3], pose[0, 100:106], pose[0, 106:] = 0.5, (0.1, 0.2, -0.1, 0.3, 0.05, 0.0), (0.1, 0.2, 0, -0.1, 0.1, 0)
    wanted = [[0.0594233, 0.0703485, 0.0324333], [0.0213948, 0.0975674, 0.1332351], [0.0222227, 0.0356281, 0.0531551]]
    np.testing.assert_allclose(read_flame(files[0]).vertices(pose)[0, [0, 7, 29]], wanted, atol=1e-6)


def test_how_far_the_skin_is_off_is_that_of_the_vertices(files: tuple[Path, Path]) -> None:
    surface, flame = surface_of("flame2020", *files), Flame(parts())
    truth, made = np.zeros((1, 112), np.float32), np.zeros((1, 112), np.float32)
    made[0, [3, 50, 103]] = 0.4, -0.2, 0.002
    off = torch.from_numpy(modelled(torch.from_numpy(made - truth)).numpy())[..., surface.columns]
    moved = 1_000 * (flame.vertices(made) - flame.vertices(truth))[0]
    for gram, which in ((surface.skin, slice(0, 20)), (surface.lips, slice(5, 10))):
        wanted = np.square(moved[which]).sum(1).mean()
        assert float(((off @ gram) * off).sum()) == pytest.approx(wanted, rel=0.01)
    with pytest.raises(ConfigError, match="--flame generic_model.pkl FLAME_masks.pkl"):
        surface_of("flame2020")


def test_files_that_are_none_are_refused_and_nothing_in_them_is_run(tmp_path: Path, files: tuple[Path, Path]) -> None:
    class Bad:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (tmp_path / "was run",)

    broken = tmp_path / "broken.pkl"
    for content, says in (
        (pickle.dumps(Bad()), "which is no array"),
        (b"nothing", "broken.pkl"),
        (pickle.dumps({"f": 1}), "v_template"),
        (pickle.dumps({**parts(), "weights": np.ones((3, 5))}), r"weights is \(3, 5\), not \(30, 5\)"),
    ):
        broken.write_bytes(content)
        with pytest.raises(ConfigError, match=says):
            read_flame(broken)
    assert not (tmp_path / "was run").exists()
    with pytest.raises(ConfigError, match="chin.*FLAME_masks.pkl"):
        read_region(files[1], ["chin"])


@pytest.fixture
def talk(tmp_path: Path) -> Path:
    """The UniLS-Talk set in small: two pairs in each split, two of each three seconds long."""
    folder = tmp_path / "talk"
    folder.mkdir()
    pairs: dict[str, dict[str, list[Any]]] = {}
    with lmdb.open(str(folder / "data_lmdb"), map_size=1 << 26) as database, database.begin(write=True) as stored:
        for split in ("train", "val", "test"):
            for number in range(2):
                keys = [f"{split}_{number}_{side}" for side in "ab"]
                pairs.setdefault(split, {})[str(number)] = [*(f"/elsewhere/{key}" for key in keys), 110]
                for side, key in enumerate(keys):
                    speaking = np.repeat([side, 1 - side], 60)[:112]
                    sound = 0.3 * RNG.normal(size=112 * 640) * np.repeat(speaking, 640)
                    buffer = io.BytesIO()
                    np.savez(buffer, audio=sound.astype(np.float32), motioncode=frames(112), speech_mask=speaking)
                    stored.put(key.encode(), buffer.getvalue())
    (folder / "pairs.json").write_text(json.dumps(pairs))
    return folder


def test_the_authors_set_is_read_in_pairs(talk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "run"
    command = ["train", "face", "--out", str(out)]
    assert main([*command, "--stage", "data", "--unils", str(talk), "--sounds"]) == 0
    tracks = read(out / "data", "train")
    assert tracks.basis == "flame2020" and list(tracks.partner) == [1, 0, 3, 2]
    assert list(np.diff(tracks.starts)) == [110] * 4 and tracks.frames.shape == (440, 112)
    assert len(tracks.sound) == 640 * 440 and len(tracks.mel) == 4 * 440
    first = tracks.frames[:110].astype(np.float32)
    np.testing.assert_allclose(first[:, 100:103].mean(0), 0.0, atol=1e-3)
    assert not tracks.speaking[:60].any() and tracks.speaking[60:110].all()
    loud = tracks.mel[:440].astype(np.float32).mean(1).reshape(110, 4).mean(1)
    assert loud[65:].min() > loud[:55].max()
    capsys.readouterr()
    assert main([*command, "--stage", "codec", "--steps", "1"]) == 1
    assert "said in FLAME's components" in capsys.readouterr().err.replace("\n", " ")


def test_a_face_of_flame_is_learned_from_it(talk: Path, tmp_path: Path, files: tuple[Path, Path]) -> None:
    command = ["train", "face", "--out", str(tmp_path / "run")]
    assert main([*command, "--stage", "data", "--unils", str(talk)]) == 0
    flame = ["--flame", *map(str, files)]
    for stage in ("codec", "voice", "prior", "audio"):
        assert main([*command, "--stage", stage, "--steps", "2", "--batch", "2", *flame]) == 0
    assert main([*command, "--stage", "export", "--weights", str(tmp_path / "face")]) == 0
    assert "flame2020" in (tmp_path / "face" / "config.yaml").read_text()


@pytest.mark.parametrize("broken", ["no database", "no pairs", "another form"])
def test_a_set_that_is_broken_is_one_error(talk: Path, tmp_path: Path, broken: str, capsys: Any) -> None:
    if broken == "no database":
        talk = tmp_path
    elif broken == "no pairs":
        (talk / "pairs.json").write_text("{}")
    else:
        (talk / "pairs.json").write_text(json.dumps({"train": {"0": ["a", "b", 110]}}))
    assert main(["train", "face", "--out", str(tmp_path / "run"), "--stage", "data", "--unils", str(talk)]) == 1
    says = capsys.readouterr().err
    assert " -> " in says and "Traceback" not in says
