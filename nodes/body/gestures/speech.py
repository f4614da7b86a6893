"""Gestures that go with speech: beats, showing hands, pointing."""

from nodes.body.arms import ArmGoal
from nodes.body.gestures.phrase import SIDES, Manner, Phrase, Script, Side

_BEAT_S = 0.85  # from stroke to stroke where several are asked for


def beat(manner: Manner) -> Phrase:
    """A small stroke of a hand, or both, down or outward on the stress, with a rebound; the trunk goes along."""
    script = Script("beat", manner)
    both = manner.side == "both" or (not manner.side and manner.rng.random() < 0.35)
    sides: tuple[Side, ...] = SIDES if both else (manner.hand(0.62),)
    shape = ("relaxed", "open", "precision")[manner.pick(0.45, 0.4, 0.15)]
    size = 0.75 + 0.45 * manner.size
    strokes = 1 + int(max(manner.hold_s, 0.0) / _BEAT_S)
    for stroke in range(strokes):
        at_s = stroke * _BEAT_S
        high, low = _stroke(manner, size)
        for side in sides:
            script.arm(side, at_s - 0.64, 0.5, high, "relaxed")
            script.arm(side, at_s - 0.2, 0.24, low, shape)
            script.arm(side, at_s + 0.03, 0.36, low.moved(up=0.022 * size, forward=-0.008))
        sign = (1.0 if sides[0] == "left" else -1.0) if len(sides) == 1 else 0.0
        script.trunk(at_s - 0.24, 0.3, pitch=1.3 * manner.size, yaw=-1.2 * sign)
        script.trunk(at_s + 0.06, 0.5, pitch=0.2)
    last_s = (strokes - 1) * _BEAT_S
    script.release(last_s + manner.vary(0.75, 0.2), 0.8)
    return script.phrase(last_s + 0.06)


def sway(manner: Manner) -> Phrase:
    """The trunk alone marks a stress, while the hands rest."""
    script = Script("sway", manner)
    way = 1.0 if manner.rng.random() < 0.5 else -1.0
    script.trunk(-0.3, 0.34, pitch=manner.vary(1.1, 0.4) * manner.size, yaw=manner.vary(1.2, 0.5) * way)
    script.release(0.08, 0.7)
    return script.phrase(0.05)


def _stroke(manner: Manner, size: float) -> tuple[ArmGoal, ArmGoal]:
    """Start and end of a beat's stroke, above the ready position."""
    out, up, forward = manner.about(0.165), manner.about(-0.01), manner.about(0.265)
    match manner.pick(0.4, 0.3, 0.3):
        case 0:  # chop down, palm inward
            high = ArmGoal((out, up + 0.03 * size, forward), 18.0, palm=(-1.0, 0.15, 0.0))
            low = high.moved(up=-0.085 * size, forward=0.02 * size)._replace(flexion_deg=-8.0)
        case 1:  # turn outward, palm up
            high = ArmGoal((out - 0.01, up, forward - 0.01), 16.0, palm=(-0.9, 0.2, -0.1), flexion_deg=10.0)
            low = high.moved(out=0.055 * size, up=-0.04 * size, forward=0.035 * size)
            low = low._replace(palm=(-0.45, 0.9, 0.1), flexion_deg=-6.0)
        case _:  # forward, palm down to inward
            high = ArmGoal((out, up + 0.015, forward - 0.02), 20.0, palm=(-0.8, -0.5, 0.0), flexion_deg=8.0)
            low = high.moved(up=-0.055 * size, forward=0.06 * size)._replace(flexion_deg=-10.0)
    return high, low


def explain(manner: Manner) -> Phrase:
    """Showing what is meant: hands that open, one that offers, both that frame it, or one that goes round."""
    match manner.pick(0.34, 0.3 if manner.side != "both" else 0.0, 0.2, 0.16):
        case 0:
            return _open_hands(manner) if manner.side not in SIDES else _offer(manner)
        case 1:
            return _offer(manner)
        case 2:
            return _frame(manner) if manner.side not in SIDES else _offer(manner)
        case _:
            return _circle(manner)


