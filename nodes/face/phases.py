"""Entering a phase of the conversation: gaze, posture, expression and liveliness change."""

import numpy as np

from nodes.face.gaze import look_at_user, look_away
from nodes.face.listening import attend
from nodes.face.moods import let_go, show
from nodes.face.state import Actor, Phase

# How much the head sways: while speaking about twice as much as while listening (Hadar et al. 1983: movement goes
# with speech).
_ENERGY = {Phase.IDLE: 0.7, Phase.LISTENING: 0.75, Phase.THINKING: 0.85, Phase.SPEAKING: 1.4, Phase.DUCKED: 0.5}
_CHANGE_S = 0.8
_THOUGHT_S = 1.4  # how long a look at nothing while thinking lasts on into the answer


def enter(actor: Actor, phase: Phase) -> None:
    """Begin a phase now; what was planned for the one before is struck out."""
    state = actor.state
    if phase is state.phase:
        return
    before, state.phase = state.phase, phase
    soon_s = actor.soonest_s
    actor.aim(state.energy_track, [_ENERGY[phase]], soon_s, _CHANGE_S)
    state.posture = np.radians(_posture(actor)).tolist()
    match phase:
        case Phase.LISTENING:
            let_go(actor, soon_s)
            attend(actor)
        case Phase.THINKING:
            look_away(actor, soon_s + actor.between(0.1, 0.3), actor.between(1.0, 2.0))
        case Phase.DUCKED:
            look_at_user(actor, soon_s, 2.0)
        case Phase.SPEAKING:
            state.gaze.until_s = min(state.gaze.until_s, soon_s + actor.spell(_THOUGHT_S, 0.3))
        case Phase.IDLE if before is not Phase.IDLE:
            let_go(actor, soon_s + 1.0)
            look_at_user(actor, soon_s, 2.0)
        case _:
            pass
    show(actor, soon_s, _CHANGE_S)


def _posture(actor: Actor) -> tuple[float, float, float]:
    """Pitch, yaw and roll of the head in the phase that begins, degrees: a listener tilts it, a thinker lifts it."""
    side = 1.0 if actor.chance(0.5) else -1.0
    match actor.state.phase:
        case Phase.LISTENING:
            return 1.5, 0.0, side * actor.between(1.5, 4.0)
        case Phase.THINKING:
            return -2.0, 0.0, side * actor.between(1.0, 3.0)
        case Phase.SPEAKING:
            return 0.0, 0.0, side * actor.between(0.0, 1.5)
        case Phase.IDLE | Phase.DUCKED:
            return 0.0, 0.0, 0.0
