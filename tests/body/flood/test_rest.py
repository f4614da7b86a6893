import numpy as np

from mio.contracts.messages import MotionPrompt
from mio.runtime.testing import steps
from nodes.body.config import BodyConfig
from nodes.body.engine import IdleEngine
from nodes.body.flood.rest import Rest


def test_a_body_at_ease_rests_and_has_not_moved():
    rest = Rest()
    rest.see(IdleEngine(BodyConfig(seed=2)).frames(0, 20)[:, :69])
    assert rest.reached and not rest.moved


def test_a_wave_is_a_motion_that_ends_in_rest(stage_of):
    engine, rest = IdleEngine(BodyConfig(seed=2)), Rest()
    show = stage_of(engine)
    show.run(1.0)
    steps(engine, "prompt", MotionPrompt(text="", gesture="greet"))
    frames = show.run(6.0).frames[:, :69]
    seen = []
    for first in range(0, 140, 4):
        rest.see(frames[first : first + 4])
        seen.append((rest.moved, rest.reached))
    assert seen[4] == (False, True)
    assert (True, False) in seen
    assert seen[-1] == (True, True)
    rest.begin()
    assert not rest.moved and not rest.reached


def test_who_sits_or_holds_the_arms_up_does_not_rest():
    frames = IdleEngine(BodyConfig()).frames(0, 20)[:, :69]
    low, up = frames.copy(), frames.copy()
    low[:, 1] -= 0.4
    up[:, 3 + 16 * 3 : 3 + 18 * 3] = [0.0, 0.0, 1.2, 0.0, 0.0, -1.2]
    for posture in (low, up):
        rest = Rest()
        rest.see(np.array(posture))
        assert not rest.reached
