from pathlib import Path

import numpy as np
import pytest
import torch
from rich.console import Console

from mio.errors import ConfigError
from mio.training.loop import Plan, train
from mio.training.progress import Progress
from mio.training.run_folder import RunFolder
from nodes.talker.models.codec.codec import VoiceCodec, codebooks, read_codec, write_codec
from nodes.talker.models.codec.sizes import CodecSize
from nodes.talker.models.lm.generation import Sampling, Speaking
from nodes.talker.models.lm.lm import VoiceLm
from nodes.talker.models.lm.shipped import read_learning_lm, read_lm, write_lm
from nodes.talker.models.lm.sizes import LmSize
from nodes.talker.models.lm.steps import LmSteps
from nodes.talker.training.command import trained_lm
from nodes.talker.training.labels import Aligned
from nodes.talker.training.speech_set import SpeechSet
from nodes.talker.training.tokens import (
    SPEEDS,
    Tokens,
    at_speed,
    averages,
    build_tokens,
    encoded,
    manner_of,
    read_tokens,
)
from nodes.talker.training.tts import Rows, TtsTrainee, TtsTraining, judged, side_by_side_rows

SMALL = LmSize(
    entry_width=32,
    speakers=("ada", "other"),
    text_width=24,
    text_layers=1,
    width=48,
    layers=1,
    heads=2,
    window=40,
    depth_width=48,
    depth_layers=1,
    depth_heads=2,
    dropout=0.0,
)


@pytest.fixture(scope="module")
def codec(size: CodecSize) -> VoiceCodec:
    torch.manual_seed(4)
    return VoiceCodec(size).eval().requires_grad_(False)


@pytest.fixture(scope="module")
def tokens(
    codec: VoiceCodec, speech: SpeechSet, aligned: dict[str, Aligned], tmp_path_factory: pytest.TempPathFactory
) -> Tokens:
    folder = tmp_path_factory.mktemp("tokens")
    assert build_tokens(codec, speech, aligned, folder, ("ada",), lambda _: None) == 3 * len(SPEEDS) + 1
    return read_tokens(folder)


def settings(steps: int, batch: int = 3) -> TtsTraining:
    return TtsTraining(size=SMALL, voices=("ada",), batch=batch, rate=8e-3, warm_up=5, steps=steps, ema=0.9)


def test_a_set_becomes_codes_at_several_speeds_with_the_phones_in_step(
    codec: VoiceCodec, speech: SpeechSet, tokens: Tokens
) -> None:
    first = tokens.sentences[: len(SPEEDS)]
    assert [s.speed for s in first] == list(SPEEDS) and {s.utterance for s in first} == {"u0"}
    assert [len(tokens.codes(s)) for s in first] == [15, 17, 15]
    assert [s.starts[-1] for s in first] == [80, 86, 75]
    assert np.array_equal(tokens.codes(first[0]).numpy(), encoded(codec, speech.sound(speech.utterances[0])))
    torch.testing.assert_close(tokens.entries, codebooks(codec))
    faster = [s.manner for s in first if s.manner is not None]
    assert faster[2].rate_octaves - faster[0].rate_octaves == pytest.approx(np.log2(1.07), abs=0.01)
    assert faster[2].pitch_st - faster[0].pitch_st == pytest.approx(12 * np.log2(1.07), abs=0.6)


def test_the_manner_of_a_buzz_is_its_pitch_and_its_rate() -> None:
    times = np.arange(24_000) / 24_000
    buzz = sum(np.sin(2 * np.pi * 200 * k * times) / k for k in range(1, 6)).astype(np.float32)  # type: ignore[union-attr]
    manner = manner_of(0.1 * buzz, 8, 1.0)
    assert manner is not None
    assert manner.pitch_st == pytest.approx(12, abs=0.2) and manner.rate_octaves == pytest.approx(3)
    assert manner_of(np.zeros(24_000, np.float32), 8, 1.0) is None
    assert len(at_speed(buzz, 1.07)) == pytest.approx(24_000 / 1.07, abs=2)


def test_one_sentence_is_learned_and_then_spoken(tokens: Tokens, aligned: dict[str, Aligned]) -> None:
    only = Tokens(tokens.sentences[:1], tokens.codes(tokens.sentences[0]).numpy().astype(np.int16), tokens.entries)
    trainee = TtsTrainee(settings(150, 2), only, aligned)
    figures = [trainee.step() for _ in range(150)]
    begun, ended = figures[0], figures[-1]
    assert ended["semantic"] < 0.3 * begun["semantic"] and ended["advance"] < 0.3
    (sentence,) = only.sentences
    row = Rows(only, aligned, SMALL).row([sentence], "ada", sentence.manner)
    speaking = Speaking(LmSteps(trainee.model.eval()), row.phones, row.voice, 1, Sampling(0.0, 0.0, 0.0))
    frames = [speaking.frame() for _ in range(20)]
    spoken = np.stack([frame.codes for frame in frames if frame is not None])
    assert abs(len(spoken) - 15) <= 2
    assert np.mean(spoken[:8, :2] == row.codes[:8, :2].numpy()) > 0.8


