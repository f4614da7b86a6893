import numpy as np
import pytest

from nodes.face.models.sizes import CodecSize, FaceSize, GeneratorSize, VoiceSize
from nodes.face.models.voice import MELS
from nodes.face.training.data_set import Tracks


@pytest.fixture(scope="session")
def size() -> FaceSize:
    return FaceSize(
        codec=CodecSize(scales=(1, 3, 5), bits=16, width=32, layers=1, heads=2),
        generator=GeneratorSize(width=32, layers=2, heads=2, audio_width=16, previous_chunks=2, audio_before=5),
        voice=VoiceSize(width=16, layers=1),
    )


@pytest.fixture(scope="session")
def tracks() -> Tracks:
    """Two faces that talk to each other, whose jaws open with the level of their voices, and one by itself."""
    count = 100
    times = np.arange(3 * count) / 25
    loud = (np.sin(2 * np.pi * 1.3 * times) > 0).astype(np.float32)
    loud[2 * count :] = 0.0
    frames = np.zeros((3 * count, 112), np.float32)
    frames[:, 24] = 0.4 * loud
    frames[:, 2] = 0.3 + 0.3 * np.sin(2 * np.pi * 0.5 * times)
    frames[:, 101] = 0.1 * np.sin(2 * np.pi * 0.3 * times)
    mel = np.repeat(2.0 * loud - 2.0, 4)[:, None] * np.ones(MELS, np.float32)
    return Tracks(
        frames.astype(np.float16),
        mel.astype(np.float16),
        loud > 0,
        np.array([0, count, 2 * count, 3 * count]),
        np.array([1, 0, -1]),
    )
