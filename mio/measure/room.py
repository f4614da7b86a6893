"""A simulated room: what a microphone gets of a loudspeaker in it.

The loudspeaker clips softly, its sound reaches the microphone directly and from the walls, late by the latency of the
devices, and the two devices' clocks may differ. Arrays in, arrays out; it knows no devices and no real time.
"""

from typing import Annotated

import msgspec
import numpy as np
import numpy.typing as npt

from mio.contracts.messages import FloatArray
from mio.sound_ring import SoundRing

_SOUND_M_PER_S = 343.0
_SIZE_M = (4.2, 3.4, 2.6)
_MICROPHONE_M = (1.9, 1.4, 0.9)
_DIRECTION = (0.63, 0.74, 0.23)  # from microphone to loudspeaker, off the walls' symmetry
_JITTER_M = 0.08  # of the images, against sweeping echoes: De Sena et al., "On the modeling of rectangular geometries
# in room acoustic simulations", IEEE TASLP 2015
_LEVEL_SAMPLES = 400
_ACTIVE_BELOW_PEAK_DB = 30.0
_BLOCK = 1_600
_READ = 160  # short enough that drift within it does not matter
_FIRST_ABSORPTION = 0.2
_DECAY_STEPS = 4


class RoomSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A room with a loudspeaker and a microphone.

    Attributes:
        delay_ms: From a sample's stage time to its direct sound at the microphone: what devices do not report of their
            latency, and the way through the air.
        echo_db: Gain of the echo against what was played, measured on the whole impulse response.
        reverberation_s: Time in which sound decays by 60 dB.
        distance_m: From loudspeaker to microphone.
        drift_ppm: By how much the loudspeaker plays faster than its clock says.
        drive_db: Level of full-scale sound over the loudspeaker's clipping point; negative for a clean one.
        noise_db: Level of the room's noise, dBFS.
        seed: Of noise and walls.
    """

    delay_ms: Annotated[float, msgspec.Meta(ge=5.0, le=400.0)] = 60.0
    echo_db: Annotated[float, msgspec.Meta(ge=-60.0, le=20.0)] = -6.0
    reverberation_s: Annotated[float, msgspec.Meta(ge=0.05, le=1.0)] = 0.35
    distance_m: Annotated[float, msgspec.Meta(ge=0.05, le=1.5)] = 0.5
    drift_ppm: Annotated[float, msgspec.Meta(ge=-500.0, le=500.0)] = 0.0
    drive_db: Annotated[float, msgspec.Meta(ge=-40.0, le=20.0)] = 0.0
    noise_db: Annotated[float, msgspec.Meta(ge=-120.0, le=-20.0)] = -66.0
    seed: int = 0


def impulse_response(room: RoomSettings, sample_rate: int) -> FloatArray:
    """Response of a rectangular room from its direct sound on, by the image-source method (Allen and Berkley 1979).

    Args:
        room: Uses ``reverberation_s``, ``distance_m`` and ``seed``.
        sample_rate: Hz.

    Returns:
        ``[n]`` of unit energy, ``reverberation_s`` long.
    """
    size = np.array(_SIZE_M)
    microphone = np.array(_MICROPHONE_M)
    source = microphone + room.distance_m * np.array(_DIRECTION) / np.linalg.norm(_DIRECTION)
    images, reflections = _images(size, source, room.reverberation_s * _SOUND_M_PER_S)
    jitter = np.random.default_rng(room.seed).uniform(-_JITTER_M, _JITTER_M, images.shape)
    images += jitter * (reflections > 0)[:, None]
    distances = np.linalg.norm(images - microphone, axis=1)
    at = (distances - room.distance_m) / _SOUND_M_PER_S * sample_rate
    log_reflectance = -_FIRST_ABSORPTION
    response = np.zeros(0, np.float32)
    for _ in range(_DECAY_STEPS):  # decay is nearly proportional to the logarithm
        gains = np.exp(log_reflectance * reflections) / distances
        response = _scattered(at, gains, round(room.reverberation_s * sample_rate))
        log_reflectance *= decay_s(response, sample_rate) / room.reverberation_s
    return response


def decay_s(response: FloatArray, sample_rate: int) -> float:
    """Time in which a room's sound decays by 60 dB, from 5 to 25 dB below its start (ISO 3382)."""
    energy = np.cumsum(np.square(response[::-1], dtype=np.float64))[::-1]
    level_db = 10 * np.log10(energy / energy[0] + 1e-12)
    first, last = (int(np.argmax(level_db < -below_db)) for below_db in (5.0, 25.0))
    return 3.0 * (last - first) / sample_rate


def soft_clipped(samples: FloatArray, drive_db: float) -> FloatArray:
    """What a loudspeaker makes of ``[n]`` samples whose full scale lies ``drive_db`` over its clipping point."""
    drive = np.float32(10.0 ** (drive_db / 20.0))
    return (np.tanh(samples * drive) / drive).astype(np.float32)


