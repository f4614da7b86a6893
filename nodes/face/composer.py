"""Frames from the score: all layers of the face together, at any times.

Nothing here decides or remembers: the same state gives the same frames.
"""

from typing import NamedTuple

import numpy as np

from mio.contracts.arkit import ARKIT_ACTIONS, ARKIT_INDEX
from mio.contracts.messages import FloatArray
from mio.contracts.rates import FACE_DIM, FACE_FPS, FACE_HEAD, FACE_LEFT_EYE, FACE_RIGHT_EYE
from nodes.face.blinks import BLINK
from nodes.face.config import FaceConfig
from nodes.face.delivery import BREATH, BROW, NOD
from nodes.face.gestures import Gestures
from nodes.face.lips import Mouth, closing_share, coarticulate, part, seal_lips, silent_mouth, sounding_mouth, touch
from nodes.face.listening import SMILE
from nodes.face.rotation import eye_in_head, eye_rotation, head_angles, head_rotation
from nodes.face.score import Array, Drift, minimum_jerk
from nodes.face.state import FaceState

HEAD_LIMITS_DEG = (18.0, 25.0, 12.0)
"""Largest pitch, yaw and roll of the head against the torso."""

_SWAY_RAD = np.radians((0.9, 1.2, 0.8))
_BREATHING_HZ, _BREATHING_RAD = 0.25, np.radians(0.12)
_FIXATION_RAD = np.radians(0.12)
_PARTING_FRAMES = 3  # behind a closure that lips open as the rules say, less and less
_CUT_S = 0.06  # the mouth of an interrupted turn comes to rest in this time
_HALF_EYE_DISTANCE_M = 0.0285  # of the Anny head

# Gaze at which the actions move the lids of the Anny head fully: as far as they turn its eyeballs.
_LOOK_DOWN_RAD, _LOOK_UP_RAD = np.radians(16.2), np.radians(11.1)
# Way of the upper lid of the Anny head, as a share of that of a blink: what other actions have done of it already.
_LID_DOWN, _LID_UP, _LID_WIDE, _LID_SQUINT = 0.31, 0.11, 0.3, 0.2

_MOUTH = np.array([name.startswith(("mouth", "jaw", "tongue", "cheekPuff")) for name in ARKIT_ACTIONS])
_OPENERS = [ARKIT_INDEX[name] for name in ("jawOpen", "mouthFunnel", "mouthPucker")]
_ROUNDING = [ARKIT_INDEX[name] for name in ("mouthFunnel", "mouthPucker")]
_SMILING_CHEEKS = 0.6  # of a smile's amount
_REST_OPEN = 0.05  # jawOpen of an expression from which the lips are meant to be apart


def _columns(*names: str) -> list[int]:
    return [
        ARKIT_INDEX[side] for name in names for side in (name, f"{name}Left", f"{name}Right") if side in ARKIT_INDEX
    ]


_BROWS = _columns("browInnerUp", "browOuterUp")
_FROWN = _columns("browDown")
_SMILES = _columns("mouthSmile")
_CHEEKS = _columns("cheekSquint")
_LIDS = _columns("eyeBlink")
_SQUINT = _columns("eyeSquint")
_WIDE = _columns("eyeWide")
_DOWN = _columns("eyeLookDown")
_UP = _columns("eyeLookUp")

EYES = np.isin(np.arange(FACE_DIM), [*_LIDS, *_DOWN, *_UP, *range(106, FACE_DIM)])
"""``[112]`` columns of eyes and lids: what :func:`lead_eyes` sets."""

ACCENTS = np.isin(np.arange(FACE_DIM), [*_BROWS, *_SMILES, *_CHEEKS, 100, 101, 102])
"""``[112]`` columns of brows, smile and head: what :func:`lead_accents` adds to."""


class Scene(NamedTuple):
    """What frames are made of, besides the state.

    Attributes:
        config: What the face is like.
        drift: ``[12]`` channels of small motion.
        gestures: Of each turn, by its segment id.
    """

    config: FaceConfig
    drift: Drift
    gestures: dict[int, Gestures]


def compose(state: FaceState, scene: Scene, times_s: Array) -> FloatArray:
    """``[n, 112]`` frames with basis ``arkit52`` at ``[n]`` ascending stage times."""
    drift = scene.drift.at(times_s + state.origin_s)
    frames = np.zeros((len(times_s), FACE_DIM), np.float32)
    angles = _head_angles(state, scene.config, times_s, drift[:, :3])
    frames[:, FACE_HEAD] = head_rotation(angles)
    weights = _expression(state, times_s, drift[:, 5:])
    _speak(weights, state, scene, times_s)
    pitch = _look(frames, _gaze(state, times_s, drift[:, 3:5]), angles, scene.config)
    _lids(weights, pitch, state.pulses.highest(BLINK, times_s))
    frames[:, : len(ARKIT_ACTIONS)] = weights.clip(0.0, 1.0)
    return frames


