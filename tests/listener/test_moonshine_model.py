from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from mio.errors import MioError
from nodes.listener.config import MoonshineConfig
from nodes.listener.moonshine import model_folder
from nodes.listener.moonshine_model import Memory, MoonshineModel
from nodes.listener.moonshine_weights import Weights
from nodes.listener.tokens import END, START

LAYERS, HEADS, HEAD_DIM = 6, 8, 36


@pytest.fixture(scope="module")
def model() -> MoonshineModel:
    return MoonshineModel(model_folder(MoonshineConfig()))


@pytest.fixture(scope="module")
def sound(say) -> np.ndarray:
    return np.pad(say("What would you like to eat in the winter?"), 3_200)


def published(name: str) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(str(model_folder(MoonshineConfig()) / f"{name}.ort"))


def published_log_probabilities(sound: np.ndarray, tokens: list[int]) -> np.ndarray:
    feed = {"input_values": sound[None], "attention_mask": np.ones((1, len(sound)), np.int64)}
    hidden = published("encoder_model").run(None, feed)[0]
    feed = {
        "input_ids": np.array([tokens]),
        "encoder_hidden_states": hidden,
        "encoder_attention_mask": np.ones((1, hidden.shape[1] * 384), np.int64),
        "use_cache_branch": np.array([False]),
    }
    empty = np.zeros((1, HEADS, 0, HEAD_DIM), np.float32)
    for layer in range(LAYERS):
        for part in ("decoder.key", "decoder.value", "encoder.key", "encoder.value"):
            feed[f"past_key_values.{layer}.{part}"] = empty
    logits = published("decoder_model_merged").run(["logits"], feed)[0][0]
    shifted = logits - logits.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def path(count: int) -> tuple[int, ...]:
    return tuple(range(count))


def spoken(model: MoonshineModel, memory: Memory) -> list[int]:
    tokens = [START]
    while len(tokens) < 30:
        token = int(model.read(memory, tokens[-1:], [path(len(tokens) - 1)]).tokens[0, 0])
        if token == END:
            break
        tokens.append(token)
    return tokens


def test_the_probabilities_are_those_of_the_published_networks(model, sound):
    tokens = spoken(model, model.encode(sound))
    ours = model.read(model.encode(sound), tokens, [path(n) for n in range(len(tokens))])
    theirs = published_log_probabilities(sound, tokens)
    assert len(tokens) > 8
    assert (ours.tokens[:, 0] == theirs.argmax(axis=1)).all()
    best = np.take_along_axis(theirs, ours.tokens[:, :3], axis=1)
    # Quantised networks answer to rounding: the published ones differ as much between a sound and one 1e-5 louder.
    assert np.abs(np.exp(ours.log_probabilities[:, :3]) - np.exp(best)).max() < 0.15


def test_tokens_read_one_by_one_follow_as_if_read_at_once(model, sound):
    memory = model.encode(sound)
    tokens = spoken(model, memory)
    at_once = model.read(model.encode(sound), tokens, [path(n) for n in range(len(tokens))])
    again = model.encode(sound)
    one_by_one = [model.read(again, [token], [path(n)]) for n, token in enumerate(tokens)]
    assert [int(choices.tokens[0, 0]) for choices in one_by_one] == at_once.tokens[:, 0].tolist()
    assert len(again.past) == len(tokens)


def test_branches_of_a_tree_do_not_see_each_other(model, sound):
    tokens = spoken(model, model.encode(sound))
    count = len(tokens)
    alone = model.encode(sound)
    model.read(alone, tokens, [path(n) for n in range(count)])
    alone_choices = model.read(alone, [500], [path(count - 2)])
    crowded = model.encode(sound)
    model.read(crowded, tokens, [path(n) for n in range(count)])
    model.read(crowded, [900, 901], [path(count - 2), (*path(count - 2), count)])
    crowded_choices = model.read(crowded, [500], [path(count - 2)])
    assert crowded_choices.tokens[0, 0] == alone_choices.tokens[0, 0]
    assert np.allclose(crowded_choices.log_probabilities[0], alone_choices.log_probabilities[0], atol=1e-3)


def test_choices_are_ordered_and_are_probabilities(model, sound):
    choices = model.read(model.encode(sound), [START], [()])
    assert (np.diff(choices.log_probabilities[0]) <= 0).all()
    assert 0.5 < np.exp(choices.log_probabilities[0]).sum() <= 1.0001
    assert len(set(choices.tokens[0].tolist())) == choices.tokens.shape[1]


def test_a_file_that_is_no_network_is_one_clear_error(tmp_path: Path):
    broken = tmp_path / "broken.ort"
    broken.write_bytes(b"nothing")
    with pytest.raises(MioError, match="broken.ort"):
        Weights(broken)


def test_a_layer_that_the_network_lacks_is_one_clear_error():
    weights = Weights(model_folder(MoonshineConfig()) / "encoder_model.ort")
    with pytest.raises(MioError, match="no /layers.9/mlp/fc1"):
        weights.projection("/layers.9/mlp/fc1")
    with pytest.raises(MioError, match="no conv9.weight"):
        weights.array("conv9.weight")
