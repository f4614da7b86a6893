"""What accompanies the avatar's speech: emotion, brows and nods on stressed words, gaze and blinks at phrase ends.

Brows rise on pitch accents: 71 % of rapid brow movements of speakers go with a rise of pitch (Cavé et al. 1996), they
start about 60 ms before the accent and gather at beginnings of turns (Flecha-García 2010), and they mark questions.
The head beats with stressed syllables and lies still in pauses (Hadar et al. 1983, Munhall et al. 2004). Speakers
look away as they begin, at the partner at phrase ends, and keep looking as they end (Kendon 1967).
"""

from mio.contracts.phones import PHONES, SILENCE
from nodes.face.blinks import blink
from nodes.face.gaze import look_at_user, look_away
from nodes.face.moods import feel, let_go
from nodes.face.state import Actor, Delivery
from nodes.face.utterance import Utterance

BROW, NOD, BREATH = "brow", "nod", "breath"

_AHEAD_S = 0.3  # an expression begins before its clause
_BREATH_S = 0.42
_FIRST_LOOK_S = 1.2
_BEGIN_AWAY = 0.85  # Kendon 1967: most long utterances begin with a look away
_END_LOOK_S = 0.6
_END_HOLD_S = 2.2

_BROW_LEAD_S = 0.06
_BROW_RISE_S = 0.16
_BROW_CHANCE = 0.2
_BROW_FIRST_CHANCE = 0.45
_BROW_APART_S = 1.1
_QUESTION_APART_S = 0.3
_BROW_AMOUNT = (0.2, 0.5)
_QUESTION_AMOUNT = 0.55

_NOD_CHANCE = 0.5
_NOD_APART_S = 0.45
_NOD_RAD = (0.02, 0.06)  # 1.1 to 3.4 degrees

_PHRASE_PAUSE_S = 0.12
_PHRASE_LOOK = 0.15
_PHRASE_BLINK = 0.45
_PHRASE_NOD = 0.35


def question(segment_id: int, index: int) -> int:
    """Key of a clause in ``FaceState.questions``."""
    return segment_id * 1000 + index


def plan_delivery(actor: Actor, until_s: float) -> None:
    """Plan the accompaniment of the turn that is spoken up to a stage time."""
    for utterance in actor.state.utterances:
        if utterance.anchor_s is None or utterance.cut_s is not None:
            continue
        delivery = actor.state.delivery
        if delivery.segment_id != utterance.segment_id:
            brow_s, nod_s = delivery.brow_s, delivery.nod_s
            delivery = Delivery(utterance.segment_id, brow_s=brow_s, nod_s=nod_s)
            actor.state.delivery = delivery
        _plan(actor, utterance, delivery, until_s - utterance.anchor_s)


def _plan(actor: Actor, utterance: Utterance, delivery: Delivery, until_s: float) -> None:
    begin_s, end_s = utterance.speaks_s
    if not delivery.begun and begin_s - _BREATH_S < until_s and utterance.phones:
        delivery.begun = True
        _begin(actor, _stage_s(utterance, begin_s))
    while delivery.clause < len(utterance.clauses):
        clause = utterance.clauses[delivery.clause]
        if clause.start_s - _AHEAD_S >= until_s:
            break
        delivery.clause += 1
        feel(actor, clause.emotion, clause.intensity, _stage_s(utterance, clause.start_s) - _AHEAD_S)
    while delivery.phone < len(utterance.phones):
        index = delivery.phone
        if utterance.phone_start_s[index] - _BROW_LEAD_S - _BROW_RISE_S >= until_s:
            break
        if utterance.phones[index] == SILENCE and index + 1 == len(utterance.phones) and not utterance.complete:
            break  # how long this pause is, the next clause says
        delivery.phone += 1
        _accompany(actor, utterance, index)
    if utterance.complete and not delivery.ended and end_s - _END_LOOK_S < until_s:
        delivery.ended = True
        _end(actor, _stage_s(utterance, end_s))


