from pathlib import Path

import numpy as np
import pytest

from mio.errors import ConfigError
from nodes.body.flood.stream import FloodStream
from nodes.body.flood.texts import Umt5Encoder, text_encoder
from nodes.body.models.sampler import Guidance

transformers = pytest.importorskip("transformers")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small UMT5 with a few words, as transformers writes one."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    words = ["<pad>", "</s>", "<unk>", "a", "person", "walks", "waves"]
    tokenizer = Tokenizer(models.WordLevel({word: number for number, word in enumerate(words)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    folder = tmp_path_factory.mktemp("umt5")
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="</s>", unk_token="<unk>"
    ).save_pretrained(folder)
    size = {"d_model": 24, "d_kv": 4, "d_ff": 16, "num_layers": 1, "num_heads": 2, "vocab_size": len(words)}
    transformers.UMT5EncoderModel(transformers.UMT5Config(**size)).save_pretrained(folder)
    return folder


def test_a_text_becomes_a_state_per_token_and_its_end(folder):
    walks, waves = text_encoder(folder).read(["a person walks", "a person waves"])
    assert walks.states.shape == (4, 24) and walks.states.dtype == np.float32
    assert np.abs(walks.states - waves.states).max() > 1e-3
    np.testing.assert_array_equal(Umt5Encoder(folder).read(["a person walks"])[0].states, walks.states)


def test_weights_that_were_trained_on_another_encoder_are_refused(folder, networks):
    with pytest.raises(ConfigError, match="24 channels, its weights want 384"):
        FloodStream(networks, Umt5Encoder(folder), Guidance())


def test_a_folder_without_a_model_is_one_clear_error(tmp_path):
    with pytest.raises(ConfigError, match="no UMT5 in"):
        text_encoder(tmp_path)
