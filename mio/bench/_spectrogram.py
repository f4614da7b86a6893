"""Pictures of sounds beside each other: what a listener would hear, to be looked at."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mio.audio import write_wav
from mio.contracts.rates import SPEECH_HZ
from mio.errors import MioError

FloatArray = npt.NDArray[np.float32]

_WINDOW = 1024
_HOP = 256
_RANGE_DB = 80.0
_LONGEST_S = 4.0


def keep_sounds(folder: Path, name: str, sounds: Mapping[str, FloatArray]) -> None:
    """Write sounds at 24 kHz as ``NAME-TITLE.wav``, and their spectrograms as ``NAME.png``."""
    folder.mkdir(parents=True, exist_ok=True)
    for title, sound in sounds.items():
        write_wav(folder / f"{name}-{title.replace(' ', '-').replace('/', '-')}.wav", sound, SPEECH_HZ)
    draw_spectrograms(folder / f"{name}.png", sounds, SPEECH_HZ)


def draw_spectrograms(path: Path, sounds: Mapping[str, FloatArray], sample_rate: int) -> None:
    """Draw the first four seconds of each of some sounds, one under the other, 0 Hz to half the sample rate.

    Args:
        path: Picture to write.
        sounds: ``[n]`` each, by title.
        sample_rate: Hz.

    Raises:
        MioError: If matplotlib is missing.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MioError("spectrograms need the package matplotlib", "pip install 'mio[train]'") from error
    figure = Figure(figsize=(10, 1.6 * len(sounds)), layout="constrained")
    axes = figure.subplots(len(sounds), 1, sharex=True, squeeze=False)[:, 0]
    for axis, (title, sound) in zip(axes, sounds.items(), strict=True):
        levels = levels_db(sound[: round(_LONGEST_S * sample_rate)])
        extent = (0.0, len(levels) * _HOP / sample_rate, 0.0, sample_rate / 2000)
        axis.imshow(levels.T, origin="lower", aspect="auto", extent=extent, vmin=-_RANGE_DB, vmax=0.0, cmap="magma")
        axis.set_ylabel("kHz")
        axis.set_title(title, fontsize=9, loc="left")
    axes[-1].set_xlabel("s")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


def levels_db(sound: FloatArray) -> FloatArray:
    """``[frames, 513]`` level of each frequency in dB below the loudest, of ``[n]`` samples."""
    padded = np.pad(sound, (0, max(0, _WINDOW - len(sound))))
    frames = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_HOP] * np.hanning(_WINDOW)
    power = np.abs(np.fft.rfft(frames)) ** 2
    return np.asarray(10 * np.log10(np.maximum(power / max(power.max(), 1e-12), 1e-12)), np.float32)