def lead_eyes(frames: FloatArray, state: FaceState, scene: Scene, times_s: Array) -> None:
    """Let the score lead the eyes and lids of frames that were made otherwise, in place.

    The eyes look where the score says, whatever their head does; the lids follow them and blink.

    Args:
        frames: ``[n, 112]``.
        state: Has the score.
        scene: What the face is like.
        times_s: ``[n]`` ascending stage times.
    """
    drift = scene.drift.at(times_s + state.origin_s)
    angles = head_angles(frames[:, FACE_HEAD].astype(np.float64))
    pitch = _look(frames, _gaze(state, times_s, drift[:, 3:5]), angles, scene.config)
    weights = frames[:, : len(ARKIT_ACTIONS)].astype(np.float64)
    weights[:, [*_LIDS, *_DOWN, *_UP]] = 0.0
    _lids(weights, pitch, state.pulses.highest(BLINK, times_s))
    frames[:, : len(ARKIT_ACTIONS)] = weights.clip(0.0, 1.0)


def lead_accents(frames: FloatArray, state: FaceState, times_s: Array) -> None:
    """Add the score's movements of brows and smile and its nods to frames that were made otherwise, in place.

    They come with stressed words, and answer the user's voice. Actions may go beyond 1, so that what was added can be
    told and passed into another chunk's frames; the caller limits them.

    Args:
        frames: ``[n, 112]``.
        state: Has the score.
        times_s: ``[n]`` ascending stage times.
    """
    weights = frames[:, : len(ARKIT_ACTIONS)].astype(np.float64)
    smile = state.pulses.at(SMILE, times_s)
    weights[:, _BROWS] += state.pulses.at(BROW, times_s)[:, None]
    weights[:, _SMILES] += smile[:, None]
    weights[:, _CHEEKS] += _SMILING_CHEEKS * smile[:, None]
    frames[:, : len(ARKIT_ACTIONS)] = weights
    angles, limits = head_angles(frames[:, FACE_HEAD].astype(np.float64)), np.radians(HEAD_LIMITS_DEG)
    angles[:, 0] += state.pulses.at(NOD, times_s)
    frames[:, FACE_HEAD] = head_rotation(angles.clip(-limits, limits))


def lead_lips(frames: FloatArray, state: FaceState, scene: Scene, times_s: Array) -> None:
    """Let lips of frames that were made otherwise touch where phones ask for it, and part behind that, in place.

    A burst is seen to come from lips that part with it: for some frames behind a closure they open as the rules say.

    Args:
        frames: ``[n, 112]``, consecutive.
        state: What is said.
        scene: Where it is said.
        times_s: ``[n]`` stage times.
    """
    weights = frames[:, : len(ARKIT_ACTIONS)].astype(np.float64)
    before_s = times_s[0] - np.arange(_PARTING_FRAMES, 0, -1) / FACE_FPS
    mouth = _mouth(state, scene, np.concatenate((before_s, times_s)))
    sealed = np.lib.stride_tricks.sliding_window_view(mouth.seal, _PARTING_FRAMES + 1)
    fading = np.arange(1, _PARTING_FRAMES + 2) / (_PARTING_FRAMES + 1)
    mouth = mouth.since(_PARTING_FRAMES)
    part(weights, mouth, (sealed * fading).max(1))
    touch(weights, mouth)
    frames[:, : len(ARKIT_ACTIONS)] = weights.clip(0.0, 1.0)


def _gaze(state: FaceState, times_s: Array, drift: Array) -> Array:
    """``[n, 2]`` pitch and yaw relative to where the configuration has the viewer, rad."""
    return state.user_track.at(times_s) + state.gaze_track.at(times_s) + _FIXATION_RAD * drift


def _look(frames: FloatArray, gaze: Array, angles: Array, config: FaceConfig) -> Array:
    """Turn the eyes, in place.

    Args:
        frames: ``[n, 112]``.
        gaze: ``[n, 2]`` pitch and yaw relative to a viewer at the height of the eyes, rad.
        angles: ``[n, 3]`` pitch, yaw and roll of the head, rad.
        config: Where the viewer is.

    Returns:
        ``[n]`` pitch of the eyes in the head, rad.
    """
    inward = np.arctan2(_HALF_EYE_DISTANCE_M, config.viewer_distance_m)
    eyes = eye_in_head(gaze + (np.radians(config.viewer_below_deg), 0.0), angles)
    frames[:, FACE_LEFT_EYE] = eye_rotation(eyes[:, 0], eyes[:, 1] - inward)
    frames[:, FACE_RIGHT_EYE] = eye_rotation(eyes[:, 0], eyes[:, 1] + inward)
    return eyes[:, 0]


