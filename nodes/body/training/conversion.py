"""Motion sets of others as a set of ours: HumanML3D's folders, AMASS, and BVH files as of CMU and Bandai-Namco.

All are brought to 20 frames per second and to our skeleton, the lowest joint of each clip on the floor. Captions of
AMASS and BVH come from ``captions.json`` in the folder (names without endings: lists of texts), else from the name.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mio.contracts.rates import BODY_FPS
from mio.errors import ConfigError
from mio.rotation import about, product, quaternion, rotate, rotvec, slerp
from nodes.body.motion.bvh import read_bvh
from nodes.body.motion.features import decode_bones
from nodes.body.motion.kinematics import COUNT, Motion, positions

_LEAST_FRAMES = 20
_VAL_SHARE = 0.08
_SPLITS = ("train", "val", "test")


class Captioned(NamedTuple):
    """A clip.

    Attributes:
        id: Its name.
        motion: At 20 frames per second.
        captions: What it shows.
        split: ``train``, ``val`` or ``test``.
        source: Where it is from.
    """

    id: str
    motion: Motion
    captions: tuple[str, ...]
    split: str
    source: str


def convert(source: Path, target: Path) -> int:
    """Write a set of ours.

    Args:
        source: A folder of HumanML3D (with ``new_joint_vecs``), or one with ``.npz`` files of AMASS or ``.bvh`` files
            somewhere below it.
        target: Folder of the set.

    Returns:
        How many clips.

    Raises:
        ConfigError: If there is no motion, or a file is damaged.
    """
    clips = [clip for clip in _read(source) if len(clip.motion.root) >= _LEAST_FRAMES]
    if not clips:
        raise ConfigError(f"{source}: no motion", "name a folder of HumanML3D, of AMASS, or of BVH files")
    write_set(target, clips)
    return len(clips)


def write_set(folder: Path, clips: Iterable[Captioned]) -> None:
    """Write clips as ``motion_text.npz`` and ``clips.json``."""
    kept = list(clips)
    folder.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(
        folder / "motion_text.npz",
        rot=np.concatenate([clip.motion.rotations for clip in kept]).astype(np.float16),
        root=np.concatenate([clip.motion.root for clip in kept]).astype(np.float32),
        offsets=np.cumsum([0, *(len(clip.motion.root) for clip in kept)]),
    )
    about = [
        {"id": c.id, "n": len(c.motion.root), "split": c.split, "captions": c.captions, "src": c.source} for c in kept
    ]
    (folder / "clips.json").write_text(json.dumps(about, ensure_ascii=False), encoding="utf-8")


def _read(source: Path) -> Iterator[Captioned]:
    if (source / "new_joint_vecs").is_dir():
        yield from _humanml3d(source)
        return
    captions: dict[str, list[str]] = {}
    if (source / "captions.json").is_file():
        captions = json.loads((source / "captions.json").read_text(encoding="utf-8"))
    for path in sorted(source.rglob("*.bvh")) + sorted(source.rglob("*.npz")):
        motion = _of_bvh(path) if path.suffix == ".bvh" else _of_amass(path)
        if motion is not None:
            said = tuple(captions.get(path.stem, ())) or (_from_name(path.stem),)
            name = "BVH" if path.suffix == ".bvh" else "AMASS"
            yield Captioned(path.stem, grounded(motion), said, _split(path.stem), name)


def _humanml3d(folder: Path) -> Iterator[Captioned]:
    """Features with their texts, whose lines are ``caption#tags#from#to``; stretches of a clip are left out."""
    for split in _SPLITS:
        names = folder / f"{split}.txt"
        for name in names.read_text(encoding="utf-8").split() if names.is_file() else ():
            path = folder / "new_joint_vecs" / f"{name}.npy"
            if not path.is_file():
                continue
            lines = (folder / "texts" / f"{name}.txt").read_text(encoding="utf-8").splitlines()
            fields = [line.split("#") for line in lines if line.count("#") >= 3]
            said = tuple(field[0].strip() for field in fields if _whole(field[2], field[3]))
            if said:
                features = np.load(path).astype(np.float64)
                yield Captioned(name, grounded(decode_bones(features)), said, split, "HumanML3D")


def _whole(begin: str, end: str) -> bool:
    return all(value.strip() in ("0.0", "0", "nan") for value in (begin, end))


def _of_amass(path: Path) -> Motion | None:
    """Poses with Z up; None if it is no motion (AMASS has files of shapes, too)."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            values: dict[str, Any] = {
                key: stored[key] for key in stored if key in ("poses", "trans") or key.startswith("mocap_frame")
            }
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: {error}", "the file is damaged") from error
    rates = [value for key, value in values.items() if key.startswith("mocap_frame")]
    if "poses" not in values or "trans" not in values or not rates:
        return None
    rotations = values["poses"][:, : 3 * COUNT].reshape(-1, COUNT, 3).astype(np.float64)
    upright = about(0, np.full(len(rotations), -0.5 * np.pi))
    rotations[:, 0] = rotvec(product(upright, quaternion(rotations[:, 0])))
    return resampled(Motion(rotate(upright, values["trans"].astype(np.float64)), rotations), float(rates[0]))


def _of_bvh(path: Path) -> Motion:
    motion, fps = read_bvh(path)
    return resampled(motion, fps)


def resampled(motion: Motion, fps: float) -> Motion:
    """The motion at 20 frames per second: places in straight lines, rotations on the shortest arcs."""
    count = int((len(motion.root) - 1) * BODY_FPS / fps) + 1
    at = np.arange(count) * fps / BODY_FPS
    low = np.minimum(at.astype(int), len(motion.root) - 1)
    high = np.minimum(low + 1, len(motion.root) - 1)
    share = at - low
    turns = quaternion(motion.rotations)
    between = slerp(turns[low], turns[high], share[:, None, None])
    root = motion.root[low] + share[:, None] * (motion.root[high] - motion.root[low])
    return Motion(root, rotvec(between))


def grounded(motion: Motion) -> Motion:
    """The motion beginning above the origin, with its lowest joint on the floor."""
    places = positions(motion)
    offset = np.array([motion.root[0, 0], places[..., 1].min(), motion.root[0, 2]])
    return Motion(motion.root - offset, motion.rotations)


def _from_name(name: str) -> str:
    words = re.sub(r"[^a-zA-Z]+", " ", name).strip().lower()
    return f"a person: {words}." if words else "a person moves."


def _split(name: str) -> str:
    """The same for the same name, so that a set may grow."""
    share = int(hashlib.sha256(name.encode()).hexdigest()[:8], 16) / 2**32
    return "val" if share < _VAL_SHARE else "train"
