import json
from pathlib import Path

import numpy as np
import pytest

from mio.errors import ConfigError
from nodes.body.training.motion_set import read_clips, statistics, swapped_sides
from nodes.body.training.sequences import cut, draw_joined, joined, single


def write_set(folder: Path, lengths: tuple[int, ...] = (40, 3, 60)) -> None:
    rng = np.random.default_rng(0)
    total = sum(lengths)
    time = np.arange(total)[:, None, None] / 20
    rotations = 0.4 * np.sin(2 * time * rng.uniform(0.5, 2, (1, 22, 3)))
    root = np.stack((0.02 * np.arange(total), np.full(total, 0.93), np.zeros(total)), -1)
    offsets = np.concatenate(([0], np.cumsum(lengths)))
    np.savez(
        folder / "motion_text.npz", rot=rotations.astype(np.float16), root=root.astype(np.float32), offsets=offsets
    )
    clips = [
        {"id": f"c{k}", "n": n, "split": "train", "captions": [f"a person turns left {k}."], "src": "BN"}
        for k, n in enumerate(lengths)
    ]
    (folder / "clips.json").write_text(json.dumps(clips))


def test_a_set_is_read_with_mirrored_clips_and_without_those_that_are_too_short(tmp_path: Path) -> None:
    write_set(tmp_path)
    clips = read_clips(tmp_path, "train", tmp_path / "cache", mirror=True)
    assert [(clip.id, len(clip.features)) for clip in clips] == [("c0", 39), ("c2", 59), ("c0~", 39), ("c2~", 59)]
    assert clips[2].captions == ("a person turns right 0.",)
    again = read_clips(tmp_path, "train", tmp_path / "cache", mirror=True)
    np.testing.assert_array_equal(again[3].features, clips[3].features)


def test_statistics_are_positive_and_shared_by_features_of_a_kind(tmp_path: Path) -> None:
    write_set(tmp_path)
    mean, std = statistics(read_clips(tmp_path, "train", tmp_path / "cache"))
    assert mean.shape == std.shape == (263,)
    assert (std > 0).all()
    assert len(set(std[4:67].tolist())) == 1


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda folder: (folder / "clips.json").unlink(), "clips.json"),
        (lambda folder: (folder / "clips.json").write_text("{"), "clips.json"),
        (lambda folder: (folder / "motion_text.npz").unlink(), "motion_text.npz is missing"),
        (
            lambda folder: (folder / "clips.json").write_text((folder / "clips.json").read_text().replace("40", "41")),
            "does not have 41 frames",
        ),
    ],
)
def test_a_broken_set_gets_one_clear_error(tmp_path: Path, spoil: object, said: str) -> None:
    write_set(tmp_path)
    spoil(tmp_path)  # type: ignore[operator]
    with pytest.raises(ConfigError, match=said):
        read_clips(tmp_path, "train", tmp_path / "cache")
    with pytest.raises(ConfigError, match=r"clips.json|no clips of split"):
        read_clips(tmp_path, "nothing", tmp_path / "cache")


def test_sides_are_exchanged_in_words_only() -> None:
    assert swapped_sides("raises the left hand, then the right.") == "raises the right hand, then the left."
    assert swapped_sides("walks clockwise to the left-hand side") == "walks counterclockwise to the right-hand side"
    assert swapped_sides("an upright person") == "an upright person"


def test_joined_clips_go_on_from_the_pose_in_which_the_last_one_ended(tmp_path: Path) -> None:
    write_set(tmp_path)
    first, second = read_clips(tmp_path, "train", tmp_path / "cache")
    both = joined([first, second])
    assert [end for _, end in both.texts] == [39, 98]
    steps = np.abs(np.diff(both.features[:, 4:193], axis=0)).max(1)
    assert steps[38] < 1.5 * max(steps[:38].max(), steps[50:].max())
    np.testing.assert_array_equal(both.features[60:], second.features[21:])
    short = cut(both, 45)
    assert (len(short.features), [end for _, end in short.texts]) == (45, [39, 45])
    assert len(single(first).features) == 39


def test_random_sequences_are_the_same_for_the_same_seed(tmp_path: Path) -> None:
    write_set(tmp_path)
    clips = read_clips(tmp_path, "train", tmp_path / "cache")
    one, two = (draw_joined(clips, 5, 3, 120, seed=4) for _ in range(2))
    assert [frames.texts for frames in one] == [frames.texts for frames in two]
    assert all(len(frames.features) <= 120 for frames in one)
