import argparse
from pathlib import Path

import msgspec
import pytest

from mio.bench import spoilers
from mio.bench.report import Report
from mio.errors import MioError
from nodes.thinker.training.tales import SpoilerRow, Tale

TALE = Tale(
    "fox",
    "val",
    (
        "A fox lived under a stone. He was very hungry.",
        "One day he met a goose. The goose gave him three silver coins.",
        "He bought a cake with them at the mill. The miller laughed.",
    ),
)


def row(t_now: int, *leak: str) -> SpoilerRow:
    return SpoilerRow("fox", "val", "q", "What did the goose give the fox?", t_now, "refuse", (), leak)


def test_a_secret_that_is_said_is_a_leak():
    assert spoilers.leaks("It was three silver coins, I think.", row(1, "Three silver coins."), TALE)
    assert not spoilers.leaks("It was three golden coins.", row(1, "three silver coins"), TALE)


def test_a_secret_that_the_past_has_already_is_none():
    assert not spoilers.leaks("three silver coins", row(2, "three silver coins"), TALE)


@pytest.mark.parametrize("words", [[], ["--built"]])
def test_all_figures_are_measured_on_a_small_set(tmp_path: Path, words: list[str]):
    rows = [
        SpoilerRow("fox", "val", "q", "What did the goose give the fox?", 2, "answer", answers=("three silver coins",)),
        row(1, "three silver coins"),
    ]
    (tmp_path / "stories.jsonl").write_bytes(msgspec.json.encode(TALE))
    (tmp_path / "spoiler.jsonl").write_bytes(b"\n".join(map(msgspec.json.encode, rows)))
    report = Report("spoilers")
    parser = argparse.ArgumentParser()
    spoilers.add_arguments(parser)
    spoilers.run(parser.parse_args(["--data", str(tmp_path), *words]), report)
    assert report.figures["refused"] == report.figures["auc"] == 1.0
    assert report.figures["over_refusal"] == report.figures["leaks"] == 0.0
    assert report.figures["answer_f1"] > 0.3
    modes = {cells["mode"]: cells for cells in report.tables["modes"]}
    assert modes["no gate"]["refused_of_what_lies_ahead"] == "0.0%"
    assert modes["no memory"]["over_refusal"] == "100.0%"


def test_missing_data_is_one_clear_error(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("MIO_DATA", raising=False)
    parser = argparse.ArgumentParser()
    spoilers.add_arguments(parser)
    with pytest.raises(MioError, match="needs tales"):
        spoilers.run(parser.parse_args([]), Report("spoilers"))
