from pathlib import Path

import numpy as np
import pytest
import torch
from rich.console import Console

from mio.training.loop import Plan, train
from mio.training.progress import Progress
from mio.training.run_folder import RunFolder
from nodes.talker.training.judge import (
    AcousticModel,
    JudgeTrainee,
    JudgeTraining,
    classes_heard,
    classes_of,
    mel_features,
    stretched,
    trained_judge,
    warp,
)
from nodes.talker.training.labels import Aligned, Label
from nodes.talker.training.speech_set import SpeechSet


def settings(steps: int) -> JudgeTraining:
    return JudgeTraining(
        "judge", width=32, dropout=0.0, batch=4, seconds=1.0, rate=1e-2, warm_up=5, steps=steps, ema=0.9
    )


def test_halves_of_phones_are_heard_in_a_sentence_that_was_not_learned(
    speech: SpeechSet, aligned: dict[str, Aligned], tmp_path: Path
) -> None:
    trainee = JudgeTrainee(settings(80), speech, aligned)
    train(trainee, RunFolder(tmp_path, settings(80)), Plan(80), Progress(Console(quiet=True), "judge"))
    heard = classes_heard(trained_judge(tmp_path), speech, aligned, "val")
    assert heard.keys() == {"ada"} and heard["ada"] > 0.7


def test_a_run_that_was_stopped_goes_on_as_if_it_had_not_been(
    speech: SpeechSet, aligned: dict[str, Aligned], tmp_path: Path
) -> None:
    progress = Progress(Console(quiet=True), "judge")
    for folder, ends in (("cut", (2, 4)), ("whole", (4,))):
        for steps in ends:
            trainee = JudgeTrainee(settings(4), speech, aligned)
            train(trainee, RunFolder(tmp_path / folder, settings(4)), Plan(steps), progress)
    found, wanted = (trained_judge(tmp_path / folder).state_dict() for folder in ("cut", "whole"))
    for name, value in wanted.items():
        torch.testing.assert_close(found[name], value)


def test_phones_have_two_halves_and_pauses_one() -> None:
    classes = classes_of(Aligned([Label(0, 0), Label(5, 3), Label(9, 8), Label(0, 9)], 12))
    assert classes.tolist() == [0, 0, 0, 10, 10, 10, 11, 11, 18, 0, 0, 0]


def test_features_know_neither_loudness_nor_colour() -> None:
    sound = np.random.default_rng(0).normal(size=24_000).astype(np.float32) * np.linspace(
        0.01, 0.1, 24_000, dtype=np.float32
    )
    features = mel_features(sound)
    assert features.shape == (100, 40)
    np.testing.assert_allclose(features, mel_features(0.1 * sound), atol=1e-2)
    duller = np.convolve(sound, [0.5, 0.5])[: len(sound)].astype(np.float32)
    assert np.abs(features - mel_features(duller))[:, :30].max() < 0.6 * np.abs(features[:, :30]).max()


def test_a_stretch_keeps_its_classes_where_its_sound_is(aligned: dict[str, Aligned]) -> None:
    known = classes_of(aligned["u0"])
    features = np.zeros((len(known), 40), np.float32)
    features[:, 0] = known
    rng = np.random.default_rng(0)
    for _ in range(5):
        changed, classes = stretched(features, known, 40, rng)
        middles = changed.reshape(40, 2, 40)[:, :, 0].mean(1)
        labelled = classes >= 0
        assert labelled.sum() > 30
        assert np.mean(np.abs(middles - classes)[labelled] < 0.5) > 0.85  # else between two phones
    changed, classes = stretched(features, known, 100, rng)  # longer than the sentence
    assert (classes[-20:] == -100).all() and not changed[-40:].any()


def test_bands_are_moved_up_by_a_shorter_throat() -> None:
    peak = np.zeros((1, 40), np.float32)
    peak[0, 20] = 1.0
    assert (peak @ warp(1.1)).argmax() == 22
    assert (peak @ warp(0.9)).argmax() == 18
    np.testing.assert_array_equal(warp(1.0), np.eye(40))


def test_what_is_heard_does_not_depend_on_how_often_a_phone_is_spoken() -> None:
    torch.manual_seed(0)
    model = AcousticModel(16, 0.0).eval()
    sound = np.random.default_rng(0).normal(size=4_810).astype(np.float32)
    before = model.likelihoods(sound)
    model.log_prior[3] -= 1.0
    after = model.likelihoods(sound)
    assert before.shape[0] == 10
    np.testing.assert_allclose(after[:, 3] - before[:, 3], 1.0, atol=1e-5)
    assert pytest.approx(before[:, 4]) == after[:, 4]
