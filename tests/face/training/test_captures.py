import csv
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from mio.contracts.arkit import ARKIT_ACTIONS, ARKIT_INDEX
from mio.errors import ConfigError
from nodes.face.training.captures import Capture, frames_of, mirrored, read_beat, read_livelink, read_set, retimed
from nodes.face.training.conversations import Person
from nodes.face.training.own_set import read_own
from nodes.face.training.prior import build_pool, read_heads

NAMES = [name[0].upper() + name[1:] for name in ARKIT_ACTIONS]
ANGLES = [f"{part}{axis}" for part in ("Head", "LeftEye", "RightEye") for axis in ("Yaw", "Pitch", "Roll")]


def a_capture(seconds: float = 12.0) -> np.ndarray:
    times = np.arange(round(60 * seconds)) / 60
    values = np.zeros((len(times), 61), np.float32)
    values[:, NAMES.index("BrowInnerUp")] = 0.5 + 0.4 * np.sin(times)
    values[:, NAMES.index("EyeBlinkLeft")] = (times % 3 < 0.15) * 0.9
    values[:, NAMES.index("MouthSmileLeft")] = 0.6
    values[:, 52 + ANGLES.index("LeftEyeYaw")] = 0.2
    return values


def test_livelink_and_beat_recordings_become_the_same_frames(tmp_path: Path) -> None:
    values = a_capture()
    with (tmp_path / "face.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["Timecode", "BlendShapeCount", *NAMES, *ANGLES])
        writer.writerows([["00:00", 61, *row] for row in values.tolist()])
    frames = read_livelink(tmp_path / "face.csv").frames
    assert frames.shape == (300, 112)
    assert frames[:, ARKIT_INDEX["mouthSmileLeft"]] == pytest.approx(0.6)
    assert (frames[:, 107] < -0.1).all()
    content = {"names": list(ARKIT_ACTIONS), "frames": [{"weights": row[:52].tolist()} for row in values]}
    (tmp_path / "face.json").write_text(json.dumps(content))
    np.testing.assert_allclose(read_beat(tmp_path / "face.json").frames[:, :52], frames[:, :52], atol=1e-6)
    with pytest.raises(ConfigError, match="lacks"):
        frames_of(["JawOpen"], np.zeros((9, 1), np.float32), 60.0)


def test_a_mirrored_face_winks_with_the_other_eye_and_twice_mirrored_is_itself() -> None:
    frames = np.random.default_rng(0).random((5, 112)).astype(np.float32)
    turned = mirrored(frames)
    assert np.array_equal(turned[:, ARKIT_INDEX["eyeBlinkLeft"]], frames[:, ARKIT_INDEX["eyeBlinkRight"]])
    assert np.array_equal(turned[:, 101], -frames[:, 101])
    assert np.array_equal(turned[:, 106:109], frames[:, 109:112] * (1, -1, -1))
    assert np.array_equal(mirrored(turned), frames)


def test_a_face_drawn_from_captures_moves_without_jumps_and_keeps_its_lips_shut(tmp_path: Path) -> None:
    np.savez(tmp_path / "arkit60.npz", names=[*NAMES, *ANGLES], seq00=a_capture(), seq02=a_capture(), seq10=a_capture())
    captures = read_set(tmp_path)
    assert [capture.name for capture in captures] == ["seq02", "seq10"]
    heads = [np.zeros((60, 3), np.float32)]
    drawn = build_pool(captures, heads).draw(2_000, np.random.default_rng(0))
    assert drawn.shape == (2_000, 112)
    assert [capture.name for capture in build_pool(captures, heads, held_out=True).faces] == ["seq10"]
    brow = drawn[:, ARKIT_INDEX["browInnerUp"]]
    assert brow.std() > 0.02
    assert np.abs(np.diff(brow)).max() < 0.1
    assert len(retimed(drawn, 2.0)) == 1_000


def test_heads_come_from_cmus_standing_clips_alone_and_turn_no_further_than_those_of_talkers(tmp_path: Path) -> None:
    kinds = [("CMU", "basketball_signal", "train"), ("BN", "wave", "train"), ("CMU", "walking", "train")]
    kinds += [("CMU", "washwindow", "val"), ("CMU", "directing_traffic", "test")]
    clips = [{"src": src, "action": action, "split": split} for src, action, split in kinds]
    turns = np.zeros((100 * len(clips), 22, 3), np.float32)
    turns[:, 12, 0] = 0.2 * np.sin(np.arange(len(turns)) / 5)
    turns[:, 15, 1] = 0.02 * np.sin(np.arange(len(turns)) / 5)
    np.savez(tmp_path / "motion_text.npz", rot=turns, offsets=np.arange(len(clips) + 1) * 100)
    (tmp_path / "clips.json").write_text(json.dumps(clips))
    (learned,) = read_heads(tmp_path)
    assert len(read_heads(tmp_path, held_out=True)) == 2
    assert len(learned) == 125
    assert np.degrees(learned.std(0)) == pytest.approx([5.0, np.degrees(0.02) / 2**0.5, 0.0], abs=0.2)


def test_a_folder_without_captures_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="arkit60"):
        read_set(tmp_path)


def test_own_captures_with_a_voice_are_learned_from_as_they_are_and_silent_ones_join_the_pool(tmp_path: Path) -> None:
    content = {"names": list(ARKIT_ACTIONS), "frames": [{"weights": row[:52].tolist()} for row in a_capture(4.0)]}
    for name in ("silent", "voiced"):
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
    sound = 0.3 * np.sin(2 * np.pi * 300 * np.arange(64_000) / 16_000) * (np.arange(64_000) > 32_000)
    soundfile.write(tmp_path / "voiced.wav", sound, 16_000)
    silent, voiced = read_own(tmp_path)
    assert isinstance(silent, Capture)
    assert isinstance(voiced, Person)
    assert voiced.mel.shape == (400, 40)
    assert voiced.frames.shape == (100, 112)
    assert not voiced.speaking[5:40].any()
    assert voiced.speaking[60:95].all()
    with pytest.raises(ConfigError, match="no captures"):
        list(read_own(tmp_path / "empty"))