def room_noise(count: int, level_db: float, seed: int) -> FloatArray:
    """``[count]`` samples of noise that falls by 3 dB per octave, as in quiet rooms, at a level in dBFS."""
    spectrum = np.random.default_rng(seed).normal(size=(2, count // 2 + 1)) / np.sqrt(np.arange(1, count // 2 + 2))
    noise = np.fft.irfft(spectrum[0] + 1j * spectrum[1], count)
    return (noise * 10 ** (level_db / 20) / np.sqrt(np.mean(noise**2))).astype(np.float32)


def active_level_db(samples: FloatArray) -> float:
    """RMS level of the parts of a sound that are not more than 30 dB below its loudest 25 ms (at 16 kHz), dBFS.

    Raises:
        ValueError: If it is shorter than that.
    """
    frames = samples[: len(samples) // _LEVEL_SAMPLES * _LEVEL_SAMPLES].reshape(-1, _LEVEL_SAMPLES)
    power = np.square(frames, dtype=np.float64).mean(axis=1)
    active = power[power >= power.max() * 10 ** (-_ACTIVE_BELOW_PEAK_DB / 10)]
    return float(10 * np.log10(active.mean() + 1e-12))


def at_level(samples: FloatArray, level_db: float) -> FloatArray:
    """A sound turned up or down to an active level in dBFS."""
    return (samples * np.float32(10 ** ((level_db - active_level_db(samples)) / 20))).astype(np.float32)


class EchoPath:
    """From the loudspeaker's samples to those of the microphone, block by block.

    Args:
        room: The room; delay and drift are the caller's, see :func:`heard_position`.
        sample_rate: Hz.
    """

    def __init__(self, room: RoomSettings, sample_rate: int) -> None:
        self._drive_db = room.drive_db
        response = impulse_response(room, sample_rate) * np.float32(10 ** (room.echo_db / 20))
        self._tail = np.zeros(len(response) - 1, np.float32)
        self._length = 1 << int(np.ceil(np.log2(len(response) + _BLOCK)))
        self._spectrum = np.fft.rfft(response, self._length)

    def process(self, played: FloatArray) -> FloatArray:
        """``[n]`` samples that arrive at the microphone while ``[n]`` samples are played."""
        parts = [self._convolved(played[start : start + _BLOCK]) for start in range(0, len(played), _BLOCK)]
        return np.concatenate(parts) if parts else np.zeros(0, np.float32)

    def _convolved(self, played: FloatArray) -> FloatArray:
        spectrum = np.fft.rfft(soft_clipped(played, self._drive_db), self._length)
        whole = np.fft.irfft(spectrum * self._spectrum, self._length)
        whole = whole[: len(played) + len(self._tail)].astype(np.float32)
        whole[: len(self._tail)] += self._tail
        self._tail = whole[len(played) :]
        return whole[: len(played)]


def heard_position(room: RoomSettings, position: float, sample_rate: int) -> float:
    """Position in what was played whose direct sound reaches the microphone at a position of the common clock."""
    return position * (1.0 + room.drift_ppm * 1e-6) - room.delay_ms * 1e-3 * sample_rate


def echo_of(played: FloatArray, room: RoomSettings, sample_rate: int) -> FloatArray:
    """``[n]`` samples at the microphone while ``[n]`` samples are played, without noise: clipped, reflected, late."""
    ring, path = SoundRing(len(played)), EchoPath(room, sample_rate)
    ring.append(played)
    arriving = np.zeros(len(played), np.float32)
    for start in range(0, len(played), _READ):
        count = min(_READ, len(played) - start)
        arriving[start : start + count] = ring.read(heard_position(room, start, sample_rate), count)
    return path.process(arriving)


def _images(
    size: npt.NDArray[np.float64], source: npt.NDArray[np.float64], reach_m: float
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Images of the source within a reach: ``[n, 3]`` positions and ``[n]`` numbers of reflections."""
    axes: list[npt.NDArray[np.float64]] = []
    counts: list[npt.NDArray[np.int64]] = []
    for length, place in zip(size, source, strict=True):
        order = int(np.ceil(reach_m / (2 * length)))
        number = np.arange(-order, order + 1)
        axes.append(np.concatenate([2 * number * length + place, 2 * number * length - place]))
        counts.append(np.concatenate([np.abs(2 * number), np.abs(2 * number - 1)]))
    positions = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    reflections = np.add.outer(np.add.outer(counts[0], counts[1]), counts[2]).reshape(-1)
    near = np.linalg.norm(positions - source, axis=1) < reach_m
    return positions[near], reflections[near]


def _scattered(at: npt.NDArray[np.float64], gains: npt.NDArray[np.float64], count: int) -> FloatArray:
    """``[count]`` impulses at positions between samples, with unit energy in all."""
    response = np.zeros(count + 1)
    first = np.floor(at).astype(int)
    inside = (first >= 0) & (first < count)
    part = (at - first)[inside]
    first, gains = first[inside], gains[inside]
    np.add.at(response, first, gains * (1 - part))
    np.add.at(response, first + 1, gains * part)
    return (response[:count] / np.sqrt(np.sum(response[:count] ** 2))).astype(np.float32)
