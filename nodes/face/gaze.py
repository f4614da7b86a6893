"""Where the avatar looks: eye contact and its aversions, with the eyes, the head following, and points within a face.

Shares of looking at the partner: 41 % while speaking, 75 % while listening, glances of about 3 s (Argyle and Cook
1976). Speakers look away as they begin and back as they end (Kendon 1967); thinkers look up or aside (Glenberg et al.
1998 for the load, Andrist et al. 2014 for directions and lengths of some seconds). In contact the eyes jump between
the partner's eyes and mouth (Rogers et al. 2018). A saccade takes 25 ms + 2.4 ms per degree (Becker 1989); beyond
some degrees the head takes its share, and starts and arrives later (Guitton and Volle 1987).
"""

import math

import numpy as np

from nodes.face.blinks import blink
from nodes.face.expressions import head_posture
from nodes.face.score import Array
from nodes.face.state import NEVER, Actor, Phase

CONTACT_DEG = 4.5
"""Gaze within this of the user's eyes is felt as eye contact: half of the cone of 9 degrees of Gamer and Hecht 2007."""

_FOLLOW_S = 0.3
_UNSEEN_S = 3.0  # after which a user whom no camera sees any more is where the configuration says
_STEADY_DEG = 1.0  # a user who has moved less is where she was
_FARTHEST_DEG = 25.0

_SACCADE_S = 0.025
_SACCADE_PER_DEG_S = 0.0024
_HEAD_SHARE = 0.35
_HEAD_FROM_DEG = 5.0
_BLINK_FROM_DEG = 8.0
_BLINK_CHANCE = 0.25

# Points of the user's face, degrees: pitch and yaw of left eye, right eye, mouth, and how often each is looked at.
_POINTS_DEG = ((0.0, 1.1), (0.0, -1.1), (2.2, 0.0))
_POINT_SHARES = {Phase.LISTENING: (0.36, 0.36, 0.28)}
_USUAL_POINT_SHARES = (0.44, 0.44, 0.12)
_POINT_S = (1.0, 0.25)
_AWAY_POINT_S = (0.9, 0.25)

# Mean length of a look at the user, seconds; looks away follow from the shares.
_LOOK_S = {Phase.SPEAKING: 1.0, Phase.LISTENING: 4.0, Phase.THINKING: 0.9, Phase.IDLE: 4.5, Phase.DUCKED: 6.0}
_SHARES = {Phase.THINKING: 0.2, Phase.IDLE: 0.72, Phase.DUCKED: 0.95}
_SHORTEST_S = 0.4
_LONGEST_AWAY_S = 4.0
_REGULAR_SHARE = 0.75  # of the looks while speaking; those at phrase ends and at the turn's end come on top

# Directions of looking away: shares of up, aside and down.
_DIRECTIONS = {Phase.THINKING: (0.45, 0.4, 0.15), Phase.SPEAKING: (0.2, 0.5, 0.3)}
_SIZES = {Phase.LISTENING: 0.75}
_USUAL_DIRECTIONS = (0.1, 0.6, 0.3)


def plan_gaze(actor: Actor, until_s: float) -> None:
    """Plan looks up to a time."""
    gaze = actor.state.gaze
    if actor.state.seen_s < actor.state.now_s - _UNSEEN_S:
        _follow(actor, np.zeros(2))
    if gaze.until_s < actor.state.now_s - 1.0:
        gaze.until_s = gaze.fixation_s = actor.soonest_s
    while min(gaze.until_s, gaze.fixation_s) < until_s:
        if gaze.fixation_s < gaze.until_s:
            _refixate(actor, gaze.fixation_s)
        elif gaze.contact:
            look_away(actor, gaze.until_s)
        else:
            look_at_user(actor, gaze.until_s)


def see_user(actor: Actor, left_deg: float, above_deg: float) -> None:
    """Take in where a camera sees the user; the gaze goes along, and the head where it is far.

    Args:
        actor: The face.
        left_deg: To the avatar's left of where the configuration has the viewer.
        above_deg: Above that.
    """
    if actor.state.now_s <= NEVER:
        return
    actor.state.seen_s = actor.state.now_s
    farthest = math.radians(_FARTHEST_DEG)
    place = np.radians((-above_deg, left_deg)) * actor.config.follow
    _follow(actor, place.clip(-farthest, farthest))


def _follow(actor: Actor, place: Array) -> None:
    track = actor.state.user_track
    way_deg = math.degrees(float(np.linalg.norm(place - track.target())))
    if way_deg < _STEADY_DEG:
        return
    actor.aim(track, place, actor.soonest_s, _FOLLOW_S)
    if way_deg > _HEAD_FROM_DEG:
        aim_head(actor, actor.soonest_s + 0.03, _FOLLOW_S + 0.015 * way_deg)