def _begin(actor: Actor, at_s: float) -> None:
    actor.pulse(BREATH, at_s - _BREATH_S, (0.2, 0.06, 0.16), actor.between(0.05, 0.09))
    gaze = actor.state.gaze
    if not gaze.contact:
        return
    if actor.chance(_BEGIN_AWAY):
        look_away(actor, at_s - 0.15)
    else:
        gaze.until_s = min(gaze.until_s, at_s + actor.spell(_FIRST_LOOK_S, 0.4))


def _end(actor: Actor, end_s: float) -> None:
    look_at_user(actor, end_s - _END_LOOK_S, _END_LOOK_S + _END_HOLD_S)
    if actor.chance(_PHRASE_NOD):
        _nod(actor, end_s - 0.1, actor.between(*_NOD_RAD), slow=True)
    let_go(actor, end_s + 0.7)


def _accompany(actor: Actor, utterance: Utterance, index: int) -> None:
    symbol = utterance.phones[index]
    start_s = _stage_s(utterance, utterance.phone_start_s[index])
    if symbol == SILENCE:
        if index and utterance.phone_end_s(index) - utterance.phone_start_s[index] >= _PHRASE_PAUSE_S:
            _phrase_end(actor, start_s)
    elif PHONES[symbol].manner == "vowel" and utterance.phone_stress[index] == 1:
        _accent(actor, utterance, index, start_s)


def _accent(actor: Actor, utterance: Utterance, index: int, at_s: float) -> None:
    delivery = actor.state.delivery
    first = not any(utterance.phone_stress[:index])
    asking = _ends_question(actor, utterance, index)
    chance = 0.9 if asking else _BROW_FIRST_CHANCE if first else _BROW_CHANCE
    apart_s = _QUESTION_APART_S if asking else _BROW_APART_S
    if at_s - delivery.brow_s > apart_s and actor.chance(chance):
        delivery.brow_s = at_s
        amount = _QUESTION_AMOUNT if asking else actor.between(*_BROW_AMOUNT)
        shape_s = (_BROW_RISE_S, 0.5 if asking else actor.between(0.06, 0.2), actor.between(0.25, 0.4))
        actor.pulse(BROW, at_s - _BROW_LEAD_S, shape_s, amount * actor.config.expressiveness)
    if at_s - delivery.nod_s > _NOD_APART_S and actor.chance(_NOD_CHANCE):
        _nod(actor, at_s, actor.between(*_NOD_RAD), slow=False)


def _ends_question(actor: Actor, utterance: Utterance, index: int) -> bool:
    """Whether a phone is the last stressed one of a clause that is a question."""
    at_s = utterance.phone_start_s[index]
    clauses = [clause for clause in utterance.clauses if clause.start_s <= at_s]
    if not clauses or question(utterance.segment_id, clauses[-1].index) not in actor.state.questions:
        return False
    later = utterance.clauses[len(clauses)].start_s if len(clauses) < len(utterance.clauses) else utterance.end_s
    rest = zip(utterance.phone_start_s[index + 1 :], utterance.phone_stress[index + 1 :], strict=True)
    return not any(stress == 1 and start_s < later for start_s, stress in rest)


def _phrase_end(actor: Actor, at_s: float) -> None:
    if actor.chance(_PHRASE_BLINK):
        blink(actor, at_s + actor.between(0.0, 0.15))
    if not actor.state.gaze.contact and actor.chance(_PHRASE_LOOK):
        look_at_user(actor, at_s - 0.1)
    if actor.chance(_PHRASE_NOD):
        _nod(actor, at_s - 0.1, actor.between(*_NOD_RAD), slow=True)


def _nod(actor: Actor, at_s: float, amount: float, *, slow: bool) -> None:
    """Lower the head so that it is lowest shortly after a time."""
    actor.state.delivery.nod_s = at_s
    rise_s = 0.28 if slow else 0.16
    actor.pulse(NOD, at_s + 0.04 - rise_s, (rise_s, 0.02, 1.6 * rise_s), amount * actor.config.liveliness)


def _stage_s(utterance: Utterance, at_s: float) -> float:
    return at_s + (utterance.anchor_s or 0.0)