def _open_hands(manner: Manner) -> Phrase:
    """From before the chest outward until both palms are up."""
    script = Script("explain", manner)
    wide = 0.12 * manner.size
    together = ArmGoal((0.135, manner.about(-0.03), 0.25), 16.0, palm=(-0.9, 0.3, 0.0))
    apart = ArmGoal((0.135 + wide, manner.about(-0.02), 0.285), 9.0, palm=(-0.25, 1.0, 0.15), flexion_deg=-5.0)
    stay_s = manner.hold(0.7)
    for side in SIDES:
        script.arm(side, -0.85, 0.55, together, "relaxed")
        script.arm(side, -0.34, 0.44, apart, "open")
        script.arm(side, 0.12, 0.5, apart.moved(up=-0.02, out=0.01))
    script.trunk(-0.4, 0.6, pitch=1.5, yaw=0.6)
    script.head(-0.3, 0.5, roll=2.0 * (1.0 if manner.rng.random() < 0.5 else -1.0))
    script.release(0.3 + stay_s, 0.9)
    return script.phrase(0.1)


def _offer(manner: Manner) -> Phrase:
    """One palm is offered to the side, as if what is spoken of lay on it."""
    script = Script("explain", manner)
    side = manner.hand(0.65)
    sign = 1.0 if side == "left" else -1.0
    near = ArmGoal((0.15, manner.about(-0.04), 0.23), 16.0, palm=(-0.9, 0.1, -0.2), flexion_deg=8.0)
    there = ArmGoal((0.19 + 0.07 * manner.size, manner.about(0.005), 0.325), 8.0, palm=(-0.35, 1.0, 0.1))
    stay_s = manner.hold(0.65)
    script.arm(side, -0.75, 0.48, near, "relaxed")
    script.arm(side, -0.32, 0.42, there._replace(flexion_deg=-6.0), "open")
    script.arm(side, 0.12, 0.5, there.moved(up=-0.018))
    script.trunk(-0.35, 0.6, yaw=2.5 * sign, pitch=1.0)
    script.head(-0.3, 0.5, roll=-2.0 * sign)
    script.release(0.3 + stay_s, 0.9)
    return script.phrase(0.1)


def _frame(manner: Manner) -> Phrase:
    """Both hands hold something the size of a book and set it down."""
    script = Script("explain", manner)
    half = manner.vary(0.155, 0.08)
    high = ArmGoal((half, manner.about(0.04), 0.275), 20.0, palm=(-1.0, 0.05, 0.0))
    low = high.moved(up=-0.075 * manner.size, forward=0.02)._replace(flexion_deg=-6.0)
    stay_s = manner.hold(0.6)
    for side in SIDES:
        script.arm(side, -0.8, 0.55, high, "open")
        script.arm(side, -0.22, 0.28, low)
        script.arm(side, 0.06, 0.4, low.moved(up=0.012))
    script.trunk(-0.3, 0.4, pitch=2.0 * manner.size)
    script.trunk(0.12, 0.6, pitch=0.8)
    script.release(0.3 + stay_s, 0.9)
    return script.phrase(0.08)


def _circle(manner: Manner) -> Phrase:
    """One hand goes round twice before the chest: and so on, step by step."""
    script = Script("explain", manner)
    side = manner.hand(0.65)
    centre = ArmGoal((0.165, manner.about(-0.01), 0.27), 18.0, palm=(-0.9, 0.1, -0.3))
    radius = 0.045 * manner.size
    quarter_s = manner.vary(0.21, 0.08)
    turns = max(1, round(manner.hold_s / (4 * quarter_s))) if manner.hold_s > 0 else 2
    round_ = (
        centre.moved(up=radius),
        centre.moved(forward=1.2 * radius, out=0.5 * radius),
        centre.moved(up=-radius),
        centre.moved(forward=-radius, out=-0.4 * radius),
    )
    script.arm(side, -0.6, 0.58, round_[0], "relaxed")
    for step in range(1, 4 * turns + 1):  # each movement begins before the last has ended, so that the hand goes round
        script.arm(side, (step - 1) * quarter_s, 1.7 * quarter_s, round_[step % 4])
    end_s = 4 * turns * quarter_s
    script.trunk(-0.4, 0.6, yaw=1.2 * (1.0 if side == "left" else -1.0), pitch=1.0)
    script.release(end_s + 0.35, 0.85)
    return script.phrase(end_s)


