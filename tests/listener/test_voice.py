import numpy as np
import pytest

from nodes.listener.config import VoiceConfig
from nodes.listener.voice import WINDOW_MS, WINDOW_SAMPLES, SileroState, SileroVad, VoicePhase, VoiceTracker

CONFIG = VoiceConfig()
NEEDED = round(CONFIG.min_speech_ms / WINDOW_MS)


def track(probabilities: list[float], tracker: VoiceTracker | None = None) -> VoiceTracker:
    tracker = tracker or VoiceTracker()
    first = tracker.now_sample // WINDOW_SAMPLES
    for number, probability in enumerate(probabilities, first):
        tracker.update(probability, number * WINDOW_SAMPLES, CONFIG)
    return tracker


@pytest.fixture(scope="module")
def vad() -> SileroVad:
    return SileroVad()


def probabilities(vad: SileroVad, sound: np.ndarray) -> list[float]:
    state = SileroState()
    starts = range(0, len(sound) - WINDOW_SAMPLES + 1, WINDOW_SAMPLES)
    return [vad.probability(sound[start : start + WINDOW_SAMPLES], state) for start in starts]


def padded(sound: np.ndarray) -> np.ndarray:
    return np.pad(sound, 8_000).astype(np.float32)


def test_the_onset_is_the_first_voiced_window_although_it_is_noticed_later():
    tracker = track([0.0] * 10 + [0.9] * NEEDED)
    assert tracker.phase is VoicePhase.SPEAKING
    assert tracker.onset_sample == 10 * WINDOW_SAMPLES
    assert tracker.now_sample == (10 + NEEDED) * WINDOW_SAMPLES


def test_a_short_burst_is_no_voice():
    tracker = track([0.9] * (NEEDED - 1) + [0.0] * 3)
    assert tracker.phase is VoicePhase.SILENT
    assert track([0.9] * (NEEDED - 1) + [0.0] * 3, tracker).phase is VoicePhase.SILENT


def test_bursts_with_short_gaps_add_up_to_a_voice():
    assert track([0.9, 0.9, 0.9, 0.1, 0.9, 0.9, 0.9]).phase is VoicePhase.SPEAKING


def test_a_voice_goes_on_at_probabilities_that_would_not_start_it():
    speaking = track([0.9] * NEEDED + [0.4] * 5)
    assert speaking.silence_ms == 0
    assert track([0.4] * 20).phase is VoicePhase.SILENT


def test_silence_is_counted_from_the_last_voiced_window():
    tracker = track([0.9] * NEEDED + [0.1] * 4)
    assert tracker.silence_ms == pytest.approx(4 * WINDOW_MS)
    assert tracker.voice_end_sample == NEEDED * WINDOW_SAMPLES


def test_the_end_of_a_pause_is_known():
    tracker = track([0.9] * NEEDED + [0.1] * 5 + [0.9])
    assert tracker.resumed_sample == (NEEDED + 5) * WINDOW_SAMPLES
    assert tracker.onset_sample == 0


def test_silero_hears_speech_from_its_first_syllable_to_its_last(vad, say):
    speech = say("How old is the lighthouse, and who built it?")
    voiced = np.array(probabilities(vad, padded(speech))) > CONFIG.start_probability
    first, last = np.nonzero(voiced)[0][[0, -1]] * WINDOW_MS
    assert first == pytest.approx(500, abs=130)
    assert last == pytest.approx(500 + len(speech) / 16, abs=200)
    assert voiced[int(700 // WINDOW_MS) : int((len(speech) / 16 + 300) // WINDOW_MS)].mean() > 0.8


@pytest.mark.parametrize("name", ["silence", "white noise", "hum", "clicks", "coughs"])
def test_silero_hears_no_voice_in_noise(vad, name):
    rng = np.random.default_rng(4)
    at_s = np.arange(32_000) / 16_000
    burst = rng.normal(0, 0.5, 3_200) * np.exp(-np.arange(3_200) / 800)
    sounds = {
        "silence": np.zeros(32_000),
        "white noise": rng.normal(0, 0.1, 32_000),
        "hum": 0.3 * sum(np.sin(2 * np.pi * 50 * n * at_s) / n for n in range(1, 12)),
        "clicks": np.where(np.arange(32_000) % 4_000 < 40, 0.9, 0.0),
        "coughs": np.concatenate([np.concatenate([burst, np.zeros(6_400)]) for _ in range(3)]),
    }
    tracker = track(probabilities(vad, padded(sounds[name].astype(np.float32))))
    assert tracker.phase is not VoicePhase.SPEAKING


def test_silero_hears_speech_after_a_minute_of_silence(vad, say):
    state = SileroState()
    quiet = np.random.default_rng(0).normal(0, 1e-3, WINDOW_SAMPLES).astype(np.float32)
    for _ in range(1_875):
        assert vad.probability(quiet, state) < 0.5
    speech = say("Hello there.")
    starts = range(0, len(speech) - WINDOW_SAMPLES, WINDOW_SAMPLES)
    heard = [vad.probability(speech[start : start + WINDOW_SAMPLES], state) for start in starts]
    assert max(heard) > 0.9
