from collections.abc import Callable

import numpy as np
import pytest
import soxr

from mio.contracts.arkit import ARKIT_INDEX
from mio.contracts.messages import Speech
from mio.contracts.rates import FACE_FPS, MICROPHONE_HZ, SPEECH_HZ
from mio.measure.mouth import MouthGauge
from nodes.face.models.voice import log_mel
from nodes.face.training.captures import Capture
from nodes.face.training.conversations import MELS_PER_FRAME, SAMPLES_PER_FRAME, cast_of, converse
from nodes.face.training.performance import Placed, Scene, perform
from nodes.face.training.prior import Pool
from nodes.face.training.sentences import SAMPLES_PER_MEL, Sentence, Sentences, as_int16
from nodes.face.utterance import Utterance

Speak = Callable[..., list[Speech]]


@pytest.fixture
def sentences(speak: Speak, sentence: list[tuple[str, float, int]]) -> Sentences:
    chunks = speak(sentence)
    utterance = Utterance(1)
    for chunk in chunks:
        utterance.add(chunk)
    mel = log_mel(np.concatenate([chunk.samples for chunk in chunks]), SPEECH_HZ)
    cues = [("onset", 0.08), ("peak", 0.7), ("pause", 2.0), ("end", 3.9)]
    entries = [Sentence(name, "train", utterance, cues, 0, len(mel)) for name in ("one", "two")]
    return Sentences(entries, mel.astype(np.float16))


@pytest.fixture
def pool() -> Pool:
    frames = np.zeros((400, 112), np.float32)
    frames[:, ARKIT_INDEX["mouthSmileLeft"]] = 0.3
    frames[:, ARKIT_INDEX["browDownLeft"]] = 0.1 * np.sin(np.arange(400) / 9)
    clip = Capture("clip", frames)
    return Pool([clip], [clip], [np.zeros((200, 3), np.float32)])


def test_lips_of_an_own_sentence_close_for_bilabials_and_open_for_vowels(
    sentences: Sentences, pool: Pool, sentence: list[tuple[str, float, int]], gauge: MouthGauge
) -> None:
    prior = pool.draw(150, np.random.default_rng(0))
    said = Placed(sentences.entries[0], 1.0)
    frames = perform(prior, Scene([said], [], np.random.default_rng(0)))
    starts_s = 1.0 + np.concatenate([[0.0], np.cumsum([seconds for _, seconds, _ in sentence])])
    shape = gauge.measure(frames)
    for (symbol, seconds, _), start_s in zip(sentence, starts_s[:-1], strict=True):
        inside = slice(int(start_s * FACE_FPS), int((start_s + seconds) * FACE_FPS) + 2)
        if symbol in "pbm":
            assert shape.widest_gap_mm[inside].min() <= 0.5, symbol
    assert shape.gap_mm[25:100, 0].max() > 5.0
    assert np.array_equal(frames[:, 106:], prior[:, 106:])


def test_a_listener_raises_brows_and_nods_more_than_without_anybody_to_listen_to(
    sentences: Sentences, pool: Pool
) -> None:
    prior = pool.draw(150, np.random.default_rng(0))
    heard = [Placed(sentences.entries[1], 1.0)]
    performed = [perform(prior, Scene([], heard, np.random.default_rng(seed))) for seed in range(12)]
    brows = [float(frames[:, ARKIT_INDEX["browInnerUp"]].max()) for frames in performed]
    nods = [float(np.ptp(frames[:, 100])) for frames in performed]
    assert 3 <= sum(brow > 0.15 for brow in brows) <= 12
    assert 2 <= sum(nod > 0.04 for nod in nods) <= 11
    alone = perform(prior, Scene([], [], np.random.default_rng(0)))
    assert max(np.abs(frames[:25] - alone[:25]).max() for frames in performed) < 1e-6


def test_a_conversation_has_both_voices_where_their_faces_speak(sentences: Sentences, pool: Pool) -> None:
    one, other = converse(cast_of(sentences.entries), sentences, pool, np.random.default_rng(1))
    for person in (one, other):
        assert len(person.mel) == MELS_PER_FRAME * len(person.frames)
        assert 0.1 < person.speaking.mean() < 0.9
        level = person.mel.astype(np.float32).max(1).reshape(-1, MELS_PER_FRAME).max(1)
        assert level[person.speaking].mean() > level[~person.speaking].mean() + 0.3
        jaw = person.frames[:, ARKIT_INDEX["jawOpen"]].astype(np.float32)
        assert jaw[person.speaking].std() > 2 * jaw[~person.speaking].std()
    assert (one.speaking & other.speaking).mean() < 0.2
    assert not len(one.sound), "no sound was kept of the sentences"


def test_the_sound_of_a_conversation_is_that_of_its_log_mel(
    sentences: Sentences, pool: Pool, speak: Speak, sentence: list[tuple[str, float, int]]
) -> None:
    samples = np.concatenate([chunk.samples for chunk in speak(sentence)])
    at_16_khz = soxr.resample(samples, SPEECH_HZ, MICROPHONE_HZ)
    kept = sentences._replace(sound=as_int16(at_16_khz, SAMPLES_PER_MEL * len(sentences.mel)))
    for person in converse(cast_of(kept.entries), kept, pool, np.random.default_rng(1)):
        assert len(person.sound) == SAMPLES_PER_FRAME * len(person.frames)
        heard = log_mel(person.sound.astype(np.float32) / 32768, MICROPHONE_HZ)
        told = person.mel.astype(np.float32)
        speaks = np.repeat(person.speaking, MELS_PER_FRAME)
        assert np.median(np.abs(heard.max(1) - told.max(1))[speaks]) < 0.1, "2 dB"
        assert abs(np.median(heard[~speaks]) - np.median(told[~speaks])) < 0.25, "a room of the same level, 5 dB"
