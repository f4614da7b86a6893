import msgspec
import numpy as np
import torch

from nodes.talker.models.codec.sizes import CodecSize
from nodes.talker.training.labels import Aligned
from nodes.talker.training.phones import PhoneTraining, TeacherTrainee, gathered, hear, recognised
from nodes.talker.training.speech_set import SpeechSet


def settings(size: CodecSize, steps: int) -> PhoneTraining:
    return PhoneTraining("teacher", size, batch=3, rate=1e-2, warm_up=5, steps=steps, ema=0.9)


def test_phones_are_heard_frame_by_frame(size: CodecSize, speech: SpeechSet, aligned: dict[str, Aligned]) -> None:
    teacher = TeacherTrainee(settings(size, 40), speech, aligned)
    for _ in range(40):
        teacher.step()
    assert recognised(teacher.model, speech, aligned, "val") > 0.8


def test_an_answer_hears_no_later_than_it_is_allowed_to(
    size: CodecSize, speech: SpeechSet, aligned: dict[str, Aligned]
) -> None:
    model = TeacherTrainee(settings(size, 1), speech, aligned).model.eval()
    wave = gathered(speech, speech.utterances[:1]).wave
    changed = wave.clone()
    changed[:, :, 22 * 480 :] = 0.0
    with torch.no_grad():
        before, after = hear(model, wave, 2), hear(model, changed, 2)
    torch.testing.assert_close(before[:, :20], after[:, :20])
    assert (before[:, 20:] - after[:, 20:]).abs().max() > 1e-3


def test_utterances_side_by_side_are_filled_up_with_silence(speech: SpeechSet) -> None:
    short = msgspec.structs.replace(speech.utterances[0], samples=1_000)
    batch = gathered(speech, [short, speech.utterances[1]])
    assert batch.features == [3, 60]
    assert batch.wave.shape == (2, 1, 28_800)
    assert not np.asarray(batch.wave[0, 0, 1_000:]).any()