def test_a_training_that_was_stopped_goes_on_as_if_it_had_not_been(
    tokens: Tokens, aligned: dict[str, Aligned], tmp_path: Path
) -> None:
    progress = Progress(Console(quiet=True), "tts")
    for steps in (2, 4):
        train(TtsTrainee(settings(4), tokens, aligned), RunFolder(tmp_path / "cut", settings(4)), Plan(steps), progress)
    whole = TtsTrainee(settings(4), tokens, aligned)
    train(whole, RunFolder(tmp_path / "whole", settings(4)), Plan(4), progress)
    found = trained_lm(tmp_path / "cut", tokens).state_dict()
    for name, value in whole.averaged().items():
        torch.testing.assert_close(found[name], value)
    figures = judged(trained_lm(tmp_path / "cut", tokens), tokens, aligned, ("ada",), "val")
    assert figures.keys() == {"advance", "semantic", "acoustic"}


def test_what_is_beside_a_row_does_not_change_what_is_learned_of_it(
    tokens: Tokens, aligned: dict[str, Aligned]
) -> None:
    rows = Rows(tokens, aligned, SMALL)
    short, long = (rows.row([tokens.sentences[k]], "ada", None) for k in (0, 1))
    batch = side_by_side_rows([short, long])
    assert batch.inside.sum(1).tolist() == [len(short.codes), len(long.codes)]
    assert (batch.pointer.advance >= 0).sum(1).tolist() == [len(short.codes) + 1, len(long.codes) + 1]
    assert batch.voice.known.tolist() == [0.0, 0.0]
    both = rows.row([tokens.sentences[0], tokens.sentences[3]], "nobody", tokens.sentences[3].manner)
    assert len(both.codes) == 30 and both.phones.phone.shape == (1, 8)
    assert both.voice.speaker.tolist() == [SMALL.speakers.index("other")] and both.voice.known.tolist() == [1.0]
    assert both.pointer.place[0, 15:17].tolist() == [3, 5]  # its pause and its first phone begin together


def test_manners_are_told_against_the_speakers_own_average(tokens: Tokens) -> None:
    usual = averages(tokens.sentences)["ada"]
    own = [s.manner.pitch_st for s in tokens.sentences if s.manner and s.speed == 1.0 and s.split == "train"]
    assert usual.pitch_st == pytest.approx(np.mean(own))


def test_a_model_that_was_written_speaks_as_before_and_only_for_its_codec(
    codec: VoiceCodec, tokens: Tokens, aligned: dict[str, Aligned], size: CodecSize, tmp_path: Path
) -> None:
    torch.manual_seed(6)
    model = VoiceLm(SMALL, tokens.entries).eval().requires_grad_(False)
    write_lm(tmp_path / "lm", model)
    write_codec(tmp_path / "codec", codec)
    found = read_lm(tmp_path / "lm", codebooks(read_codec(tmp_path / "codec")))
    row = Rows(tokens, aligned, SMALL).row([tokens.sentences[0]], "ada", None)
    ways = [Speaking(LmSteps(m), row.phones, row.voice, 3, Sampling(0.0, 0.0, 0.0)).frame() for m in (model, found)]
    assert ways[0] is not None and ways[1] is not None and np.mean(ways[0].codes == ways[1].codes) >= 0.75
    with pytest.raises(ConfigError, match="another codec's codes -> take codec and voice from one training"):
        read_lm(tmp_path / "lm", tokens.entries + 0.1)
    with pytest.raises(ConfigError, match="another codec's codes"):
        read_lm(tmp_path / "lm", tokens.entries[:, :, :8])


def test_a_model_that_was_written_is_gone_on_from_by_other_speakers_and_with_other_codes(
    tokens: Tokens, aligned: dict[str, Aligned], tmp_path: Path
) -> None:
    torch.manual_seed(6)
    first = TtsTrainee(settings(60), tokens, aligned)
    begun = [first.step()["semantic"] for _ in range(60)]
    write_lm(tmp_path, first.model)
    again = read_learning_lm(tmp_path, ("bob", "ada", "other"), tokens.entries)
    old, new = (model.speaker.weight.detach() for model in (first.model, again))
    torch.testing.assert_close(new, old[[1, 0, 1]], atol=1e-3, rtol=1e-3)
    figures = [TtsTrainee(settings(4), tokens, aligned, again).step() for _ in range(4)]
    assert figures[0]["semantic"] < 0.8 * begun[0]
    other = read_learning_lm(tmp_path, SMALL.speakers, tokens.entries + 0.1)
    assert other.books.fingerprint != first.model.books.fingerprint
    with pytest.raises(ConfigError, match="codec of another size -> leave --language-model out"):
        read_learning_lm(tmp_path, SMALL.speakers, tokens.entries[:, :, :8])


def test_tokens_that_were_not_made_are_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="run the stage tokens first"):
        read_tokens(tmp_path)
