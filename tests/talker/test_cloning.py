from pathlib import Path

import msgspec
import numpy as np
import pytest
import soundfile

from mio.cli.main import main
from mio.contracts.messages import Reply
from mio.errors import MioError
from nodes.talker.clone import read_clone
from nodes.talker.config import TalkerConfig
from nodes.talker.kodama import KodamaVoice
from nodes.talker.models.codec.codec import VoiceCodec, write_codec
from nodes.talker.models.testing import SMALL_CODEC

TEXT = "Nine pale geese, at last."
SAID = Reply(text="Two lost boats.")


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sound") / "me.wav"
    soundfile.write(path, 0.1 * np.random.default_rng(0).normal(size=16_000 * 3), 16_000)
    return path


@pytest.fixture(scope="module")
def cloned(weights: TalkerConfig, recording: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    to = tmp_path_factory.mktemp("voices") / "me"
    words = ["voice", "clone", str(recording), "--text", TEXT, "--to", str(to), "--weights", str(weights.codec)]
    assert main(words) == 0
    return to


def test_a_recording_becomes_its_codes_and_its_phones_in_time(weights: TalkerConfig, cloned: Path) -> None:
    language, prompt = read_clone(cloned, weights.codec)
    assert language == "en" and prompt.codes.shape == (38, 8)
    count = prompt.phones.phone.shape[1]
    assert 15 < count < 30 and int(prompt.phones.word.sum()) == 5
    place, _, advance = (column[0] for column in prompt.pointer)
    assert len(place) == 38 and int(place[0]) == 0 and int(place[-1] + advance[-1]) == count - 1


def test_a_clone_goes_on_from_its_recording_and_says_the_clause_only(weights: TalkerConfig, cloned: Path) -> None:
    voices = [KodamaVoice.read(msgspec.structs.replace(weights, clone=folder)) for folder in (None, cloned)]
    plain, other = ([piece for piece in voice.speak(SAID) if piece is not None] for voice in voices)
    assert [word.text for piece in other for word in piece.words] == ["Two", "lost", "boats"]
    first, second = ([p.symbol for piece in said for p in piece.phones if p.symbol != "sil"] for said in (plain, other))
    assert first == second
    sounds = [np.concatenate([piece.samples for piece in pieces]) for pieces in (plain, other)]
    assert not np.array_equal(sounds[0][:9_600], sounds[1][:9_600])
    german = Reply(text="Guten Tag.", language="de")
    first, second = (next(piece for piece in voice.speak(german) if piece is not None) for voice in voices)
    assert np.array_equal(first.samples, second.samples)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (TEXT * 12, "too short for"),
        ("...", "nothing in '...' is spoken -> say in --text"),
    ],
)
def test_a_text_that_is_not_said_is_one_clear_error(
    weights: TalkerConfig,
    recording: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    text: str,
    message: str,
) -> None:
    to = tmp_path / "voice"
    words = ["voice", "clone", str(recording), "--text", text, "--to", str(to), "--weights", str(weights.codec)]
    assert main(words) == 1
    assert message in capsys.readouterr().err and not to.exists()


def test_a_recording_that_is_too_long_or_of_another_codec_is_refused(
    weights: TalkerConfig, cloned: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    soundfile.write(tmp_path / "long.wav", np.ones(16_000 * 12) * 0.1, 16_000)
    words = ["voice", "clone", str(tmp_path / "long.wav"), "--text", TEXT, "--to", str(tmp_path / "v")]
    assert main([*words, "--weights", str(weights.codec)]) == 1
    assert "12.0 s of sound -> cut it to 1 to 10 s" in capsys.readouterr().err
    write_codec(tmp_path / "other", VoiceCodec(SMALL_CODEC))
    with pytest.raises(MioError, match="made with another codec -> make it with"):
        read_clone(cloned, tmp_path / "other")
    with pytest.raises(MioError, match=r"voice\.kdm"):
        read_clone(tmp_path, weights.codec)
