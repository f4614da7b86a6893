"""What a listener does: attention as the user begins, nods where the user leaves room, brows on loud syllables.

The cue of low pitch is the rule of Ward and Tsukahara (2000) for English: 110 ms of pitch below the 26th percentile
after at least 700 ms of speech, no feedback in the 800 ms before, feedback 700 ms later. Nods after pauses and long
stretches, and brows on loudness, follow the rules of Maatman, Gratch and Marsella (2005). Listeners blink 0.25 to 0.5
s after a pause begins (Nakano and Kitazawa 2010). Nods have one to three cycles of decreasing size (Hadar et al.
1985).
"""

from nodes.face.blinks import blink, hold_blinks
from nodes.face.delivery import BROW, NOD
from nodes.face.gaze import look_at_user
from nodes.face.hearing import Cue
from nodes.face.state import LATER, Actor, Phase

SMILE = "smile"

_REACTION_S = 0.12  # added to what hearing and sending take, so that it is no reflex
_ATTEND_S = 2.0
_FLASH_CHANCE = 0.6
_FEEDBACK_DELAY_S = 0.7
_NOD_APART_S = 3.0
_LOW_PITCH_CHANCE = 0.45
_PAUSE_CHANCE = 0.5
_PAUSE_BLINK_CHANCE = 0.35
_PEAK_CHANCE = 0.35
_BROW_APART_S = 3.0
_SMILE_APART_S = 9.0
_SMILE_CHANCE = 0.3
_LONG_S = 7.0  # without any feedback, a listener nods anyway
_UNHEARD_NOD_S = (4.0, 9.0)
_NOD_RAD = (0.05, 0.1)  # 3 to 6 degrees
_CYCLES = (0.45, 0.35, 0.2)  # shares of nods with one, two and three cycles


def attend(actor: Actor) -> None:
    """Turn to the user who begins to speak."""
    at_s = actor.soonest_s + _REACTION_S
    look_at_user(actor, at_s, _ATTEND_S)
    hold_blinks(actor, at_s + 0.5)
    actor.state.attention.nod_s = at_s  # no nod right at the beginning
    if actor.chance(_FLASH_CHANCE):
        _brows(actor, at_s, 0.35)


def react(actor: Actor, cue: Cue) -> None:
    """Do what a cue in the user's voice calls for."""
    now_s = actor.state.now_s
    match cue:
        case Cue.ONSET:
            attend(actor)
        case Cue.LOW_PITCH if actor.chance(_LOW_PITCH_CHANCE):
            _nod(actor, now_s + _FEEDBACK_DELAY_S)
        case Cue.PAUSE:
            _pause(actor, now_s + _REACTION_S)
        case Cue.PEAK if actor.chance(_PEAK_CHANCE):
            _brows(actor, now_s + _REACTION_S, actor.between(0.2, 0.4))
        case _:
            pass


def plan_listening(actor: Actor, until_s: float) -> None:
    """Plan the feedback that needs no cue up to a time."""
    state, attention = actor.state, actor.state.attention
    if state.phase is not Phase.LISTENING:
        attention.next_nod_s = LATER
        return
    if attention.heard:
        if until_s - attention.nod_s > _LONG_S and state.voice.speaking:
            _nod(actor, until_s)
        return
    if attention.next_nod_s >= LATER:
        attention.next_nod_s = state.now_s + actor.between(*_UNHEARD_NOD_S)
    elif attention.next_nod_s < until_s:
        _nod(actor, attention.next_nod_s)
        attention.next_nod_s += actor.between(*_UNHEARD_NOD_S)


def _pause(actor: Actor, at_s: float) -> None:
    if actor.chance(_PAUSE_BLINK_CHANCE):
        blink(actor, at_s + actor.between(0.0, 0.2))  # 0.3 s of the delay have passed before a pause is one
    if actor.chance(_PAUSE_CHANCE):
        _nod(actor, at_s)


def _nod(actor: Actor, at_s: float) -> None:
    """Nod, if the last one is long enough ago; now and then with a smile."""
    attention = actor.state.attention
    if at_s - attention.nod_s < _NOD_APART_S:
        return
    attention.nod_s = at_s
    amount = actor.between(*_NOD_RAD) * actor.config.liveliness
    half_s = actor.between(0.17, 0.24)
    for _ in range(1 + int(actor.rng.choice(len(_CYCLES), p=_CYCLES))):
        actor.pulse(NOD, at_s, (half_s, 0.01, 1.1 * half_s), amount)
        at_s += 2.1 * half_s
        amount *= 0.62
    if at_s - attention.smile_s > _SMILE_APART_S and actor.chance(_SMILE_CHANCE):
        attention.smile_s = at_s
        actor.pulse(SMILE, at_s, (0.5, actor.between(0.4, 1.0), 0.9), actor.between(0.12, 0.22))


def _brows(actor: Actor, at_s: float, amount: float) -> None:
    attention = actor.state.attention
    if at_s - attention.brow_s < _BROW_APART_S:
        return
    attention.brow_s = at_s
    actor.pulse(BROW, at_s, (0.15, actor.between(0.1, 0.3), 0.35), amount * actor.config.expressiveness)
