"""A face in a conversation: the prior's motion, with lips of its own speech, and what goes with stress and listening.

Lips come from the phones by the viseme model, each speaker with an own amount of movement and a little chance; the rest
is what the prior does, with movements added at published rates:

- brows and nods on prominent syllables while speaking: brows 60 ms ahead (Cavé et al. 1996, Flecha-García 2010), head
  beats (Hadar et al. 1983);
- listening: brows on the user's first sound and on loud syllables, nods after pauses (Maatman, Gratch and Marsella
  2005) and 0.7 s after stretches of low pitch (Ward and Tsukahara 2000), now and then with a smile, blinks 0.25 to 0.5
  s after pauses (Nakano and Kitazawa 2010).
"""

from typing import NamedTuple

import numpy as np

from mio.contracts.arkit import ARKIT_ACTIONS, ARKIT_INDEX
from mio.contracts.phones import SILENCE
from mio.contracts.rates import FACE_FPS
from nodes.face.gestures import Gestures
from nodes.face.lips import Mouth, closing_share, coarticulate, seal_lips, silent_mouth
from nodes.face.score import Array, Drift, Pulse, Pulses
from nodes.face.training.captures import Frames
from nodes.face.training.prior import MOUTH, rest_lips
from nodes.face.training.sentences import Sentence

_PITCH = 100  # column of the head's rotation about X
_BROWS = [ARKIT_INDEX[name] for name in ("browInnerUp", "browOuterUpLeft", "browOuterUpRight")]
_SMILES = [ARKIT_INDEX[name] for name in ("mouthSmileLeft", "mouthSmileRight", "cheekSquintLeft", "cheekSquintRight")]
_LIDS = [ARKIT_INDEX[name] for name in ("eyeBlinkLeft", "eyeBlinkRight")]
_OPENERS = [ARKIT_INDEX[name] for name in ("jawOpen", "mouthFunnel", "mouthPucker")]

_ARTICULATION = (0.8, 1.2)
_WAVERING = 0.12  # SD of the slow changes of how far each action of the mouth goes
_LESS_FACE = 0.75  # of the expression's mouth that speech takes away

_BROW_CHANCE, _BROW_APART_S, _BROW_LEAD_S = 0.25, 1.1, 0.06
_BEAT_CHANCE, _BEAT_APART_S, _BEAT_RAD = 0.5, 0.45, (0.02, 0.06)
_END_BLINK_CHANCE = 0.45

_REACTION_S = (0.12, 0.25)
_FLASH_CHANCE = 0.6
_PEAK_CHANCE = 0.35
_PAUSE_NOD_CHANCE, _LOW_NOD_CHANCE, _LOW_DELAY_S = 0.5, 0.45, 0.7
_NOD_APART_S, _NOD_RAD, _NOD_CYCLES = 3.0, (0.05, 0.1), (0.45, 0.35, 0.2)
_PAUSE_BLINK_CHANCE = 0.35
_SMILE_CHANCE, _SMILE_APART_S = 0.3, 9.0


class Placed(NamedTuple):
    """A sentence in a conversation: when its first sample is heard, s."""

    sentence: Sentence
    start_s: float

    @property
    def end_s(self) -> float:
        """When its last phone ends."""
        return self.start_s + self.sentence.utterance.speaks_s[1]


class Scene(NamedTuple):
    """What a face has to do with.

    Attributes:
        own: What it says.
        heard: What the other says.
        rng: Of what it does about it.
    """

    own: list[Placed]
    heard: list[Placed]
    rng: np.random.Generator


def perform(prior: Frames, scene: Scene) -> Frames:
    """``[n, 112]`` frames of a person in a conversation, over ``[n, 112]`` of a face that says nothing."""
    frames = prior.copy()
    times_s = np.arange(len(prior)) / FACE_FPS
    pulses = _accompaniment(scene)
    weights = frames[:, : len(ARKIT_ACTIONS)].astype(np.float64)
    weights[:, _BROWS] += pulses.at("brow", times_s)[:, None]
    weights[:, _SMILES] += pulses.at("smile", times_s)[:, None] * (1.0, 1.0, 0.6, 0.6)
    weights[:, _LIDS] = np.maximum(weights[:, _LIDS], pulses.highest("blink", times_s)[:, None])
    _speak(weights, _mouth(scene, times_s))
    frames[:, : len(ARKIT_ACTIONS)] = weights.clip(0.0, 1.0)
    frames[:, _PITCH] += pulses.at("nod", times_s)
    return frames


def _mouth(scene: Scene, times_s: Array) -> Mouth:
    """The mouth of all that a person says."""
    mouth = silent_mouth(len(times_s))
    articulation = scene.rng.uniform(*_ARTICULATION)
    drift = Drift(len(ARKIT_ACTIONS), int(scene.rng.integers(1 << 31)))
    for said in scene.own:
        gestures = Gestures()
        gestures.update(said.sentence.utterance, -1.0)
        own_s = times_s - said.start_s
        near = np.flatnonzero((own_s > -1.0) & (own_s < said.end_s - said.start_s + 1.0))
        if not len(near):
            continue
        part = coarticulate(gestures, own_s[near], articulation)
        whole = silent_mouth(len(times_s))
        for into, values in zip(whole, part, strict=True):
            into[near] = values
        mouth = mouth.plus(whole, 1.0)
    return mouth._replace(weights=mouth.weights * np.exp(_WAVERING * drift.at(times_s)))


