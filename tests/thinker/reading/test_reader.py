import numpy as np
import pytest
import torch

from nodes.thinker.reading.cues import CUES
from nodes.thinker.reading.reader import Reader, likely_stretches
from nodes.thinker.training.reader import Reader as TrainedReader
from nodes.thinker.training.states import pad


def test_scores_are_those_of_the_network_that_was_trained():
    torch.manual_seed(0)
    network = TrainedReader(32).eval()
    reader = Reader({name: weight.numpy() for name, weight in network.state_dict().items()})
    question, window, cues = torch.randn(7, 32), torch.randn(20, 32), torch.rand(25, CUES)
    with torch.no_grad():
        both = pad([question, torch.randn(9, 32)]), pad([window, torch.randn(25, 32)]), torch.stack([cues, cues])
        expected = network(*both)[0, :20]
    found = reader.bounds(reader.asked(question.numpy()), reader.told(window.numpy()), cues[:20].numpy())
    assert found == pytest.approx(expected.numpy(), abs=1e-4)


def test_stretches_end_after_they_begin_and_are_short_and_the_likely_ones_come_first():
    rng = np.random.default_rng(0)
    for _ in range(20):
        bounds, whole = rng.normal(size=(40, 2)).astype(np.float32), np.zeros(40, np.int64)
        stretches = likely_stretches(bounds, whole, 1000, longest=5)
        assert all(1 <= one.first <= one.last < 39 and one.last - one.first < 5 for one in stretches)
        assert len({one[:2] for one in stretches}) == len(stretches) == 38 * 5 - 10
        shares = np.exp([one.log_share for one in stretches])
        assert (np.diff(shares) <= 0).all() and shares.sum() <= 1.0 + 1e-6


def test_the_likeliest_stretch_is_where_begin_and_end_score_best():
    bounds = np.zeros((12, 2), np.float32)
    bounds[4, 0] = bounds[6, 1] = 3.0
    bounds[0] = 9.0  # a mark
    assert likely_stretches(bounds, np.zeros(12, np.int64), 1)[0][:2] == (4, 6)
    assert likely_stretches(bounds[:2], np.zeros(2, np.int64), 3) == []


def test_no_stretch_goes_on_into_the_next_sentence():
    bounds = np.zeros((12, 2), np.float32)
    bounds[4, 0] = bounds[6, 1] = 3.0
    sentences = np.repeat([0, 1], [5, 7])
    for one in likely_stretches(bounds, sentences, 100):
        assert sentences[one.first] == sentences[one.last]
