import pytest

from nodes.renderer.quality import HIGH, LOW, MEDIUM, Governor


def drive(governor: Governor, duration_s: float, count: int = 200) -> list[str]:
    return [governor.tier.name for _ in range(count) if governor.took(duration_s)]


def test_auto_starts_with_everything_on_a_gpu_and_medium_in_software():
    assert Governor("auto", software=False).tier is HIGH
    assert Governor("auto", software=True).tier is MEDIUM


@pytest.mark.parametrize(("quality", "tier"), [("low", LOW), ("medium", MEDIUM), ("high", HIGH)])
def test_a_fixed_quality_never_changes(quality, tier):
    governor = Governor(quality, software=True)
    assert drive(governor, 0.2) == []
    assert governor.tier is tier


def test_pictures_that_are_slow_for_long_lower_the_tier_and_fast_ones_raise_it_again():
    governor = Governor("auto", software=True)
    assert drive(governor, 0.04) == ["low"]
    assert drive(governor, 0.008) == ["medium"]


def test_single_slow_pictures_change_nothing():
    governor = Governor("auto", software=True)
    for _ in range(100):
        assert not governor.took(0.1)
        assert drive(governor, 0.015, 20) == []


def test_a_tier_that_is_neither_too_slow_nor_fast_stays():
    governor = Governor("auto", software=True)
    drive(governor, 0.05)
    assert governor.tier is LOW
    assert drive(governor, 0.02, 1000) == []
