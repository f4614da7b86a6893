"""How alike two recordings' voices are: a speaker encoder whose weights travel in the package resemblyzer.

Only that package's file of weights is read, since it wants others that have to be compiled: ``pip install --no-deps
resemblyzer``. Source: generalised end-to-end loss (Wan et al. 2018, arXiv 1710.10467); spectra and windows as in that
package (Apache-2.0).
"""

import importlib.util
from pathlib import Path

import numpy as np
import soxr
import torch
from torch import Tensor, nn

from mio.contracts.messages import FloatArray
from mio.contracts.rates import MICROPHONE_HZ, SPEECH_HZ
from mio.errors import Needing

_BANDS, _WINDOW, _HOP = 40, 400, 160
_WIDTH, _LAYERS = 256, 3
_FRAMES, _FRAME_STEP = 160, 77  # of a stretch, and from one to the next
_LEAST_SHARE = 0.75  # of a last stretch that there has to be
_PACKAGE = "resemblyzer"


def speaker_encoder() -> "SpeakerEncoder | None":
    """The encoder, if its weights are installed.

    Raises:
        MioError: If they are, but the package that makes its spectra is not.
    """
    found = importlib.util.find_spec(_PACKAGE)
    if found is None or found.origin is None:
        return None
    return SpeakerEncoder(Path(found.origin).with_name("pretrained.pt"))


class SpeakerEncoder:
    """A network that gives a voice as a direction."""

    def __init__(self, path: Path) -> None:
        """Read the weights.

        Args:
            path: ``pretrained.pt`` of the package.
        """
        with Needing("speaker similarity", "train"):
            from transformers.audio_utils import mel_filter_bank
        self._lstm, self._last = nn.LSTM(_BANDS, _WIDTH, _LAYERS, batch_first=True), nn.Linear(_WIDTH, _WIDTH)
        state = torch.load(path, map_location="cpu", weights_only=True)["model_state"]
        self._lstm.load_state_dict(_part(state, "lstm."))
        self._last.load_state_dict(_part(state, "linear."))
        filters = mel_filter_bank(
            _WINDOW // 2 + 1, _BANDS, 0.0, MICROPHONE_HZ / 2, MICROPHONE_HZ, norm="slaney", mel_scale="slaney"
        )
        self._filters = torch.from_numpy(filters).float()

    def similarity(self, one: FloatArray, other: FloatArray) -> float:
        """Cosine between the voices of ``[n]`` and ``[m]`` samples at 24 kHz, 1 for the same."""
        return float(self._voice(one) @ self._voice(other))

    @torch.inference_mode()
    def _voice(self, sound: FloatArray) -> Tensor:
        """``[256]`` of length one."""
        wave = torch.from_numpy(np.asarray(soxr.resample(sound, SPEECH_HZ, MICROPHONE_HZ), np.float32))
        starts = _stretches(len(wave))
        wave = nn.functional.pad(wave, (0, max(0, (starts[-1] + _FRAMES) * _HOP - len(wave))))
        mel = self.mel(wave)
        _, (hidden, _) = self._lstm(torch.stack([mel[start : start + _FRAMES] for start in starts]))
        voices = nn.functional.normalize(torch.relu(self._last(hidden[-1])), dim=1)
        return nn.functional.normalize(voices.mean(0), dim=0)

    def mel(self, wave: Tensor) -> Tensor:
        """``[n, 40]`` power in mel bands of ``[160 n]`` samples at 16 kHz."""
        window = torch.hann_window(_WINDOW)
        spectra = torch.stft(wave, _WINDOW, _HOP, window=window, pad_mode="constant", return_complex=True)
        return spectra.abs().square().T @ self._filters


def _stretches(samples: int) -> list[int]:
    """First frames of the stretches of 1.6 s that are looked at."""
    frames = -(-(samples + 1) // _HOP)
    starts = list(range(0, max(1, frames - _FRAMES + _FRAME_STEP + 1), _FRAME_STEP))
    share = (samples - starts[-1] * _HOP) / (_FRAMES * _HOP)
    return starts[:-1] if share < _LEAST_SHARE and len(starts) > 1 else starts


def _part(state: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): weight for name, weight in state.items() if name.startswith(prefix)}
