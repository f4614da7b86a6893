from pathlib import Path

import msgspec
import pytest
from safetensors.numpy import load_file

from mio.errors import ConfigError
from nodes.thinker.training import reader, relevance
from nodes.thinker.training.tales import Question, Tale, load_library

SECTIONS = (
    "A fox lived under a stone. He was very hungry. He had eaten nothing but a beetle.",
    "One day he met a goose. The goose gave him three silver coins, because she was afraid.",
    "He bought a cake with them at the mill. The miller laughed at him for an hour.",
)
ASKED = [("What had the fox eaten?", "a beetle", 1), ("What did the goose give him?", "three silver coins", 2)]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    tales = [Tale(f"tale {number}", "train", SECTIONS) for number in range(3)]
    asked = [
        Question(tale.story, "train", f"{tale.story}#{n}", question, (answer,), (section,), section, True)
        for tale in tales
        for n, (question, answer, section) in enumerate(ASKED * 8)
    ]
    (folder / "stories.jsonl").write_bytes(b"\n".join(map(msgspec.json.encode, tales)))
    (folder / "qa.jsonl").write_bytes(b"\n".join(map(msgspec.json.encode, asked)))
    return folder


@pytest.mark.parametrize("name", ["relevance", "reader"])
def test_a_training_learns_and_is_the_same_again(data: Path, tmp_path: Path, name: str):
    module = {"relevance": relevance, "reader": reader}[name]
    settings = module.Settings(folds=3, epochs=3)
    for folder in ("one", "two"):
        module.learn(data, tmp_path / folder, tmp_path / "states", settings)
    log = [msgspec.json.decode(line) for line in (tmp_path / "one" / "log.jsonl").read_bytes().splitlines()]
    assert log[-1]["loss"] < log[0]["loss"]
    one, two = (load_file(tmp_path / folder / name / "weights.safetensors") for folder in ("one", "two"))
    assert all((one[key] == two[key]).all() for key in one)


def test_a_fold_has_other_tales_than_the_rest(data: Path):
    rest, held_out = load_library(data, "train").fold(1, 3)
    assert list(held_out.tales) == ["tale 1"]
    assert not set(rest.tales) & set(held_out.tales)


def test_a_malformed_row_is_named_with_its_line(data: Path):
    with (data / "qa.jsonl").open("ab") as file:
        file.write(b'\n{"story": 1}')
    with pytest.raises(ConfigError, match=r"qa\.jsonl:49"):
        load_library(data, "train")


def test_missing_data_is_one_clear_error(tmp_path: Path):
    with pytest.raises(ConfigError, match=r"stories\.jsonl"):
        load_library(tmp_path, "train")
