import io
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from mio.errors import ConfigError
from mio.speech_set import read_manifest, read_recording


def test_a_recording_is_read_from_its_place_in_the_tar(tmp_path: Path) -> None:
    wav = io.BytesIO()
    sound = np.sin(np.arange(800) / 9).astype(np.float32) / 2
    soundfile.write(wav, sound, 22_050, format="WAV", subtype="FLOAT")
    (tmp_path / "speech").mkdir()
    (tmp_path / "speech" / "a.tar").write_bytes(b"x" * 512 + wav.getvalue() + b"y" * 512)
    row = {"tar": "a.tar", "offset": 512, "size": len(wav.getvalue())}
    (tmp_path / "speech" / "manifest.jsonl").write_text(json.dumps(row) + "\n")
    assert read_manifest(tmp_path) == [row]
    found, rate = read_recording(tmp_path, row)
    assert rate == 22_050 and found.dtype == np.float32
    np.testing.assert_array_equal(found, sound)


def test_what_is_missing_or_no_sound_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"manifest\.jsonl.* -> name a data folder"):
        read_manifest(tmp_path)
    (tmp_path / "speech").mkdir()
    row = {"tar": "a.tar", "offset": 0, "size": 100}
    with pytest.raises(ConfigError, match=r"a\.tar: .*No such file.* -> name a data folder"):
        read_recording(tmp_path, row)
    (tmp_path / "speech" / "a.tar").write_bytes(bytes(512))
    with pytest.raises(ConfigError, match=r"a\.tar: .* -> name a data folder"):
        read_recording(tmp_path, row)
