import os
import signal
from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import torch
from rich.console import Console
from torch import Tensor, nn

from mio.errors import ConfigError, MioError
from mio.nn.weights import read_weights, write_weights
from mio.training.ema import Ema
from mio.training.log import TrainingLog, read_log
from mio.training.loop import Plan, train
from mio.training.plot import moving_mean, plot_logs
from mio.training.progress import Progress
from mio.training.run_folder import Checkpoint, RunFolder


class Settings(msgspec.Struct, frozen=True):
    width: int = 3
    rate: float = 0.1


class Line:
    """Fits a line to noise that comes from all three global generators."""

    def __init__(self, settings: Settings, stop_at: int = 0) -> None:
        self.module = nn.Linear(settings.width, 1)
        nn.init.zeros_(self.module.weight)
        nn.init.zeros_(self.module.bias)
        self.optimiser = torch.optim.AdamW(self.module.parameters(), lr=settings.rate)
        self.stop_at = stop_at
        self.done = 0

    def step(self) -> Mapping[str, float]:
        self.done += 1
        x = torch.randn(4, 3) + float(np.random.standard_normal())
        loss = ((self.module(x) - x.sum(dim=1, keepdim=True)) ** 2).mean()
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        if self.done == self.stop_at:
            os.kill(os.getpid(), signal.SIGTERM)
        return {"loss": loss.item()}

    def weights(self) -> dict[str, Tensor]:
        return dict(self.module.state_dict())

    def state(self) -> dict[str, Any]:
        return {"optimiser": self.optimiser.state_dict(), "done": self.done}

    def restore(self, weights: dict[str, Tensor], state: dict[str, Any]) -> None:
        self.module.load_state_dict(weights)
        self.optimiser.load_state_dict(state["optimiser"])
        self.done = state["done"]


def quiet() -> Progress:
    return Progress(Console(file=StringIO()), "line")


def run(folder: Path, line: Line, steps: int = 12, seed: int = 3) -> tuple[Tensor, list[float]]:
    assert train(line, RunFolder(folder, Settings()), Plan(steps, seed), quiet()) >= 1
    return line.module.weight.detach().clone(), read_log(folder / "log.jsonl")["loss"]


def test_a_run_that_was_stopped_and_goes_on_learns_the_same_as_one_that_was_not(tmp_path: Path) -> None:
    whole, losses = run(tmp_path / "whole", Line(Settings()))
    _, first = run(tmp_path / "parts", Line(Settings(), stop_at=5))
    assert len(first) == 5
    torch.manual_seed(99)
    again, joined = run(tmp_path / "parts", Line(Settings()))
    assert torch.equal(whole, again)
    assert joined == losses
    assert len(losses) == 12


def test_another_seed_learns_something_else(tmp_path: Path) -> None:
    assert run(tmp_path / "a", Line(Settings()), seed=1)[1] != run(tmp_path / "b", Line(Settings()), seed=2)[1]


def test_other_settings_are_refused_by_name_and_two_checkpoints_are_kept(tmp_path: Path) -> None:
    run(tmp_path, Line(Settings()))
    for step in (13, 14):
        RunFolder(tmp_path, Settings()).save(Checkpoint(step, {"w": torch.ones(2)}, {"x": 1}))
    assert sorted(path.name for path in tmp_path.glob("step-*")) == ["step-00000013", "step-00000014"]
    with pytest.raises(ConfigError, match="begun with rate: 0.1, not 0.2"):
        RunFolder(tmp_path, Settings(rate=0.2))


def test_a_checkpoint_that_was_cut_off_is_not_taken_and_a_broken_one_is_named(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path, Settings())
    folder.save(Checkpoint(7, {"w": torch.ones(2)}, {"x": [1, 2]}))
    (tmp_path / "unfinished-1").mkdir()
    latest = folder.latest()
    assert latest is not None
    assert (latest.step, latest.state) == (7, {"x": [1, 2]})
    (tmp_path / "step-00000007" / "weights.safetensors").write_bytes(b"short")
    with pytest.raises(MioError, match="step-00000007"):
        folder.latest()


def test_shipped_weights_come_back_in_half_precision_with_their_settings(tmp_path: Path) -> None:
    write_weights(tmp_path, {"w": torch.tensor([0.1, 2.0]), "n": torch.tensor([3])}, Settings(width=5), half=True)
    weights, settings = read_weights(tmp_path, Settings)
    assert settings == Settings(width=5)
    assert weights["w"].dtype == torch.float16
    assert weights["n"].dtype == torch.int64
    with pytest.raises(ConfigError, match="missing"):
        read_weights(tmp_path / "missing", Settings)


def test_the_average_follows_and_is_lent_only(tmp_path: Path) -> None:
    module = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(module.weight)
    ema = Ema(module, decay=0.5)
    with torch.no_grad():
        module.weight.fill_(1.0)
    for _ in range(20):
        ema.update()
    mean = ema.weights()["weight"].item()
    assert 0.99 < mean < 1.0
    with ema.applied():
        assert module.weight.item() == mean
    assert module.weight.item() == 1.0
    other = Ema(module, decay=0.5)
    other.restore(ema.weights(), ema.updates)
    assert other.weights()["weight"].item() == mean


def test_a_log_drops_lines_after_the_checkpoint_and_half_lines(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    log = TrainingLog(path)
    for step in range(1, 5):
        log.write(step, {"loss": 1.0 / step, "bad": float("nan")})
    log.close()
    with path.open("a") as file:
        file.write('{"step": 5, "lo')
    TrainingLog(path, after_step=3).close()
    assert read_log(path) == {"step": [1.0, 2.0, 3.0], "loss": [1.0, 0.5, 0.333333]}


def test_a_plot_is_drawn_over_runs_of_unequal_length(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    runs = [{"step": [1.0, 2.0, 3.0], "loss": [3.0, 2.0, 1.0]}, {"step": [1.0, 2.0], "loss": [4.0, 2.0]}]
    plot_logs({"both": runs, "one": runs[:1]}, ["loss"], tmp_path / "p.svg", smooth=2)
    assert (tmp_path / "p.svg").read_text().count('<g id="line2d') > 4
    assert moving_mean([1.0, 3.0, float("nan"), 5.0], 2).tolist() == [1.0, 2.0, 3.0, 5.0]


def test_progress_says_a_line_where_there_is_no_terminal(tmp_path: Path) -> None:
    said = StringIO()
    progress = Progress(Console(file=said), "line", ["loss"], every_s=0.0)
    train(Line(Settings()), RunFolder(tmp_path, Settings()), Plan(2), progress)
    assert "line: step 2 of 2  loss" in said.getvalue()
