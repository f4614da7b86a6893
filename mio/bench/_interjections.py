"""What people do while somebody else speaks: interruptions and backchannels, as sound.

Words are spoken by voices of espeak-ng. It spells "mhm" out as letters, so that is synthesised: two hums, the
second one higher, with a breath between them. Coughs, throat clearing, sneezes, knocks and clicks are synthesised:
bursts of filtered noise with the envelopes that such sounds have (a cough: explosion, then a longer, weaker voiced
phase).
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import soxr

from mio.contracts.messages import FloatArray
from mio.contracts.rates import MICROPHONE_HZ
from mio.espeak import speak

INTERRUPTIONS = (
    "Stop!",
    "Wait a moment.",
    "No, I meant something else.",
    "Excuse me, what about the goat?",
    "Hold on.",
    "Sorry, can I ask something else?",
    "What is your name?",
    "Please stop talking.",
    "But how old is the lighthouse?",
    "Hang on, I did not get that.",
    "That is not what I asked.",
    "Who lives on the island with you?",
    "Okay, that is enough, thank you.",
    "Can you tell me about the stars instead?",
    "Wait, wait, wait.",
    "Actually, tell me about your father.",
    "Be quiet please.",
    "Why do you say that?",
    "Let me ask you something different now.",
    "I do not want to hear that story again.",
)

WORDS = ("hmm", "uh huh", "yeah", "right", "okay", "wow", "I see", "oh", "really", "ha ha ha", "yes", "aha")

Wide = npt.NDArray[np.floating]

_RATE_WPM = 165
_PEAK = 0.9


class Interjection(NamedTuple):
    """Something that is heard over the avatar.

    Attributes:
        kind: What it is.
        voice: Who or what makes it.
        sound: ``[n]`` at 16 kHz; all zeros for nothing but the echo.
    """

    kind: str
    voice: str
    sound: FloatArray


def spoken(text: str, voice: str) -> Interjection:
    """A text in a voice of espeak-ng."""
    made = speak(text, voice=voice, rate_wpm=_RATE_WPM)
    sound = np.asarray(soxr.resample(made.samples, made.sample_rate, MICROPHONE_HZ), np.float32)
    return Interjection(text, f"espeak {voice}", sound)


def noises(seed: int) -> list[Interjection]:
    """One of each kind of sound that is no word."""
    draw = np.random.default_rng(seed)
    makers: dict[str, Callable[[np.random.Generator], Wide]] = {
        "cough": _cough,
        "throat clearing": _throat,
        "sneeze": _sneeze,
        "knock": _knock,
        "click": _click,
        "hum": _hum,
        "mhm": _mhm,
        "breath": _breath,
    }
    made = [Interjection(kind, "synthesised", _normal(make(draw))) for kind, make in makers.items()]
    return [*made, Interjection("echo only", "none", np.zeros(MICROPHONE_HZ // 2, np.float32))]


def _cough(draw: np.random.Generator) -> Wide:
    explosion = _band(draw, 0.06, 500.0, 6_000.0) * _decay(0.06, 0.02)
    voiced = _pulses(draw, 0.22, 140.0) * _decay(0.22, 0.07)
    once = np.concatenate([explosion, 0.5 * voiced + 0.3 * _band(draw, 0.22, 400.0, 4_000.0) * _decay(0.22, 0.06)])
    return np.concatenate([once, _silence(0.12), 0.7 * once])


def _throat(draw: np.random.Generator) -> Wide:
    part = _pulses(draw, 0.3, 75.0) * np.hanning(round(0.3 * MICROPHONE_HZ))
    return np.concatenate([part, _silence(0.05), part])


def _sneeze(draw: np.random.Generator) -> Wide:
    inhaled = 0.15 * _band(draw, 0.35, 800.0, 4_000.0) * np.linspace(0.0, 1.0, round(0.35 * MICROPHONE_HZ))
    return np.concatenate([inhaled, _band(draw, 0.25, 1_000.0, 7_500.0) * _decay(0.25, 0.08)])


def _knock(draw: np.random.Generator) -> Wide:
    at = np.arange(round(0.12 * MICROPHONE_HZ)) / MICROPHONE_HZ
    once = (np.sin(2 * np.pi * 160 * at) + 0.5 * np.sin(2 * np.pi * 410 * at)) * np.exp(-at / 0.02)
    return np.concatenate([once, _silence(0.12)] * 3)


def _click(draw: np.random.Generator) -> Wide:
    once = _band(draw, 0.01, 2_000.0, 7_500.0) * _decay(0.01, 0.002)
    return np.concatenate([once, _silence(0.09), once, _silence(0.15), once])


def _hum(draw: np.random.Generator) -> Wide:
    return _pulses(draw, 0.45, 150.0, highest_hz=700.0) * np.hanning(round(0.45 * MICROPHONE_HZ))


def _mhm(draw: np.random.Generator) -> Wide:
    first, second = (
        _pulses(draw, seconds, pitch_hz, highest_hz=700.0) * np.hanning(round(seconds * MICROPHONE_HZ))
        for seconds, pitch_hz in ((0.18, 120.0), (0.26, 150.0))
    )
    return np.concatenate([first, 0.05 * _band(draw, 0.06, 300.0, 3_500.0), second])


def _breath(draw: np.random.Generator) -> Wide:
    return _band(draw, 0.6, 300.0, 3_500.0) * np.hanning(round(0.6 * MICROPHONE_HZ))


def _band(draw: np.random.Generator, seconds: float, low_hz: float, high_hz: float) -> FloatArray:
    """Noise between two frequencies, of unit power."""
    count = round(seconds * MICROPHONE_HZ)
    spectrum = np.fft.rfft(draw.normal(size=count))
    hz = np.fft.rfftfreq(count, 1 / MICROPHONE_HZ)
    noise = np.fft.irfft(spectrum * ((hz >= low_hz) & (hz <= high_hz)), count)
    return (noise / np.sqrt(np.mean(noise**2))).astype(np.float32)


def _pulses(draw: np.random.Generator, seconds: float, pitch_hz: float, highest_hz: float = 2_500.0) -> FloatArray:
    """A voice's harmonics up to a frequency, 6 dB per octave down, with a pitch that wavers; of unit power."""
    at = np.arange(round(seconds * MICROPHONE_HZ)) / MICROPHONE_HZ
    phase = 2 * np.pi * np.cumsum(pitch_hz * (1 + 0.03 * np.sin(2 * np.pi * 5 * at + draw.uniform(0, 6)))) / 16_000
    harmonics = range(1, int(highest_hz / pitch_hz) + 1)
    voice = np.sum([np.sin(number * phase) / number for number in harmonics], axis=0)
    return (voice / np.sqrt(np.mean(voice**2))).astype(np.float32)


def _decay(seconds: float, constant_s: float) -> FloatArray:
    return np.exp(-np.arange(round(seconds * MICROPHONE_HZ)) / MICROPHONE_HZ / constant_s).astype(np.float32)


def _silence(seconds: float) -> FloatArray:
    return np.zeros(round(seconds * MICROPHONE_HZ), np.float32)


def _normal(samples: FloatArray | Wide) -> FloatArray:
    return (_PEAK * samples / np.abs(samples).max()).astype(np.float32)
