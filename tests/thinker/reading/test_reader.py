import numpy as np
import pytest
import torch

from nodes.thinker.reading.reader import Reader, best_stretch
from nodes.thinker.training.reader import Reader as TrainedReader
from nodes.thinker.training.states import pad


def test_scores_are_those_of_the_network_that_was_trained():
    torch.manual_seed(0)
    network = TrainedReader(32).eval()
    reader = Reader({name: weight.numpy() for name, weight in network.state_dict().items()})
    question, window = torch.randn(7, 32), torch.randn(20, 32)
    with torch.no_grad():
        expected = network(pad([question, torch.randn(9, 32)]), pad([window, torch.randn(25, 32)]))[0, :20]
    found = reader.bounds(reader.asked(question.numpy()), reader.told(window.numpy()))
    assert found == pytest.approx(expected.numpy(), abs=1e-4)


def test_the_best_stretch_ends_after_it_begins_and_is_short():
    rng = np.random.default_rng(0)
    for _ in range(50):
        stretch = best_stretch(rng.normal(size=(40, 2)).astype(np.float32), longest=5)
        assert 1 <= stretch.first <= stretch.last < 39
        assert stretch.last - stretch.first < 5


def test_the_best_stretch_is_where_begin_and_end_score_best():
    bounds = np.zeros((12, 2), np.float32)
    bounds[4, 0] = bounds[6, 1] = 3.0
    bounds[0] = 9.0  # a mark
    assert best_stretch(bounds)[:2] == (4, 6)
