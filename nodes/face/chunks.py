"""The learned face, a chunk after another: frames before, two voices and a style to the frames that follow.

Source: UniLS (arXiv 2512.09327), inference. Its smoothing of the drawn face (Savitzky-Golay, window 9, order 3) is kept
for head, brows and cheeks; lips and lids stay as they were decoded, for they have to close.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from mio.contracts.arkit import ARKIT_ACTIONS
from mio.contracts.rates import FACE_EXPRESSION, FACE_FPS, FACE_HEAD
from mio.errors import ConfigError
from mio.nn.weights import fill, read_weights
from nodes.face.chance import Chance
from nodes.face.composer import HEAD_LIMITS_DEG
from nodes.face.models.columns import modelled, refilled
from nodes.face.models.face import STYLES, FaceModel
from nodes.face.models.generator import Conditions, Voices
from nodes.face.models.sizes import FaceSize
from nodes.face.models.voice import MEL_HZ, SILENT

Floats = npt.NDArray[np.float32]

MELS_PER_FRAME = MEL_HZ // FACE_FPS

_SMOOTHING = np.array((-21, 14, 39, 54, 59, 54, 39, 14, -21), np.float32) / 231
_HALF = len(_SMOOTHING) // 2
_TOP_P = 0.97  # a bit less likely than 3 % is never chosen (UniLS)
_SOUND = -0.5  # log-mel of the loudest band from which a voice is heard; a quiet room stays below
_EARLIER = 0.5  # of the voice before a chunk; if nothing sounds there, a turn begins
_SMOOTHED = [i for i, name in enumerate(ARKIT_ACTIONS) if name.startswith(("brow", "cheek", "nose"))] + [100, 101, 102]
_LIMIT_RAD = np.radians(np.array(HEAD_LIMITS_DEG, np.float32))


class HeardVoice(NamedTuple):
    """A voice before and during a chunk.

    Attributes:
        mel: ``[4 n, 40]`` log-mel.
        known: ``[4 n]`` one where it has been heard, or will be for certain.
    """

    mel: Floats
    known: Floats


class ChunkModel:
    """A trained model in use.

    Attributes:
        chance: What decides its choices.
        frames: In a chunk.
        previous: Frames that it wants to know of those before.
        before: Frames before the chunk whose voices it hears.
        style_frames: Frames of a style.
    """

    def __init__(self, folder: Path, *, guidance: float, temperature: float, seed: int) -> None:
        """Load a folder of weights.

        Args:
            folder: As ``mio train face --stage export`` writes it.
            guidance: How much more its own voice counts than it would by itself, while it sounds; 1 for no more. Where
                a turn begins, after silence that the network would go on with, the surplus counts twice.
            temperature: Of the choice of bits.
            seed: Of the choice of bits.

        Raises:
            ConfigError: If something is missing or broken there.
        """
        weights, size = read_weights(folder, FaceSize)
        if size.basis != "arkit52" or size.voice.hears != "log-mel":
            raise ConfigError(
                f"{folder}: moves {size.basis} and hears {size.voice.hears}; live it has to be arkit52 and log-mel",
                "use it for recordings: mio train face --stage perform",
            )
        self._model = FaceModel(size)
        fill(self._model, weights, folder)
        self._styles = _read_styles(folder / STYLES)
        self._guidance, self._temperature = guidance, temperature
        self.chance = Chance(size, seed)
        self.frames = size.codec.frames
        self.previous = size.codec.frames * size.generator.previous_chunks
        self.before = size.generator.audio_before
        self.style_frames = size.codec.frames * size.generator.style_chunks

    @torch.inference_mode()
    def add_style(self, name: str, frames: Floats) -> None:
        """Keep ``[style_frames, 112]`` frames as a style."""
        self._styles[name] = self._model.codec.condition(modelled(torch.from_numpy(frames))[None])[0]

    @torch.inference_mode()
    def next_chunk(self, first: int, before: Floats, own: HeardVoice, other: HeardVoice, style: str) -> Floats:
        """The frames that follow.

        Args:
            first: Number of the first one in stage time.
            before: ``[previous, 112]`` frames.
            own: The avatar's voice, ``before`` frames before the chunk and during it.
            other: The user's, as far as it is known.
            style: Name of a style; ``neutral`` stands in for one that there is none of.

        Returns:
            ``[frames, 112]``.
        """
        previous = self._model.codec.condition(modelled(torch.from_numpy(before))[None])
        looks = self._styles.get(style, self._styles["neutral"])[None]
        voices = self._model.hear(_batch(own), _batch(other))
        conditions = Conditions(looks, previous, voices)
        guidance = self._led_by(own)
        made = self._model.next_chunk(
            conditions if guidance == 1.0 else _and_unheard(conditions),
            guidance=guidance,
            temperature=self._temperature,
            top_p=_TOP_P,
            lots=self.chance(first, speaking=_sounds(own.mel)),
        )
        return _finished(before, refilled(made)[0].numpy())

    def _led_by(self, own: HeardVoice) -> float:
        """How much the own voice counts: nothing extra in silence, twice as much of it where a turn begins."""
        if not _sounds(own.mel):
            return 1.0
        earlier = own.mel[: round(_EARLIER * self.before) * MELS_PER_FRAME]
        return self._guidance if _sounds(earlier) else 2 * self._guidance - 1


def _sounds(mel: Floats) -> bool:
    return float(mel.max(initial=SILENT)) > _SOUND


def _and_unheard(conditions: Conditions) -> Conditions:
    """A second row that does not hear its own voice, for guidance.

    UniLS leads away from a row without any condition; here the lips need it, and they follow the own voice.
    """
    assert conditions.voices is not None
    own, other = conditions.voices
    voices = Voices(torch.cat((own, torch.zeros_like(own))), torch.cat((other, other)))
    return Conditions(torch.cat((conditions.style,) * 2), torch.cat((conditions.previous,) * 2), voices)


def _read_styles(path: Path) -> dict[str, Tensor]:
    try:
        return {name: bits.float() for name, bits in load_file(path).items()}
    except (OSError, SafetensorError) as error:
        raise ConfigError(f"{path}: {error}", "export the weights again: mio train face --stage export") from error


def _batch(voice: HeardVoice) -> tuple[Tensor, Tensor]:
    return torch.from_numpy(voice.mel)[None], torch.from_numpy(voice.known)[None]


def _finished(before: Floats, made: Floats) -> Floats:
    """Frames as they may be sent: head and brows smoothed, all within their limits."""
    around = np.concatenate((before[-_HALF:], made, np.repeat(made[-1:], _HALF, 0)))[:, _SMOOTHED]
    windows = np.lib.stride_tricks.sliding_window_view(around, len(_SMOOTHING), axis=0)
    made[:, _SMOOTHED] = windows @ _SMOOTHING
    made[:, FACE_EXPRESSION] = made[:, FACE_EXPRESSION].clip(0.0, 1.0)
    made[:, FACE_HEAD] = made[:, FACE_HEAD].clip(-_LIMIT_RAD, _LIMIT_RAD)
    return made
