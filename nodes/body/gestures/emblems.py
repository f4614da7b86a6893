"""Gestures that say something by themselves: a greeting, a shrug, a bow, a thoughtful hand at the chin."""

from nodes.body.arms import ArmGoal
from nodes.body.gestures.phrase import SIDES, Manner, Phrase, Script, Side

_FORWARD = (0.0, 0.1, 1.0)


def greet(manner: Manner) -> Phrase:
    """Hello: a wave beside the shoulder, a raised palm, or both hands a little."""
    match manner.pick(0.55, 0.25, 0.2 if not manner.side else 0.0):
        case 0:
            return _wave(manner, manner.hand(0.85))
        case 1:
            return _raised_palm(manner, manner.hand(0.85))
        case _:
            return _both_hands_wave(manner)


def _wave(manner: Manner, side: Side) -> Phrase:
    """The forearm swings from side to side, 1.7 to 2 times a second, as in captured waves."""
    script = Script("greet", manner)
    sign = 1.0 if side == "left" else -1.0
    half_s = manner.vary(0.27, 0.08)
    swing = 0.065 * manner.size
    cycles = max(1, round(manner.hold_s / (2 * half_s))) if manner.hold_s > 0 else 2 + manner.pick(0.6, 0.4)
    up_m = manner.vary(0.175 + 0.04 * manner.size, 0.1)
    middle = ArmGoal((manner.vary(0.285, 0.05), up_m, 0.17), 18.0, palm=_FORWARD)
    outer = middle.moved(out=swing, up=-0.01)._replace(radial_deg=-9.0)
    inner = middle.moved(out=-swing)._replace(radial_deg=8.0)
    script.arm(side, -0.75, 0.72, outer, "wave")
    script.trunk(-0.6, 0.9, roll=1.6 * sign, yaw=-1.5 * sign)
    script.head(-0.5, 0.7, roll=-3.0 * sign, pitch=2.0)
    at_s = -0.06
    for _ in range(cycles):
        script.arm(side, at_s, half_s, inner)
        script.arm(side, at_s + half_s, half_s, outer)
        at_s += 2.0 * half_s
    script.release(at_s + 0.1, 0.95)
    return script.phrase(at_s)


def _raised_palm(manner: Manner, side: Side) -> Phrase:
    script = Script("greet", manner)
    stay_s = manner.hold(0.55)
    palm = ArmGoal((manner.vary(0.25, 0.06), manner.vary(0.11, 0.15) * manner.size, 0.21), 16.0, palm=_FORWARD)
    script.arm(side, -0.62, 0.62, palm, "wave")
    script.head(-0.25, 0.35, pitch=5.0 * manner.size)
    script.head(0.1, 0.45, pitch=0.5)
    script.trunk(-0.4, 0.6, pitch=1.5)
    script.arm(side, 0.05, stay_s + 0.3, palm.moved(out=0.02, up=-0.015)._replace(flexion_deg=4.0))
    script.release(0.2 + stay_s, 0.9)
    return script.phrase(0.05)


def _both_hands_wave(manner: Manner) -> Phrase:
    """Both hands at chest height, waving from the wrists."""
    script = Script("greet", manner)
    half_s = manner.vary(0.24, 0.08)
    cycles = max(1, round(manner.hold_s / (2 * half_s))) if manner.hold_s > 0 else 2
    middle = ArmGoal((0.235, manner.vary(0.04, 0.3), 0.235), 16.0, palm=(-0.15, 0.1, 1.0))
    script.trunk(-0.6, 0.8, pitch=1.5)
    script.head(-0.5, 0.7, pitch=2.5)
    ends_s = -0.05 + cycles * 2.0 * half_s
    for side in SIDES:
        script.arm(side, -0.7, 0.68, middle._replace(radial_deg=-10.0), "wave")
        for cycle in range(cycles):
            at_s = -0.05 + cycle * 2.0 * half_s
            script.arm(side, at_s, half_s, middle.moved(out=-0.03)._replace(radial_deg=14.0))
            script.arm(side, at_s + half_s, half_s, middle.moved(out=0.03)._replace(radial_deg=-12.0))
    script.release(ends_s + 0.1, 0.95)
    return script.phrase(ends_s)