def _speak(weights: Array, mouth: Mouth) -> None:
    """Lay the mouth of speech over that of the expression, in place."""
    active = mouth.activity
    weights[:, _OPENERS] *= (1.0 - active)[:, None]
    weights[:, MOUTH] *= ((1.0 - _LESS_FACE * active) * (1.0 - mouth.tuck))[:, None]
    weights[:, ARKIT_INDEX["jawOpen"]] += closing_share(weights * MOUTH) * active * (1.0 - mouth.tuck)
    weights += mouth.weights
    np.clip(weights, 0.0, 1.0, out=weights)
    seal_lips(weights, mouth.seal)
    rest_lips(weights, (1.0 - active) * (1.0 - mouth.tuck) * (1.0 - mouth.seal))


def _accompaniment(scene: Scene) -> Pulses:
    pulses = Pulses()
    for said in scene.own:
        _stress(pulses, said, scene.rng)
    spans = [(said.start_s, said.end_s) for said in scene.own]
    cues = sorted((said.start_s + at_s, cue) for said in scene.heard for cue, at_s in said.sentence.cues)
    listening = [(at_s, cue) for at_s, cue in cues if not any(begin - 0.2 < at_s < end + 0.2 for begin, end in spans)]
    _listen(pulses, listening, scene.rng)
    return pulses


def _stress(pulses: Pulses, said: Placed, rng: np.random.Generator) -> None:
    """Brows and beats of the head on prominent vowels, a blink at the end."""
    brow_s = beat_s = -10.0
    utterance = said.sentence.utterance
    for symbol, start_s, stress in zip(utterance.phones, utterance.phone_start_s, utterance.phone_stress, strict=True):
        if symbol == SILENCE or stress != 1:
            continue
        at_s = said.start_s + start_s
        if at_s - brow_s > _BROW_APART_S and rng.random() < _BROW_CHANCE:
            brow_s = at_s
            pulses.add(Pulse("brow", at_s - _BROW_LEAD_S - 0.1, 0.16, 0.1, 0.3, rng.uniform(0.2, 0.5)))
        if at_s - beat_s > _BEAT_APART_S and rng.random() < _BEAT_CHANCE:
            beat_s = at_s
            pulses.add(Pulse("nod", at_s - 0.1, 0.16, 0.02, 0.24, rng.uniform(*_BEAT_RAD)))
    if rng.random() < _END_BLINK_CHANCE:
        _blink(pulses, said.end_s + rng.uniform(-0.1, 0.15))


def _listen(pulses: Pulses, cues: list[tuple[float, str]], rng: np.random.Generator) -> None:
    nod_s = smile_s = -10.0
    for at_s, cue in cues:
        soon_s = at_s + rng.uniform(*_REACTION_S)
        if cue == "onset" and rng.random() < _FLASH_CHANCE:
            pulses.add(Pulse("brow", soon_s, 0.15, rng.uniform(0.1, 0.3), 0.35, rng.uniform(0.25, 0.4)))
        elif cue == "peak" and rng.random() < _PEAK_CHANCE:
            pulses.add(Pulse("brow", soon_s, 0.15, rng.uniform(0.1, 0.3), 0.35, rng.uniform(0.2, 0.4)))
        if cue == "pause" and rng.random() < _PAUSE_BLINK_CHANCE:
            _blink(pulses, soon_s + rng.uniform(0.0, 0.1))
        nods = (cue == "pause" and rng.random() < _PAUSE_NOD_CHANCE) or (
            cue == "low_pitch" and rng.random() < _LOW_NOD_CHANCE
        )
        if not nods or soon_s - nod_s < _NOD_APART_S:
            continue
        nod_s = at_s + _LOW_DELAY_S if cue == "low_pitch" else soon_s
        _nod(pulses, nod_s, rng)
        if nod_s - smile_s > _SMILE_APART_S and rng.random() < _SMILE_CHANCE:
            smile_s = nod_s
            pulses.add(Pulse("smile", nod_s, 0.5, rng.uniform(0.4, 1.0), 0.9, rng.uniform(0.12, 0.25)))


def _nod(pulses: Pulses, at_s: float, rng: np.random.Generator) -> None:
    """One to three cycles of decreasing size (Hadar et al. 1985)."""
    amount, half_s = rng.uniform(*_NOD_RAD), rng.uniform(0.17, 0.24)
    for _ in range(1 + int(rng.choice(len(_NOD_CYCLES), p=_NOD_CYCLES))):
        pulses.add(Pulse("nod", at_s, half_s, 0.01, 1.1 * half_s, amount))
        at_s += 2.1 * half_s
        amount *= 0.62


def _blink(pulses: Pulses, at_s: float) -> None:
    shut_s = np.ceil(at_s * FACE_FPS) / FACE_FPS
    pulses.add(Pulse("blink", shut_s - 0.08, 0.08, 0.04, 0.18, 0.95))
