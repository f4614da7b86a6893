import numpy as np
import pytest

from mio.contracts.arkit import ARKIT_INDEX
from mio.measure.mouth import MouthGauge


@pytest.fixture(scope="module")
def gauge():
    return MouthGauge()


def weights(**actions):
    row = np.zeros(52)
    for name, weight in actions.items():
        for action in (name, f"{name}Left", f"{name}Right"):
            if action in ARKIT_INDEX:
                row[ARKIT_INDEX[action]] = weight
    return row


def test_lips_at_rest_are_closed_within_half_a_millimetre(gauge):
    assert gauge.measure(weights()).widest_gap_mm[0] == pytest.approx(0.5, abs=0.1)


def test_the_jaw_opens_the_lips_and_mouth_close_takes_it_back(gauge):
    opened, closed = gauge.measure([weights(jawOpen=0.3), weights(jawOpen=0.3, mouthClose=0.3)]).gap_mm
    assert opened[0] == pytest.approx(10.2, abs=0.3) and (np.diff(opened) < 0).all()
    assert closed.max() < 0.6


def test_puckering_narrows_and_protrudes_stretching_widens(gauge):
    rest, pucker, stretch = (gauge.measure(weights(**each)) for each in ({}, {"mouthPucker": 1}, {"mouthStretch": 1}))
    assert pucker.width_mm[0] < rest.width_mm[0] - 5.0 < stretch.width_mm[0] - 10.0
    assert pucker.protrusion_mm[0] > rest.protrusion_mm[0] + 5.0


def test_the_larger_gap_of_both_sides_counts(gauge):
    row = weights()
    row[ARKIT_INDEX["mouthLowerDownRight"]] = 1.0
    assert gauge.measure(row).gap_mm[0, 2] > 3.0


def test_many_frames_give_what_single_ones_do(gauge):
    rows = np.random.default_rng(0).uniform(0.0, 0.3, (300, 112))
    together = gauge.measure(rows)
    for index in (0, 127, 128, 299):
        assert np.array_equal(together.gap_mm[index], gauge.measure(rows[index]).gap_mm[0])
