from pathlib import Path

import numpy as np
import pytest
import torch

from mio.contracts.messages import MotionPrompt
from mio.contracts.skeleton import JOINT_INDEX
from mio.paths import share
from nodes.body.config import BodyConfig
from nodes.body.engine import build_engine
from nodes.body.flood.engine import FloodEngine
from nodes.body.flood.stream import FloodStream
from nodes.body.models.checkpoint import Networks, read_networks
from nodes.body.models.sampler import Guidance

WRISTS = [JOINT_INDEX["left_wrist"], JOINT_INDEX["right_wrist"]]
FOLDER = share("weights", "body-laptop")


@pytest.fixture(scope="module")
def shipped() -> Networks:
    torch.set_num_threads(1)
    return read_networks(FOLDER)


@pytest.fixture
def stage_with(shipped, encoder, stage_of):
    def make(seed: int = 1, **settings):
        config = BodyConfig(engine="flood", seed=seed, **settings)
        guidance = Guidance(config.guidance, config.history, config.mixed_history)
        return stage_of(FloodEngine(config, FloodStream(shipped, encoder, guidance)))

    return make


def test_the_shipped_networks_are_small_and_say_what_they_may_be_used_for() -> None:
    assert (FOLDER / "weights.safetensors").stat().st_size < 25e6
    card = (FOLDER / "MODEL_CARD.md").read_text()
    assert "not for commercial use" in card and "Bandai-Namco" in card
    assert list(BodyConfig(engine="flood").check()) == []


def test_missing_weights_are_found_before_anything_starts(tmp_path: Path) -> None:
    (problem,) = BodyConfig(engine="flood", weights=tmp_path).check()
    assert "no weights of the body" in str(problem)
    assert list(BodyConfig(weights=tmp_path).check()) == []


def test_with_nobody_asking_it_stands_calmly_in_its_place(stage_with) -> None:
    run = stage_with(network="always").run(10.0)
    places = run.places[40:, :22]
    assert run.engine.mode.value == "flowing"
    assert np.hypot(run.frames[:, 0], run.frames[:, 2]).max() < 0.15
    assert np.linalg.norm(np.diff(places, axis=0), axis=-1).max() * 20 < 1.2
    ankles = places[:, [JOINT_INDEX["left_ankle"], JOINT_INDEX["right_ankle"]]]
    assert np.ptp(ankles, axis=0).max() < 0.002


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("a person raises the left hand.", lambda places: (places[:, WRISTS[0], 1] - places[:, 0, 1]).max() > 0.4),
        ("a person runs.", lambda places: np.ptp(places[:, JOINT_INDEX["left_ankle"], 1]) > 0.15),
    ],
)
def test_it_does_what_a_text_asks_for(stage_with, text: str, seen) -> None:
    run = stage_with(2).run(6.0, [(1.0, "prompt", MotionPrompt(text=text))])
    assert not seen(run.places[: run.at(1.0)])
    assert seen(run.places[run.at(1.5) :])


def test_the_default_engine_is_still_the_procedural_one() -> None:
    assert type(build_engine(BodyConfig())).__name__ == "IdleEngine"
