from pathlib import Path

import msgspec
import pytest

from mio.config import load_config
from mio.errors import ConfigError


class Voice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str = "annie"
    rate_wpm: int = 170


class TalkerConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    engine: str = "espeak"
    character: Path = Path("none")
    seed: int = 0
    voice: Voice = Voice()


def write(folder: Path, text: str) -> dict[str, str]:
    path = folder / "mio.config.yml"
    path.write_text(text)
    return {"MIO_CONFIG": str(path)}


def test_defaults_apply_without_a_file() -> None:
    assert load_config("talker", TalkerConfig, {}) == TalkerConfig()


def test_the_section_of_the_node_is_read_and_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    env = write(tmp_path, "talker:\n  engine: kodama\n  character: packs/mara\n  voice: {rate_wpm: 150}\n")
    config = load_config("talker", TalkerConfig, env)
    assert config == TalkerConfig("kodama", tmp_path / "packs/mara", 0, Voice(rate_wpm=150))


def test_shared_keys_reach_nodes_that_have_them_and_the_section_wins(tmp_path: Path) -> None:
    env = write(tmp_path, "shared: {seed: 3, unheard_of: 1}\ntalker: {engine: kodama}\nface: {seed: 9}\n")
    assert load_config("talker", TalkerConfig, env).seed == 3
    assert load_config("face", TalkerConfig, env).seed == 9


def test_the_environment_overrides_the_file(tmp_path: Path) -> None:
    env = write(tmp_path, "talker: {engine: kodama, voice: {name: linda}}\n")
    env |= {"MIO_TALKER__SEED": "7", "MIO_TALKER__VOICE__RATE_WPM": "140", "MIO_SHARED__ENGINE": "x"}
    config = load_config("talker", TalkerConfig, env)
    assert (config.engine, config.seed, config.voice) == ("kodama", 7, Voice("linda", 140))


@pytest.mark.parametrize(
    ("text", "place", "says"),
    [
        ("talker:\n  enginee: kodama\n", ":2: talker: unknown key 'enginee'", "did you mean 'engine'?"),
        ("talker:\n  voice:\n    speed: 3\n", ":3: talker.voice: unknown key 'speed'", "known: name, rate_wpm"),
        ("talker:\n  seed: many\n", ":2: talker.seed: Expected `int`, got `str`", "correct the value"),
        ("talker:\n  voice: {rate_wpm: fast}\n", ":2: talker.voice.rate_wpm:", "correct the value"),
        ("talker: kodama\n", ":1: section 'talker' has no keys", "write 'key: value'"),
        ("- talker\n", ":1: expected named sections", "talker:"),
        ("talker:\n  engine: [\n", ":3:1:", "mend the YAML"),
        ("talker:\n\tengine: x\n", ":2:1:", "mend the YAML"),
    ],
)
def test_an_error_names_file_line_key_and_remedy(tmp_path: Path, text: str, place: str, says: str) -> None:
    env = write(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load_config("talker", TalkerConfig, env)
    assert f"mio.config.yml{place}" in str(caught.value)
    assert says in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.yml: No such file.*MIO_CONFIG"):
        load_config("talker", TalkerConfig, {"MIO_CONFIG": str(tmp_path / "nowhere.yml")})


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mio.config.yml"
    path.write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(ConfigError, match=r"mio\.config\.yml: "):
        load_config("talker", TalkerConfig, {"MIO_CONFIG": str(path)})
