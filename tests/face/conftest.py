from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from mio.bench._face_stage import Stage
from mio.contracts.messages import Speech
from mio.contracts.phones import PHONES
from mio.contracts.rates import MICROPHONE_HZ, SPEECH_FRAME_SAMPLES, SPEECH_HZ
from mio.measure.mouth import MouthGauge
from nodes.face.config import FaceConfig
from nodes.face.engine import VisemeEngine

CHUNK = 5 * SPEECH_FRAME_SAMPLES

# "Papa moved five big boats; who saw my shoes?" and more, by hand: phone, seconds, stress.
SENTENCE = [
    ("p", 0.09, 0), ("ɑː", 0.14, 1), ("p", 0.09, 0), ("ə", 0.08, 0),
    ("m", 0.08, 0), ("uː", 0.13, 1), ("v", 0.07, 0), ("d", 0.05, 0),
    ("f", 0.1, 0), ("aɪ", 0.17, 1), ("v", 0.08, 0),
    ("b", 0.08, 0), ("ɪ", 0.09, 1), ("ɡ", 0.07, 0),
    ("b", 0.08, 0), ("oʊ", 0.16, 1), ("t", 0.08, 0), ("s", 0.1, 0), ("sil", 0.3, 0),
    ("h", 0.06, 0), ("uː", 0.16, 1), ("s", 0.1, 0), ("ɔː", 0.17, 1),
    ("m", 0.08, 0), ("aɪ", 0.15, 2), ("ʃ", 0.11, 0), ("uː", 0.17, 1), ("z", 0.1, 0), ("sil", 0.2, 0),
]  # fmt: skip


def sound_of(symbol: str, seconds: float, noise: np.random.Generator) -> np.ndarray:
    count = round(seconds * SPEECH_HZ)
    times = np.arange(count) / SPEECH_HZ
    hum, hiss = np.sin(2 * np.pi * 140.0 * times), noise.normal(0.0, 1.0, count)
    phone = PHONES[symbol]
    if phone.manner == "silence":
        return np.zeros(count)
    if phone.manner == "vowel":
        return 0.3 * hum
    if phone.manner in ("plosive", "affricate"):
        closed = times < 0.75 * seconds
        return np.where(closed, 0.02 * hum if phone.voiced else 0.0, 0.1 * hiss)
    return 0.08 * hum if phone.manner == "nasal" else 0.05 * hiss + (0.06 * hum if phone.voiced else 0.0)


def speech(
    phones: Sequence[tuple[str, float, int]],
    *,
    segment_id: int = 1,
    emotion: str = "neutral",
    index: int = 0,
    start_sample: int = 0,
    fin: bool = True,
    listed: bool = True,
) -> list[Speech]:
    noise = np.random.default_rng(5)
    sound = np.concatenate([sound_of(symbol, seconds, noise) for symbol, seconds, _ in phones])
    sound = np.concatenate([sound, np.zeros(-len(sound) % SPEECH_FRAME_SAMPLES)]).astype(np.float32)
    starts_s = start_sample / SPEECH_HZ + np.concatenate([[0.0], np.cumsum([seconds for _, seconds, _ in phones])])
    chunks: list[Speech] = []
    for at in range(0, len(sound), CHUNK):
        first = listed and at == 0
        chunks.append(
            Speech(
                segment_id=segment_id,
                samples=sound[at : at + CHUNK],
                start_sample=start_sample + at,
                index=index,
                emotion=emotion,
                intensity=0.8,
                phones=[symbol for symbol, _, _ in phones] if first else [],
                phone_start_s=[float(start_s) for start_s in starts_s[:-1]] if first else [],
                phone_stress=[stress for _, _, stress in phones] if first else [],
                fin=fin and at + CHUNK >= len(sound),
            )
        )
    return chunks


def user_voice(seconds: float, *, speaks_s: float = 2.5, pauses_s: float = 0.6, seed: int = 3) -> np.ndarray:
    """Syllables at 4 per second with a falling melody in each phrase, pauses between phrases, and a little noise."""
    generator = np.random.default_rng(seed)
    times = np.arange(round(seconds * MICROPHONE_HZ)) / MICROPHONE_HZ
    phrase = times % (speaks_s + pauses_s)
    speaking = phrase < speaks_s
    pitch_hz = 150.0 - 45.0 * phrase / speaks_s
    syllables = 0.55 + 0.45 * np.cos(2 * np.pi * 4.0 * times + np.pi)
    loudness = 0.15 * np.exp(0.35 * np.sin(2 * np.pi * 0.21 * times))
    carrier = sum(np.sin(np.cumsum(2 * np.pi * k * pitch_hz / MICROPHONE_HZ)) / k for k in range(1, 6))
    voice = np.where(speaking, loudness * syllables * carrier, 0.0)
    return (voice + generator.normal(0.0, 0.002, len(voice))).clip(-1.0, 1.0).astype(np.float32)


@pytest.fixture(scope="session")
def gauge() -> MouthGauge:
    return MouthGauge()


@pytest.fixture(scope="session")
def sentence() -> list[tuple[str, float, int]]:
    return SENTENCE


@pytest.fixture(scope="session")
def speak() -> Callable[..., list[Speech]]:
    return speech


@pytest.fixture(scope="session")
def voice_of_user() -> Callable[..., np.ndarray]:
    return user_voice


@pytest.fixture
def stage() -> Callable[..., Stage]:
    """A stage with a face of a seed and further configuration on it."""
    return lambda seed=1, **config: Stage(VisemeEngine(FaceConfig(seed=seed, **config)))


@pytest.fixture(scope="session")
def encoder_folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Both encoders, tiny and untrained, as transformers writes them; wav2vec 2.0 in the layout of XLS-R."""
    torch, transformers = pytest.importorskip("torch"), pytest.importorskip("transformers")
    transformers.utils.logging.disable_progress_bar()
    torch.manual_seed(0)
    at = tmp_path_factory.mktemp("encoders")
    wav2vec2 = transformers.Wav2Vec2Config(
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        conv_dim=(8,) * 7,
        conv_bias=True,
        feat_extract_norm="layer",
        do_stable_layer_norm=True,
        num_conv_pos_embeddings=16,
        num_conv_pos_embedding_groups=2,
    )
    transformers.Wav2Vec2Model(wav2vec2).save_pretrained(at / "wav2vec2")
    mimi = transformers.MimiConfig(
        hidden_size=16,
        num_filters=4,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=2,
        head_dim=8,
        intermediate_size=32,
        codebook_size=16,
        codebook_dim=8,
        vector_quantization_hidden_dimension=8,
        num_quantizers=4,
        upsample_groups=16,
    )
    transformers.MimiModel(mimi).save_pretrained(at / "mimi")
    return {"wav2vec2": at / "wav2vec2", "mimi": at / "mimi"}
