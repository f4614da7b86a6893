import json
from pathlib import Path

import numpy as np
import pytest

from mio.contracts.skeleton import PARENTS, SMPL_JOINTS
from mio.errors import ConfigError
from mio.rotation import about, product, quaternion, rotate, rotvec
from nodes.body.motion.features import encode, facing
from nodes.body.motion.kinematics import OFFSETS, Motion, positions
from nodes.body.training.conversion import convert
from nodes.body.training.motion_set import read_clips

CMU = {
    "pelvis": "Hips", "left_hip": "LeftUpLeg", "left_knee": "LeftLeg", "left_ankle": "LeftFoot",
    "left_foot": "LeftToeBase", "right_hip": "RightUpLeg", "right_knee": "RightLeg", "right_ankle": "RightFoot",
    "right_foot": "RightToeBase", "spine1": "LowerBack", "spine2": "Spine", "spine3": "Spine1", "neck": "Neck",
    "head": "Head", "left_collar": "LeftShoulder", "left_shoulder": "LeftArm", "left_elbow": "LeftForeArm",
    "left_wrist": "LeftHand", "right_collar": "RightShoulder", "right_shoulder": "RightArm",
    "right_elbow": "RightForeArm", "right_wrist": "RightHand",
}  # fmt: skip


def a_motion(frames: int = 121) -> Motion:
    """Turns, walks a little and swings elbows and knees, at 40 frames per second."""
    time = np.arange(frames) / 40
    rotations = np.zeros((frames, 22, 3))
    rotations[:, 0, 1] = 0.4 * time
    rotations[:, SMPL_JOINTS.index("left_shoulder"), 2] = -1.0 + 0.3 * np.sin(3 * time)
    rotations[:, SMPL_JOINTS.index("right_elbow"), 1] = 0.8 * np.sin(2 * time) ** 2
    rotations[:, SMPL_JOINTS.index("left_knee"), 0] = 0.5 * np.sin(2 * time) ** 2
    return Motion(np.stack((0.3 * time, np.full(frames, 0.93), 0.2 * time), -1), rotations)


def shape(places: np.ndarray) -> np.ndarray:
    """Joints beside the pelvis."""
    return places - places[:, :1]


def write_bvh(path: Path, motion: Motion, fps: float, unit: float) -> None:
    """A file as CMU's, of our own skeleton in another unit."""
    children = {j: [c for c in range(22) if PARENTS[c] == j] for j in range(22)}
    order: list[int] = []
    lines = ["HIERARCHY"]

    def add(joint: int, depth: int) -> None:
        order.append(joint)
        pad = "  " * depth
        place = "Xposition Yposition Zposition " if joint == 0 else ""
        offset = " ".join(f"{value * unit:.6f}" for value in OFFSETS[joint] * (joint > 0))
        lines.extend(
            [f"{pad}{'JOINT' if joint else 'ROOT'} {CMU[SMPL_JOINTS[joint]]}", f"{pad}{{", f"{pad}OFFSET {offset}"]
        )
        lines.append(f"{pad}CHANNELS {6 if joint == 0 else 3} {place}Zrotation Yrotation Xrotation")
        for child in children[joint]:
            add(child, depth + 1)
        if not children[joint]:
            lines.extend([f"{pad}End Site", f"{pad}{{", f"{pad}OFFSET 0 0 {0.1 * unit}", f"{pad}}}"])
        lines.append(f"{pad}}}")

    add(0, 0)
    lines += ["MOTION", f"Frames: {len(motion.root)}", f"Frame Time: {1 / fps:.7f}"]
    for root, turns in zip(motion.root, motion.rotations, strict=True):
        from scipy.spatial.transform import Rotation

        angles = Rotation.from_rotvec(turns).as_euler("ZYX", degrees=True)
        numbers = [*(root * unit), *np.concatenate([angles[joint] for joint in order])]
        lines.append(" ".join(f"{number:.6f}" for number in numbers))
    path.write_text("\n".join(lines))


def read_back(data: Path, cache: Path) -> list:
    return [clip for split in ("train", "val") for clip in clips_of(data, split, cache)]


def clips_of(data: Path, split: str, cache: Path) -> list:
    present = {clip["split"] for clip in json.loads((data / "clips.json").read_text())}
    return read_clips(data, split, cache) if split in present else []