def shrug(manner: Manner) -> Phrase:
    """I do not know: shoulders up, palms up and out, the head to one side; sometimes with one hand."""
    script = Script("shrug", manner)
    tilt = 1.0 if manner.rng.random() < 0.5 else -1.0
    stay_s = manner.hold(0.5)
    palms = ArmGoal((0.305, -0.125, 0.185), 4.0, palm=(-0.1, 1.0, 0.35), flexion_deg=-14.0, lift_deg=15.0 * manner.size)
    low = palms.moved(out=-0.06, up=-0.05)._replace(lift_deg=4.0)
    sides = SIDES if manner.pick(0.8, 0.2) == 0 and not manner.side else (manner.hand(0.6),)
    for side in sides:
        script.arm(side, -0.5, 0.42, low, "relaxed")
        script.arm(side, -0.2, 0.4, palms, "open")
    script.head(-0.3, 0.5, roll=6.0 * tilt * manner.size, pitch=1.5)
    script.trunk(-0.3, 0.5, pitch=-1.2, roll=-0.8 * tilt)
    for side in sides:
        script.arm(side, 0.2 + stay_s, 0.3, palms.moved(up=-0.035, out=-0.01)._replace(lift_deg=0.0))
    script.release(0.38 + stay_s, 0.85)
    return script.phrase(0.25)


def think(manner: Manner) -> Phrase:
    """Thinking: a hand to the chin, the other arm across the body or hanging; or the hands stay and the trunk turns."""
    script = Script("think", manner)
    side = manner.hand(0.7)
    other: Side = "right" if side == "left" else "left"
    sign = 1.0 if side == "left" else -1.0
    stay_s = manner.hold(2.4)
    chin = ArmGoal((0.085, manner.about(0.12, 0.005), 0.176), 8.0, palm=(-0.6, 0.0, -0.8))
    script.arm(side, -0.85, 0.85, chin, "chin")
    if manner.pick(0.6, 0.4) == 0:
        script.arm(other, -0.95, 0.85, ArmGoal((-0.005, -0.165, 0.205), 25.0, palm=(0.0, 0.35, -1.0)), "relaxed")
    script.trunk(-0.6, 1.0, yaw=2.5 * sign, pitch=0.5, roll=-0.8 * sign)
    script.head(-0.5, 0.9, roll=-3.0 * sign, pitch=1.0)
    if stay_s > 1.6:  # the hand moves a little on the chin
        script.arm(side, 0.5 * stay_s, 0.5, chin.moved(up=-0.012, forward=0.006))
    script.release(stay_s, 0.95)
    return script.phrase(0.1)


def bow(manner: Manner) -> Phrase:
    """A polite bow: from the hips, the hands at the sides or one at the heart, down in 0.8 s and up more slowly."""
    script = Script("bow", manner)
    stay_s = manner.hold(0.45)
    depth = manner.vary(1.0, 0.1) * min(manner.size, 1.25)
    script.bend(-0.8, 0.85, ahead_m=-0.055 * depth, pitch=15.0 * depth)
    script.trunk(-0.72, 0.85, pitch=13.0 * depth)
    script.head(-0.7, 0.8, pitch=7.0 * depth)
    beside = ArmGoal((0.28, -0.385, 0.05), 12.0, palm=(-1.0, 0.0, -0.4), flexion_deg=6.0, hang=0.75)
    heart = ArmGoal((manner.vary(0.10, 0.1), 0.015, 0.17), 38.0, palm=(-0.1, 0.0, -1.0), flexion_deg=12.0)
    at_heart = manner.hand(0.9) if manner.pick(0.6, 0.4) else ""
    for side in SIDES:
        script.arm(side, -0.88, 0.85, heart if side == at_heart else beside, "flat")
    script.release(0.1 + stay_s, 1.1)
    return script.phrase(0.1)
