import numpy as np
import pytest

from nodes.listener.endpoint import CONTEXT_SAMPLES, EndOfTurnModel, last_seconds, log_mel


@pytest.fixture(scope="module")
def pipecat():
    pytest.importorskip("pipecat.audio.turn.smart_turn.local_smart_turn_v3")
    from pipecat.audio.turn.smart_turn import _whisper_features, local_smart_turn_v3

    return _whisper_features.compute_whisper_log_mel_features, local_smart_turn_v3.LocalSmartTurnAnalyzerV3


@pytest.fixture(scope="module")
def sounds(say) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    question = say("How old is the lighthouse?")
    return {
        "question": np.pad(question, (0, 3_200)),
        "half": question[: len(question) // 2],
        "long": np.tile(question, 6),
        "noise": rng.normal(0, 0.1, 40_000).astype(np.float32),
        "silence": np.zeros(16_000, np.float32),
    }


@pytest.mark.parametrize("name", ["question", "half", "long", "noise", "silence"])
def test_features_are_those_of_pipecat(pipecat, sounds, name):
    reference, _ = pipecat
    sound = last_seconds(sounds[name])
    assert np.abs(log_mel(sound) - reference(sound)).max() < 1e-5


def test_probabilities_are_those_of_pipecat(pipecat, sounds):
    analyzer = pipecat[1](sample_rate=16_000)
    model = EndOfTurnModel()
    for sound in (sounds["question"], sounds["long"]):
        expected = analyzer._predict_endpoint(sound)["probability"]
        assert model.probability(sound) == pytest.approx(expected, abs=1e-4)


def test_only_the_last_eight_seconds_count_and_short_sound_is_padded_in_front():
    sound = np.arange(CONTEXT_SAMPLES + 5, dtype=np.float32)
    assert np.array_equal(last_seconds(sound), sound[5:])
    short = last_seconds(np.ones(10, np.float32))
    assert len(short) == CONTEXT_SAMPLES
    assert short[-10:].sum() == short.sum() == 10
