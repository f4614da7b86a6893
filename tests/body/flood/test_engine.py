import json
import logging

import numpy as np
import pytest
import torch

from mio.contracts.messages import Interrupt, MotionPrompt
from mio.runtime.testing import steps
from nodes.body.config import BodyConfig
from nodes.body.engine import IdleEngine, build_engine
from nodes.body.flood.engine import Mode
from nodes.body.flood.stream import FloodStream

GENERATED = slice(0, 69)


def test_the_network_moves_the_body_and_fingers_stay_the_understudys(flood, stage_of):
    run = stage_of(flood(seed=4)).run(4.0)
    alone = stage_of(IdleEngine(BodyConfig(seed=4, lead_s=0.3))).run(4.0)
    assert run.engine.mode is Mode.FLOWING
    assert np.isfinite(run.frames).all()
    assert np.abs(run.frames[40:, GENERATED] - alone.frames[40:, GENERATED]).max() > 0.01
    np.testing.assert_array_equal(run.frames[:, 69:], alone.frames[:, 69:])


def test_the_network_takes_over_without_a_jump(flood, stage_of):
    run = stage_of(flood()).run(2.0)
    places = run.places[:, :22]
    first = int(np.flatnonzero(np.abs(np.diff(places, axis=0)).max((1, 2)) > 0.002)[0])
    assert np.linalg.norm(places[first + 1] - places[first], axis=-1).max() < 0.05


def test_it_stays_near_its_place_whatever_the_network_gives(flood, stage_of):
    frames = stage_of(flood()).run(12.0).frames
    assert np.hypot(frames[:, 0], frames[:, 2]).max() < 0.3


def test_frames_are_ahead_and_the_same_for_the_same_seed(flood, stage_of):
    one, two = (stage_of(flood(seed=3)).run(3.0) for _ in range(2))
    np.testing.assert_array_equal(one.frames, two.frames)
    assert all(message.start_stage_s >= at_s - 1e-6 for at_s, message in one.sent[1:])


def test_a_prompt_changes_the_motion_within_a_second(flood, stage_of):
    asked = [(3.0, "prompt", MotionPrompt(text="a person walks forward."))]
    with_prompt, without = (stage_of(flood()).run(5.0, script).frames for script in (asked, ()))
    apart = np.abs(with_prompt - without).max(1)
    assert apart[:60].max() == 0.0
    assert apart[60:80].max() > 1e-4


def test_a_network_that_fails_is_stood_in_for_and_tried_again(
    flood, stage_of, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    engine = flood()
    show = stage_of(engine)
    show.run(3.0)
    step = FloodStream.step
    with monkeypatch.context() as broken:

        def spoiled(self, flow, text_at):
            step(self, flow, text_at)
            flow.latents.latents[:] = float("nan")

        broken.setattr(FloodStream, "step", spoiled)
        with caplog.at_level(logging.WARNING):
            run = show.run(3.0)
    assert engine.mode is Mode.STANDING_IN
    assert "left all motion" in caplog.text and "tried again in 10 s" in caplog.text
    assert np.isfinite(run.frames).all()
    at_rest = np.linalg.norm(np.diff(run.places[-30:, :22], axis=0), axis=-1)
    assert at_rest.max() < 0.02
    show.run(11.0)
    assert engine.mode is Mode.FLOWING


def test_a_network_that_is_too_slow_is_given_up(flood, stage_of, caplog: pytest.LogCaptureFixture):
    engine = flood()
    with caplog.at_level(logging.WARNING):
        stage_of(engine, frames_per_tick=5).run(8.0)
    assert "too slow" in caplog.text
    assert engine.mode is Mode.STANDING_IN


def test_a_successor_goes_on_frame_by_frame(flood, stage_of):
    engine = flood(seed=5)
    show, whole = stage_of(engine), stage_of(flood(seed=5))
    script = [(1.0, "prompt", MotionPrompt(text="a person jumps."))]
    show.run(2.5, script)
    successor = flood(seed=9)
    successor.import_state(json.loads(json.dumps(engine.export_state())))
    show.engine = successor
    np.testing.assert_allclose(show.run(2.0).frames, whole.run(4.5, script).frames, atol=1e-5)


@pytest.mark.parametrize("first", ["flood", "idle"])
def test_engines_of_both_kinds_take_over_from_each_other_smoothly(flood, stage_of, first):
    engines = {"flood": flood(), "idle": IdleEngine(BodyConfig())}
    show = stage_of(engines.pop(first))
    show.run(2.0)
    successor = engines.popitem()[1]
    successor.import_state(show.engine.export_state())
    show.engine = successor
    frames = show.run(2.0).places[:, :22]
    jumps = np.linalg.norm(np.diff(frames, axis=0), axis=-1).max(1)
    assert jumps[36:48].max() < max(0.08, 1.5 * jumps[:36].max())


def test_a_committed_interruption_ends_what_was_wanted(flood):
    engine = flood()
    steps(engine, "prompt", MotionPrompt(text="a person runs.", segment_id=2))
    assert engine._state.script.wish is not None
    steps(engine, "interrupt", Interrupt(action="commit", segment_id=2))
    assert engine._state.script.wish is None


def test_weights_that_are_missing_are_one_clear_error(tmp_path):
    with pytest.raises(Exception, match="expected weights.safetensors"):
        build_engine(BodyConfig(engine="flood", weights=tmp_path / "none"))
    assert torch.get_num_threads() == 1
