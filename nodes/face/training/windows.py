"""Batches for the trainings: chunks of motion with what came before, a style, and both voices as far as they are known.

While the avatar listens, the user's next words are unknown: the other voice is cut off shortly before the chunk begins,
as it is when the engine runs. What the avatar itself says is known ahead, but at the beginning of a turn.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from mio.errors import ConfigError
from nodes.face.models.columns import KEPT
from nodes.face.models.sizes import FaceSize
from nodes.face.models.voice import SILENT, UNIT_DB
from nodes.face.training.conversations import MELS_PER_FRAME, SAMPLES_PER_FRAME
from nodes.face.training.data_set import Tracks

_UNKNOWN_OTHER = 0.85  # share of chunks whose other voice is cut off
_OTHER_ENDS = (-8, 1)  # frames from the chunk's beginning to where it is
_UNKNOWN_OWN = 0.1
_GAIN = 0.3  # largest change of level, in units of log-mel


class Heard(NamedTuple):
    """A voice during a chunk and before.

    Attributes:
        voice: ``[B, 4 n, 40]`` log-mel, or ``[B, 640 n]`` sound for a pretrained encoder.
        known: ``[B, 4 n]`` or ``[B, 640 n]`` one where it has been heard.
    """

    voice: Tensor
    known: Tensor


class Window(NamedTuple):
    """A batch.

    Attributes:
        style: ``[B, style frames, 108]`` the same face elsewhere.
        previous: ``[B, previous frames, 108]``.
        chunk: ``[B, frames, 108]``.
        own: The face's own voice.
        other: The other's.
    """

    style: Tensor
    previous: Tensor
    chunk: Tensor
    own: Heard
    other: Heard


class Windows:
    """Draws batches from tracks."""

    def __init__(self, tracks: Tracks, size: FaceSize) -> None:
        self._size = size
        self._before = size.codec.frames * size.generator.previous_chunks
        self._motion = torch.from_numpy(tracks.frames.astype(np.float32)[:, KEPT])
        self._mel = size.voice.hears == "log-mel"
        if not self._mel and not len(tracks.sound):
            raise ConfigError("the data have no sounds", "build them again with mio train face --stage data --sounds")
        self._voice = torch.from_numpy(tracks.mel if self._mel else tracks.sound)
        starts, partner, ends = tracks.starts, tracks.partner, tracks.starts[1:] - size.codec.frames
        every = [np.arange(begin + self._before, end) for begin, end in zip(starts[:-1], ends, strict=True)]
        self._track = np.concatenate([np.full(len(places), number) for number, places in enumerate(every)])
        self._places = np.concatenate(every)
        middle = tracks.speaking[self._places + size.codec.frames // 2]
        heard = partner[self._track] >= 0
        self._kinds = [np.flatnonzero(middle), np.flatnonzero(heard & ~middle), np.flatnonzero(~heard & ~middle)]
        self._starts, self._partner = starts, partner
        self._lengths = starts[1:] - starts[:-1]

    @property
    def motion(self) -> Tensor:
        """``[N, 108]`` all frames."""
        return self._motion

    def chunks(self, count: int, frames: int, rng: np.random.Generator) -> Tensor:
        """``[count, frames, 108]`` stretches of motion at random places."""
        begins = rng.integers(len(self._motion) - frames, size=count)
        return self._motion[torch.from_numpy(begins)[:, None] + torch.arange(frames)]

    def draw(self, count: int, rng: np.random.Generator, *, alone: float = 0.0, speaking: float = 0.6) -> Window:
        """A batch.

        Args:
            count: Chunks.
            rng: Of the choice.
            alone: Share of faces by themselves.
            speaking: Share of the others in which the person speaks. What there is none of is left out.

        Raises:
            ConfigError: If there is nothing of what is asked for.
        """
        asked = ((1 - alone) * speaking, (1 - alone) * (1 - speaking), alone)
        shares = np.array([share if len(kind) else 0.0 for share, kind in zip(asked, self._kinds, strict=True)])
        if not shares.any():
            raise ConfigError("the data have no faces of the kind that is to be learned", "see --alone and --speaking")
        kinds = rng.choice(3, count, p=shares / shares.sum())
        chosen = np.array([self._kinds[kind][rng.integers(len(self._kinds[kind]))] for kind in kinds])
        return self.at(self._track[chosen], self._places[chosen], rng)

    def at(self, track: npt.NDArray[np.int64], place: npt.NDArray[np.int64], rng: np.random.Generator) -> Window:
        """The batch of chunks that begin at ``[B]`` places of ``[B]`` tracks."""
        codec, own = self._size.codec, self._size.generator
        styles = own.style_chunks * codec.frames
        begin = self._starts[track]
        style = begin + (rng.random(len(track)) * (self._lengths[track] - styles)).astype(np.int64)
        other = np.where(self._partner[track] >= 0, self._starts[self._partner[track]] + place - begin, -1)
        ends = np.where(
            rng.random(len(track)) < _UNKNOWN_OWN, rng.integers(codec.frames, size=len(track)), codec.frames
        )
        heard = np.where(
            rng.random(len(track)) < _UNKNOWN_OTHER, rng.integers(*_OTHER_ENDS, size=len(track)), codec.frames
        )
        gain = torch.from_numpy(rng.uniform(-_GAIN, _GAIN, (2, len(track), 1, 1)).astype(np.float32))
        return Window(
            self._cut(style, styles),
            self._cut(place - self._before, self._before),
            self._cut(place, codec.frames),
            self._hear(place, ends, gain[0]),
            self._hear(other, heard, gain[1]),
        )

    def _cut(self, begin: npt.NDArray[np.int64], length: int) -> Tensor:
        return self._motion[torch.from_numpy(begin)[:, None] + torch.arange(length)]

    def _hear(self, place: npt.NDArray[np.int64], ends: npt.NDArray[np.int64], gain: Tensor) -> Heard:
        """A voice around chunks at ``[B]`` places, -1 for nobody's, known up to ``[B]`` frames after they begin."""
        before, frames = self._size.generator.audio_before, self._size.codec.frames
        steps = MELS_PER_FRAME if self._mel else SAMPLES_PER_FRAME
        offsets = torch.arange(-before * steps, frames * steps)
        at = torch.from_numpy(np.maximum(place, before))[:, None] * steps + offsets
        known = (offsets < torch.from_numpy(ends)[:, None] * steps).float()
        nobody = torch.from_numpy(place < 0)
        if self._mel:
            mel = torch.clamp(self._voice[at].float() + gain, min=SILENT)
            mel[nobody] = SILENT
            return Heard(mel, known)
        sound = self._voice[at] / 32768 * 10 ** (UNIT_DB / 20 * gain[..., 0])
        sound[nobody] = 0.0
        return Heard(sound, known)