def look_at_user(actor: Actor, at_s: float, hold_s: float = 0.0) -> None:
    """Look at the user from a time on, at least for a while."""
    gaze = actor.state.gaze
    gaze.contact = True
    _strike(actor, at_s)
    gaze.until_s = at_s + max(hold_s, actor.spell(_LOOK_S[actor.state.phase], _SHORTEST_S))
    _shift(actor, at_s, 0.0, 0.0)


def look_away(actor: Actor, at_s: float, hold_s: float = 0.0) -> None:
    """Look away from the user from a time on, for a while that keeps the share of eye contact."""
    state = actor.state
    state.gaze.contact = False
    _strike(actor, at_s)
    share = _share(actor)
    away_s = _LOOK_S[state.phase] * (1.0 - share) / max(share, 0.05)
    state.gaze.until_s = at_s + max(hold_s, min(_LONGEST_AWAY_S, actor.spell(away_s, _SHORTEST_S)))
    pitch_deg, yaw_deg = _direction_deg(actor)
    _shift(actor, at_s, math.radians(pitch_deg), math.radians(yaw_deg))


def aim_head(actor: Actor, at_s: float, duration_s: float) -> None:
    """Move the head to the posture of phase and mood, turned by its share of the gaze."""
    state = actor.state
    gaze, mood = state.gaze, state.mood
    pitch, yaw = state.user_track.target() + (gaze.pitch, gaze.yaw)
    size_deg = math.degrees(math.hypot(pitch, yaw))
    share = _HEAD_SHARE * min(1.0, size_deg / _HEAD_FROM_DEG)
    follow = np.array((share * pitch, share * yaw, 0.0))
    felt = head_posture(mood.emotion, mood.strength * actor.config.expressiveness)
    actor.aim(state.head_track, np.array(state.posture) + felt + follow, at_s, duration_s)


def _share(actor: Actor) -> float:
    config, phase = actor.config, actor.state.phase
    match phase:
        case Phase.SPEAKING:
            return config.contact_speaking * _REGULAR_SHARE
        case Phase.LISTENING:
            return config.contact_listening
        case _:
            return _SHARES[phase]


def _strike(actor: Actor, at_s: float) -> None:
    """Forget what was planned for later."""
    actor.state.gaze_track.strike(at_s)
    actor.state.gaze.fixation_s = at_s + actor.spell(*_POINT_S)


def _shift(actor: Actor, at_s: float, pitch: float, yaw: float) -> None:
    """Turn the gaze to a direction; the head follows, and a large shift may come with a blink."""
    gaze = actor.state.gaze
    size_deg = math.degrees(math.hypot(pitch - gaze.pitch, yaw - gaze.yaw))
    gaze.pitch, gaze.yaw = pitch, yaw
    actor.aim(actor.state.gaze_track, [pitch, yaw], at_s, _SACCADE_S + _SACCADE_PER_DEG_S * size_deg)
    if size_deg > _HEAD_FROM_DEG:
        aim_head(actor, at_s + 0.03, 0.3 + 0.015 * size_deg)
    if size_deg > _BLINK_FROM_DEG and actor.chance(_BLINK_CHANCE):
        blink(actor, at_s + 0.02)


def _refixate(actor: Actor, at_s: float) -> None:
    """Jump to another point of the user's face, or of whatever is looked at."""
    gaze = actor.state.gaze
    if gaze.contact:
        shares = _POINT_SHARES.get(actor.state.phase, _USUAL_POINT_SHARES)
        offset_deg = _POINTS_DEG[int(actor.rng.choice(len(_POINTS_DEG), p=shares))]
        gaze.fixation_s = at_s + actor.spell(*_POINT_S)
    else:
        offset_deg = (float(actor.rng.normal(0.0, 1.0)), float(actor.rng.normal(0.0, 1.8)))
        gaze.fixation_s = at_s + actor.spell(*_AWAY_POINT_S)
    target = [gaze.pitch + math.radians(offset_deg[0]), gaze.yaw + math.radians(offset_deg[1])]
    actor.aim(actor.state.gaze_track, target, at_s, _SACCADE_S + 2.0 * _SACCADE_PER_DEG_S)


def _direction_deg(actor: Actor) -> tuple[float, float]:
    """Pitch and yaw of a look away; sizes fall off exponentially (Lee, Badler and Badler 2002)."""
    side = 1.0 if actor.chance(0.5) else -1.0
    size = _SIZES.get(actor.state.phase, 1.0) * min(9.0 + float(actor.rng.exponential(4.0)), 20.0)
    shares = _DIRECTIONS.get(actor.state.phase, _USUAL_DIRECTIONS)
    match int(actor.rng.choice(3, p=shares)):
        case 0:
            return -0.7 * size, side * actor.between(0.2, 0.8) * size
        case 1:
            return actor.between(-0.1, 0.25) * size, side * size
        case _:
            return 0.8 * size, side * actor.between(0.1, 0.7) * size