def expected() -> np.ndarray:
    motion = a_motion()
    return shape(positions(Motion(motion.root[::2], motion.rotations[::2])))


def stored_shape(data: Path) -> np.ndarray:
    with np.load(data / "motion_text.npz") as stored:
        places = positions(Motion(stored["root"].astype(np.float64), stored["rot"].astype(np.float64)))
    assert abs(places[..., 1].min()) < 0.005
    np.testing.assert_allclose(places[0, 0, (0, 2)], 0.0, atol=1e-6)
    return shape(places)


def test_bvh_files_of_another_size_and_rate_become_clips(tmp_path: Path) -> None:
    (tmp_path / "bvh" / "01").mkdir(parents=True)
    write_bvh(tmp_path / "bvh" / "01" / "01_01.bvh", a_motion(), 40.0, unit=17.0)
    (tmp_path / "bvh" / "captions.json").write_text(json.dumps({"01_01": ["a person turns."]}))
    assert convert(tmp_path / "bvh", tmp_path / "set") == 1
    (clip,) = read_back(tmp_path / "set", tmp_path / "cache")
    assert clip.captions == ("a person turns.",)
    made = stored_shape(tmp_path / "set")
    assert np.linalg.norm(made - expected(), axis=-1).max() < 0.04


def test_amass_files_are_put_upright(tmp_path: Path) -> None:
    motion = a_motion()
    tilt = about(0, np.full(len(motion.root), 0.5 * np.pi))
    poses = np.zeros((len(motion.root), 156))
    poses[:, :66] = motion.rotations.reshape(len(motion.root), -1)
    poses[:, :3] = rotvec(product(tilt, quaternion(motion.rotations[:, 0])))
    (tmp_path / "amass").mkdir()
    np.savez(tmp_path / "amass" / "jog_slowly.npz", poses=poses, trans=rotate(tilt, motion.root), mocap_framerate=40.0)
    np.savez(tmp_path / "amass" / "shape.npz", betas=np.zeros(10))
    assert convert(tmp_path / "amass", tmp_path / "set") == 1
    (clip,) = read_back(tmp_path / "set", tmp_path / "cache")
    assert clip.captions == ("a person: jog slowly.",)
    assert np.linalg.norm(stored_shape(tmp_path / "set") - expected(), axis=-1).max() < 0.005


def test_a_humanml3d_folder_keeps_its_splits_and_whole_captions(tmp_path: Path) -> None:
    folder = tmp_path / "HumanML3D"
    (folder / "new_joint_vecs").mkdir(parents=True)
    (folder / "texts").mkdir()
    motion = a_motion()
    motion = Motion(motion.root[::2], motion.rotations[::2])
    np.save(folder / "new_joint_vecs" / "000001.npy", encode(motion).astype(np.float32))
    (folder / "texts" / "000001.txt").write_text("a person turns.#a/DET#0.0#0.0\nhe stops.#he/PRON#1.0#2.0\n")
    (folder / "val.txt").write_text("000001\n000002\n")
    assert convert(folder, tmp_path / "set") == 1
    (clip,) = read_clips(tmp_path / "set", "val", tmp_path / "cache")
    assert clip.captions == ("a person turns.",)
    first_yaw = facing(positions(motion))[0]  # such features begin facing +Z
    wanted = rotate(about(1, np.array(-first_yaw)), expected()[:-1])
    assert np.linalg.norm(stored_shape(tmp_path / "set") - wanted, axis=-1).max() < 0.01


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.txt", "nothing", "no motion"),
        ("a.bvh", "HIERARCHY ROOT x", "no motion that can be read"),
        ("a.npz", "not an archive", "a.npz"),
    ],
)
def test_what_is_no_motion_is_one_clear_error(tmp_path: Path, name: str, content: str, said: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(ConfigError, match=said):
        convert(tmp_path, tmp_path / "set")


def test_joints_of_other_names_are_one_clear_error(tmp_path: Path) -> None:
    write_bvh(tmp_path / "a.bvh", a_motion(3), 20.0, 1.0)
    (tmp_path / "a.bvh").write_text((tmp_path / "a.bvh").read_text().replace("LeftForeArm", "Elbow7"))
    with pytest.raises(ConfigError, match="no joint like 'LeftForeArm'"):
        convert(tmp_path, tmp_path / "set")
