"""The expression: a resting face, what the phase of the conversation adds, and the emotion, which comes and goes.

Spontaneous smiles take about half a second to form (Schmidt, Cohn and Tian 2003) and longer to fade.
"""

from nodes.face.expressions import ATTENTIVE, PONDERING, expression, resting, weights_of
from nodes.face.gaze import aim_head
from nodes.face.score import Array
from nodes.face.state import LATER, Actor, Phase

ONSET_S = 0.45
_FADE_S = 1.6
_GONE_S = 2.2
_TRACE = 0.4  # what is left of an emotion after the turn ...
_TRACE_S = 4.0  # ... for this long
_COVERED = 0.9  # of the resting smile by an emotion at full strength
_DROPPED = 0.25
_DROP_S = 0.15
_RESERVE = 0.8  # of an emotion at intensity 1 at expressiveness 1

_OVERLAYS = {Phase.LISTENING: ATTENTIVE, Phase.THINKING: PONDERING, Phase.DUCKED: ATTENTIVE}


def rest(actor: Actor) -> None:
    """Be at rest, without any movement that leads there."""
    actor.state.expression_track.base = _weights(actor).tolist()


def feel(actor: Actor, emotion: str, strength: float, at_s: float, duration_s: float = ONSET_S) -> None:
    """Let an emotion come, in place of the last one."""
    mood = actor.state.mood
    mood.emotion, mood.strength = emotion, _RESERVE * strength
    mood.fade_s = mood.gone_s = LATER
    show(actor, at_s, duration_s)


def drop(actor: Actor, at_s: float) -> None:
    """Drop most of the emotion at once, because the turn that it belongs to is given up."""
    mood = actor.state.mood
    mood.strength *= _DROPPED
    mood.fade_s, mood.gone_s = LATER, at_s + _TRACE_S
    show(actor, at_s, _DROP_S)


def let_go(actor: Actor, at_s: float) -> None:
    """Let the emotion fade after a time to a trace, and then go."""
    mood = actor.state.mood
    mood.fade_s, mood.gone_s = at_s, at_s + _TRACE_S


def plan_mood(actor: Actor, until_s: float) -> None:
    """Plan the fading of the emotion up to a time."""
    mood = actor.state.mood
    if mood.fade_s < until_s:
        at_s, mood.fade_s = mood.fade_s, LATER
        mood.strength *= _TRACE
        show(actor, at_s, _FADE_S)
    if mood.gone_s < until_s:
        at_s, mood.gone_s = mood.gone_s, LATER
        mood.strength = 0.0
        show(actor, at_s, _GONE_S)


def show(actor: Actor, at_s: float, duration_s: float) -> None:
    """Move face and head to what mood and phase ask for."""
    actor.aim(actor.state.expression_track, _weights(actor), at_s, duration_s)
    aim_head(actor, at_s, max(duration_s, 0.6))


def _weights(actor: Actor) -> Array:
    state, config = actor.state, actor.config
    weights = resting(config.warmth, actor.lean) * (1.0 - _COVERED * state.mood.strength)
    weights += config.expressiveness * weights_of(_OVERLAYS.get(state.phase, {}), actor.lean)
    weights += config.expressiveness * expression(state.mood.emotion, state.mood.strength, actor.lean)
    return weights.clip(0.0, 1.0)