def _head_angles(state: FaceState, config: FaceConfig, times_s: Array, drift: Array) -> Array:
    """``[n, 3]`` pitch, yaw and roll of the head, rad."""
    sway = config.liveliness * state.energy_track.at(times_s) * _SWAY_RAD * drift
    angles = state.head_track.at(times_s) + sway
    angles[:, 0] += state.pulses.at(NOD, times_s)
    angles[:, 0] += _BREATHING_RAD * np.sin(2.0 * np.pi * _BREATHING_HZ * (times_s + state.origin_s))
    limits = np.radians(HEAD_LIMITS_DEG)
    return angles.clip(-limits, limits)


def _expression(state: FaceState, times_s: Array, drift: Array) -> Array:
    """``[n, 52]`` weights of the expression, never quite still."""
    weights = state.expression_track.at(times_s) * (1.0 + 0.1 * drift[:, :1])
    brow = state.pulses.at(BROW, times_s)
    smile = state.pulses.at(SMILE, times_s)
    weights[:, _BROWS] += (brow + 0.03 + 0.03 * drift[:, 1])[:, None]
    weights[:, _FROWN] += (0.02 * drift[:, 2])[:, None]
    weights[:, _SMILES] += smile[:, None] + 0.015 * drift[:, 3:5]
    weights[:, _CHEEKS] += (_SMILING_CHEEKS * smile + 0.02 * drift[:, 5])[:, None]
    weights[:, _SQUINT] += (0.02 * drift[:, 6])[:, None]
    return weights.clip(0.0, 1.0)


def _speak(weights: Array, state: FaceState, scene: Scene, times_s: Array) -> None:
    """Lay the mouth of speech over that of the expression, in place."""
    mouth = _mouth(state, scene, times_s)
    meant = np.clip(weights[:, ARKIT_INDEX["jawOpen"]] / _REST_OPEN, 0.0, 1.0)
    resting = (1.0 - mouth.activity) * (1.0 - meant)
    weights[:, _OPENERS] *= (1.0 - mouth.activity)[:, None]
    rounded = np.clip(mouth.weights[:, _ROUNDING].sum(1), 0.0, 1.0)
    free = (1.0 - 0.25 * mouth.activity) * (1.0 - 0.75 * rounded) * (1.0 - mouth.tuck)
    weights[:, _MOUTH] *= free[:, None]
    weights[:, ARKIT_INDEX["jawOpen"]] += closing_share(weights * _MOUTH) * mouth.activity * (1.0 - mouth.tuck)
    weights += mouth.weights
    breath = state.pulses.at(BREATH, times_s)
    weights[:, ARKIT_INDEX["jawOpen"]] += breath * (1.0 - mouth.activity)
    resting *= 1.0 - np.clip(breath / _REST_OPEN, 0.0, 1.0)
    np.clip(weights, 0.0, 1.0, out=weights)
    seal_lips(weights, np.maximum(mouth.seal, resting * (1.0 - mouth.tuck)))


def _mouth(state: FaceState, scene: Scene, times_s: Array) -> Mouth:
    """The mouth of all turns that are spoken; one is at a time."""
    total = silent_mouth(len(times_s))
    for utterance in state.utterances:
        if utterance.anchor_s is None:
            continue
        own_s = times_s - utterance.anchor_s
        end_s = utterance.breaks_off_s
        if utterance.phones:
            mouth = coarticulate(scene.gestures[utterance.segment_id], own_s, scene.config.articulation, end_s)
        else:
            mouth = sounding_mouth(utterance, own_s, scene.config.articulation)
        total = total.plus(mouth, 1.0 - minimum_jerk((own_s - end_s) / _CUT_S))
    return total


def _lids(weights: Array, pitch: Array, blink: Array) -> None:
    """Let the lids follow the gaze, and blink, in place."""
    open_share = (1.0 - blink)[:, None]
    weights[:, _DOWN] += np.clip(pitch / _LOOK_DOWN_RAD, 0.0, 1.0)[:, None]
    weights[:, _UP] = np.clip(-pitch / _LOOK_UP_RAD, 0.0, 1.0)[:, None] * open_share
    weights[:, _WIDE] *= open_share
    done = _LID_DOWN * weights[:, _DOWN] - _LID_WIDE * weights[:, _WIDE] - _LID_UP * weights[:, _UP]
    left = 1.0 - done - _LID_SQUINT * weights[:, _SQUINT]
    weights[:, _LIDS] += blink[:, None] * left
    weights[:, _FROWN] += (0.05 * blink)[:, None]
    weights[:, _CHEEKS] += (0.06 * blink)[:, None]
