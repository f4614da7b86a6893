"""Gestures of the head: they move neck and head on top of what the hands do."""

from nodes.body.gestures.phrase import Manner, Phrase, Script

# Nods and shakes of conversation take some 0.25 to 0.6 s a cycle, several cycles shrinking (Hadar, Steiner and Clifford
# Rose 1985: 1.9 to 3.6 Hz for ordinary, faster for rapid movements).
_NOD_S = 0.44
_SHAKE_S = 0.54
_FADE = 0.62


def nod(manner: Manner) -> Phrase:
    """Yes: the chin goes down and comes up, once deep and once or twice less; or one slow nod."""
    script = Script("nod", manner)
    slow = manner.pick(0.7, 0.3) == 1
    cycle_s = manner.vary(_NOD_S * (1.7 if slow else 1.0))
    depth = manner.vary(10.0) * manner.size
    cycles = 1 if slow else 2 + manner.pick(0.6, 0.4)
    if manner.hold_s > 0.0:
        cycles = max(1, round(manner.hold_s / cycle_s))
    at_s = -0.5 * cycle_s
    script.trunk(at_s - 0.05, cycle_s, pitch=1.5 * manner.size)
    for _ in range(cycles):
        script.head(at_s, 0.5 * cycle_s, pitch=depth)
        script.head(at_s + 0.5 * cycle_s, 0.55 * cycle_s, pitch=-0.08 * depth)
        depth = max(depth * _FADE, 3.0)
        at_s += cycle_s
    script.release(at_s, 0.5)
    return script.phrase(at_s)


def no(manner: Manner) -> Phrase:
    """No: the head turns from side to side, less each time."""
    script = Script("no", manner)
    cycle_s = manner.vary(_SHAKE_S)
    turn = manner.vary(11.0) * manner.size * (1.0 if manner.rng.random() < 0.5 else -1.0)
    cycles = max(1, round(manner.hold_s / cycle_s)) if manner.hold_s > 0 else 2 + manner.pick(0.6, 0.4)
    at_s = -0.4 * cycle_s
    script.trunk(at_s, 0.8, yaw=0.12 * turn, pitch=-0.6)
    script.head(at_s, 0.4 * cycle_s, yaw=turn, pitch=2.0)
    at_s = 0.0
    for _ in range(cycles):
        script.head(at_s, 0.5 * cycle_s, yaw=-0.9 * turn, pitch=2.0)
        script.head(at_s + 0.5 * cycle_s, 0.5 * cycle_s, yaw=0.75 * turn, pitch=1.5)
        turn *= _FADE
        at_s += cycle_s
    script.release(at_s, 0.5)
    return script.phrase(at_s)


def listen(manner: Manner) -> Phrase:
    """Attention: a little forward, the head a little to one side, perhaps a small nod."""
    script = Script("listen", manner)
    side = 1.0 if manner.rng.random() < 0.5 else -1.0
    stay_s = manner.hold(3.2)
    script.trunk(-0.2, 1.1, pitch=manner.vary(4.5) * manner.size, yaw=1.0 * side)
    script.head(-0.1, 0.9, roll=manner.vary(6.5) * side * manner.size, pitch=1.0)
    if manner.rng.random() < 0.5 and stay_s > 2.0:
        script.head(1.2, 0.3, roll=5.5 * side, pitch=7.0 * manner.size)
        script.head(1.5, 0.4, roll=5.5 * side, pitch=1.0)
    script.release(0.9 + stay_s, 1.2)
    return script.phrase(0.9)
