import numpy as np
import pytest
import torch

from mio.errors import ConfigError
from mio.nn.weights import write_weights
from mio.sentences.encoder import SentenceEncoder, packaged_model
from nodes.thinker.reading.relevance import Heads, WindowIndex, ask, load_heads, told_tokens
from nodes.thinker.reading.terms import TermIndex
from nodes.thinker.training.bert import load_bert
from nodes.thinker.training.relevance import Example, Relevance, Settings, learnt
from nodes.thinker.training.states import pad

TEXTS = ["The wolf blew the house down.", "Then the pigs were glad.", "A fox slept under the old tree for an hour."]
QUESTION = "Why were the pigs glad?"


@pytest.fixture(scope="module")
def model() -> Relevance:
    torch.manual_seed(0)
    made = Relevance(load_bert(packaged_model(), 6)).eval()
    torch.nn.init.normal_(made.importance.weight, std=0.05)
    return made


@pytest.fixture
def heads(model: Relevance, tmp_path_factory: pytest.TempPathFactory) -> Heads:
    folder = tmp_path_factory.mktemp("weights")
    write_weights(folder, learnt(model), Settings())
    return load_heads(folder)


def test_scores_are_those_of_the_network_that_was_trained(model: Relevance, heads: Heads, encoder: SentenceEncoder):
    asked, *told = encoder.read([QUESTION, *TEXTS])
    tokens = [told_tokens(one, heads) for one in told]
    index = WindowIndex(TEXTS, np.stack([one.vector for one in told]), tokens, [False, True, True], heads)
    example = Example(
        question=pad([torch.from_numpy(asked.states)]),
        story=(pad([torch.from_numpy(one.states) for one in told]),),
        order=torch.tensor([0, 1, 2]),
        evidence=torch.ones(1, 3, dtype=torch.bool),
        words=torch.from_numpy(TermIndex(TEXTS).scores(QUESTION))[None],
        meaning=torch.tensor([[float(asked.vector @ one.vector) for one in told]]),
    )
    with torch.no_grad():
        expected = model(example)[0].numpy()
    assert index.compare(ask(QUESTION, asked, heads)).scores == pytest.approx(expected, abs=0.05)


def test_states_of_the_frozen_layers_are_those_of_the_packaged_encoder(encoder: SentenceEncoder):
    bert = load_bert(packaged_model(), 6).eval()
    read = encoder.read([QUESTION])[0]
    ids = torch.tensor([encoder.token_ids(QUESTION)])
    with torch.no_grad():
        states = bert.below(ids, torch.ones_like(ids))[0].numpy()
    assert states == pytest.approx(read.states, abs=1e-3)


def test_missing_weights_are_one_clear_error(tmp_path: object):
    with pytest.raises(ConfigError, match="weights.safetensors"):
        load_heads(tmp_path)  # pyright: ignore[reportArgumentType]


def test_a_word_of_the_window_before_counts_where_the_text_goes_on(heads: Heads, encoder: SentenceEncoder):
    asked, *told = encoder.read(["Who blew?", *TEXTS])
    tokens, vectors = [told_tokens(one, heads) for one in told], np.stack([one.vector for one in told])
    alone, joined = (
        WindowIndex(TEXTS, vectors, tokens, goes_on, heads).compare(ask("Who blew?", asked, heads)).fits
        for goes_on in ([False] * 3, [False, True, False])
    )
    assert joined[1] > alone[1]
    assert joined[2] == alone[2]
