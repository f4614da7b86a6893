from pathlib import Path

import pytest

from mio.flow.check import check_flow

FLOWS = sorted(p for p in (Path(__file__).parents[3] / "dataflows").glob("*.yml") if p.name.count(".") == 1)


@pytest.mark.parametrize("path", FLOWS, ids=lambda path: path.name)
def test_shipped_flows_are_wired_right(path: Path) -> None:
    virtual = {
        "MIO_MICROPHONE__DEVICE": "null",
        "MIO_SPEAKER__DEVICE": "null",
        "MIO_SCREEN__DEVICE": "null",
        "MIO_CAMERA__DEVICE": "off",
    }
    assert [str(problem) for problem in check_flow(path, virtual)] == []
