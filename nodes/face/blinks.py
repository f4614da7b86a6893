"""Blinks: when, from published rates, and how, from measured lids.

Rates: 17 per minute at rest, 26 in conversation, log-normally distributed (Bentivoglio et al. 1997, 150 people).
Speakers blink at the ends of phrases, and listeners 0.25 to 0.5 s after them (Nakano and Kitazawa 2010); large gaze
shifts come with blinks (Evinger et al. 1994). The lid closes in 66 ms on average and stays closed for 8 ms (search
coils, spontaneous blinks of adults), and closes 40 to 47 % faster than it opens; about half of the blinks are not
complete (Sforza et al. 2008, Ousler et al. 2014). At 25 frames per second the closed moment is stretched to one
frame, or it would not be seen.
"""

import math

from mio.contracts.rates import FACE_FPS
from nodes.face.state import Actor, Phase

BLINK = "blink"
_FRAME_S = 1.0 / FACE_FPS
_CLOSE_S = 0.08
_OPEN_S = (0.14, 0.22)
_SPREAD = 0.55  # of the logarithm of the intervals
_SHORTEST_S = 0.5
_PARTIAL_SHARE = 0.3
_PARTIAL_DEPTH = (0.55, 0.85)
_DOUBLE_SHARE = 0.06
# Blinks at phrase ends and gaze shifts come on top of the regular ones, which are drawn this much rarer.
_REGULAR_SHARE = {Phase.SPEAKING: 0.42, Phase.LISTENING: 0.76, Phase.THINKING: 0.8}


def plan_blinks(actor: Actor, until_s: float) -> None:
    """Enter the regular blinks up to a time."""
    state = actor.state
    if state.next_blink_s < state.now_s - 1.0:
        state.next_blink_s = state.now_s + actor.between(0.5, 2.5)
    while state.next_blink_s < until_s:
        blink(actor, state.next_blink_s)


def blink(actor: Actor, at_s: float) -> None:
    """Blink so that the eyes are shut at a time, and set the time of the next regular blink."""
    state = actor.state
    at_s = max(at_s, actor.soonest_s + _CLOSE_S)
    if at_s - state.last_blink_s < _SHORTEST_S:
        state.next_blink_s = max(state.next_blink_s, at_s + _interval_s(actor))
        return
    depth = actor.between(*_PARTIAL_DEPTH) if actor.chance(_PARTIAL_SHARE) else 1.0
    _enter(actor, at_s, depth)
    if actor.chance(_DOUBLE_SHARE):
        _enter(actor, at_s + actor.between(0.32, 0.42), 1.0)
    state.last_blink_s = at_s
    state.next_blink_s = at_s + _interval_s(actor)


def hold_blinks(actor: Actor, until_s: float) -> None:
    """Put off a regular blink that would come before a time: nobody blinks at the moment of attention."""
    state = actor.state
    if state.now_s < state.next_blink_s < until_s:
        state.next_blink_s = until_s + actor.between(0.0, 0.4)


def _enter(actor: Actor, at_s: float, depth: float) -> None:
    shut_s = math.ceil(at_s * FACE_FPS) * _FRAME_S  # on a frame
    shape_s = (_CLOSE_S, _FRAME_S, actor.between(*_OPEN_S))
    actor.pulse(BLINK, shut_s - _CLOSE_S, shape_s, depth)


def _interval_s(actor: Actor) -> float:
    config, phase = actor.config, actor.state.phase
    per_min = config.blinks_speaking_per_min if phase is Phase.SPEAKING else config.blinks_resting_per_min
    mean_s = 60.0 / (per_min * _REGULAR_SHARE.get(phase, 0.76))
    # the mean of a log-normal is exp(mu + sigma^2 / 2)
    drawn = float(actor.rng.lognormal(math.log(mean_s) - _SPREAD**2 / 2.0, _SPREAD))
    return max(_SHORTEST_S, drawn)
