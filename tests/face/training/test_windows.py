import numpy as np
import torch

from nodes.face.models.columns import modelled
from nodes.face.models.sizes import FaceSize
from nodes.face.models.voice import SILENT
from nodes.face.training.conversations import SAMPLES_PER_FRAME
from nodes.face.training.data_set import Tracks
from nodes.face.training.windows import Windows


def test_a_window_holds_what_came_before_and_both_voices_of_its_time(tracks: Tracks, size: FaceSize) -> None:
    windows = Windows(tracks, size)
    window = windows.at(np.array([1, 2]), np.array([130, 250]), np.random.default_rng(0))
    frames = modelled(torch.from_numpy(tracks.frames.astype(np.float32)))
    assert torch.equal(window.chunk[0], frames[130:135])
    assert torch.equal(window.previous[0], frames[120:130])
    own = torch.from_numpy(tracks.mel[125 * 4 : 135 * 4].astype(np.float32))
    other = torch.from_numpy(tracks.mel[25 * 4 : 35 * 4].astype(np.float32))
    assert torch.equal(window.own.voice[0] > -1, own > -1)
    assert torch.equal(window.other.voice[0] > -1, other > -1)
    assert (window.other.voice[1] == SILENT).all()


def test_a_window_for_a_pretrained_encoder_holds_the_sound_of_its_time(tracks: Tracks, size: FaceSize) -> None:
    sound = np.arange(len(tracks.frames) * SAMPLES_PER_FRAME) % 30_000
    windows = Windows(tracks._replace(sound=sound.astype(np.int16)), size.hearing("wav2vec2", 8))
    window = windows.at(np.array([1, 2]), np.array([130, 250]), np.random.default_rng(0))
    for heard, first in ((window.own, 125), (window.other, 25)):
        told = torch.from_numpy(sound[first * SAMPLES_PER_FRAME :][: 10 * SAMPLES_PER_FRAME]).float() / 32768
        gain = heard.voice[0, 5] / told[5]
        assert 0.5 < gain < 2.0
        torch.testing.assert_close(heard.voice[0], gain * told, rtol=1e-4, atol=1e-5)
        assert heard.known.shape == heard.voice.shape
    assert not window.other.voice[1].any(), "nobody is there"


def test_the_other_voice_is_mostly_unknown_once_the_chunk_begins_and_the_own_one_known(
    tracks: Tracks, size: FaceSize
) -> None:
    window = Windows(tracks, size).draw(200, np.random.default_rng(0))
    chunk = slice(4 * size.generator.audio_before, None)
    assert 0.7 < float((window.other.known[:, chunk].sum(1) == 0).float().mean()) < 0.99
    assert float((window.own.known[:, chunk].min(1).values == 1).float().mean()) > 0.8
    assert (window.own.known.diff(dim=1) <= 0).all()


def test_shares_of_speakers_and_of_faces_by_themselves_are_those_that_were_asked_for(
    tracks: Tracks, size: FaceSize
) -> None:
    windows, rng = Windows(tracks, size), np.random.default_rng(0)
    alone = windows.draw(200, rng, alone=1.0)
    speakers = windows.draw(200, rng, alone=0.0, speaking=1.0)
    middle = 4 * size.generator.audio_before + 4 * (size.codec.frames // 2)
    assert (alone.own.voice.amax(2)[:, middle] < -1.0).all()
    assert (speakers.own.voice.amax(2)[:, middle] > -1.0).all()