def point(manner: Manner) -> Phrase:
    """Pointing at the listener, to the side, up, or at oneself."""
    match manner.aim:
        case "self":
            return _hand_on_chest(manner)
        case "up":
            return _index_up(manner)
        case "side":
            return _point_at(manner, sideways=True)
        case "ahead":
            return _point_at(manner, sideways=False)
        case _:
            return (_index_up, _point_ahead, _point_aside)[manner.pick(0.35, 0.4, 0.25)](manner)


def _point_ahead(manner: Manner) -> Phrase:
    return _point_at(manner, sideways=False)


def _point_aside(manner: Manner) -> Phrase:
    return _point_at(manner, sideways=True)


def _point_at(manner: Manner, *, sideways: bool) -> Phrase:
    script = Script("point", manner)
    side = manner.hand(0.75)
    sign = 1.0 if side == "left" else -1.0
    if sideways:
        near = ArmGoal((0.20, -0.04, 0.22), 25.0, palm=(-0.6, -0.6, 0.3))
        there = ArmGoal((manner.vary(0.40, 0.05), manner.about(0.04), 0.235), 18.0, palm=(0.0, -0.9, 0.5))
    else:
        near = ArmGoal((0.16, -0.03, 0.22), 24.0, palm=(-0.8, -0.3, 0.0), flexion_deg=8.0)
        there = ArmGoal((manner.vary(0.15, 0.1), manner.about(0.02), 0.40), 16.0, palm=(-0.75, -0.6, 0.0))
    stay_s = manner.hold(0.6)
    script.arm(side, -0.75, 0.5, near, "precision")
    script.arm(side, -0.3, 0.36, there, "point")
    script.arm(side, 0.08, 0.5, there.moved(forward=-0.015, up=-0.008))
    script.trunk(-0.4, 0.6, yaw=(3.0 if sideways else -2.5) * sign, pitch=1.0)
    script.head(-0.35, 0.5, roll=-1.5 * sign)
    script.release(0.25 + stay_s, 0.9)
    return script.phrase(0.08)


def _index_up(manner: Manner) -> Phrase:
    """A raised index finger: this one thing."""
    script = Script("point", manner)
    side = manner.hand(0.75)
    up = ArmGoal((0.215, manner.vary(0.10, 0.15), 0.225), 20.0, palm=(-0.75, 0.0, 0.65))
    stay_s = manner.hold(0.55)
    script.arm(side, -0.65, 0.56, up.moved(up=-0.02), "point")
    script.arm(side, -0.12, 0.16, up.moved(up=0.02 * manner.size)._replace(flexion_deg=-6.0))
    script.arm(side, 0.04, 0.3, up)
    script.head(-0.15, 0.25, pitch=3.0 * manner.size)
    script.head(0.1, 0.4)
    script.release(0.25 + stay_s, 0.9)
    return script.phrase(0.05)


def _hand_on_chest(manner: Manner) -> Phrase:
    script = Script("point", manner)
    side = manner.hand(0.8)
    chest = ArmGoal(
        (manner.vary(0.10, 0.1), manner.about(0.01, 0.005), 0.17), 38.0, palm=(-0.1, 0.0, -1.0), flexion_deg=12.0
    )
    stay_s = manner.hold(0.8)
    script.arm(side, -0.65, 0.66, chest, "flat")
    script.trunk(-0.4, 0.6, pitch=1.5)
    script.head(-0.3, 0.5, pitch=2.0)
    script.release(0.15 + stay_s, 0.95)
    return script.phrase(0.05)
