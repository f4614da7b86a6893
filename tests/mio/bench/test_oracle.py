import argparse
from pathlib import Path

import pytest

from mio.bench import oracle
from mio.bench.report import Report
from mio.errors import ConfigError


def options(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    oracle.add_arguments(parser)
    return parser.parse_args(words)


def test_the_scripted_oracle_beats_the_undivided_rating_on_labelled_turns() -> None:
    report = Report("oracle")
    oracle.run(options("--samples", "2"), report)
    assert report.figures["shares_correlation"] > report.figures["even_correlation"] + 0.1
    assert report.figures["largest_error_of_sum"] < 1e-9
    assert report.figures["turns"] == 46


def test_labels_that_contradict_the_reactions_are_seen(tmp_path: Path) -> None:
    text = "sessions: [{rating: 0.1, turns: [" + ", ".join(
        f'{{user: a, reply: b{n}, cues: ["{cue}"], label: {label}}}'
        for n, (cue, label) in enumerate([("smiles", -1.0), ("frowns", 1.0), ("sighs", 0.5)])
    )
    path = tmp_path / "labels.yml"
    path.write_text(text + "]}]\n")
    report = Report("oracle")
    oracle.run(options("--data", str(path)), report)
    assert report.figures["opinion_correlation"] < -0.9
    assert report.figures["right_sign"] == 0.0


def test_a_missing_or_empty_file_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.yml"):
        oracle.run(options("--data", str(tmp_path / "none.yml")), Report("oracle"))
    (tmp_path / "empty.yml").write_text("sessions: []\n")
    with pytest.raises(ConfigError, match="no labelled turn"):
        oracle.run(options("--data", str(tmp_path / "empty.yml")), Report("oracle"))
