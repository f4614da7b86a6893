"""Whether self-training works: reward over steps, and turn by turn against undivided reward, over several seeds.

A tiny model, made here, learns in a practice world whose judge is scripted and in which the true worth of every answer
is known. The arms differ by what a turn is rewarded with; every arm starts from the same model, and the exam asks all
the same lines. A run that was cut off goes on; a finished one is read.
"""

import argparse
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
from rich.console import Console

from mio.bench.report import Report
from mio.errors import MioError
from mio.training.log import Columns, read_log
from mio.training.loop import Plan, train
from mio.training.plot import plot_logs
from mio.training.progress import Progress
from mio.training.run_folder import RunFolder
from nodes.thinker.training.config import SelfTrainingConfig
from nodes.thinker.training.practice.critics import Errors
from nodes.thinker.training.practice.practice import CONFIG, build_practice

DURATION = "about 20 min"

_CREDIT_ONLY = msgspec.structs.replace(CONFIG, scenario_learns=False, rubric_weight=0.0, timeline_weight=0.0)


class Arm(NamedTuple):
    """One way of rewarding turns.

    Attributes:
        title: For tables and plots.
        config: Settings.
        errors: How wrong the oracle is.
    """

    title: str
    config: SelfTrainingConfig
    errors: Errors = Errors()


ARMS = {
    "whole": Arm("all of it: scenario policy, rules, erring oracle", CONFIG),
    "turns": Arm("turn rewards, erring oracle, 4 of 5 opinions agree", _CREDIT_ONLY),
    "unanimous": Arm("turn rewards, erring oracle, all 5 agree", msgspec.structs.replace(_CREDIT_ONLY, agreement=1.0)),
    "truth": Arm("turn rewards, oracle that never errs", _CREDIT_ONLY, Errors(0.0, 0.0, 0.0)),
    "session": Arm("undivided session reward", msgspec.structs.replace(_CREDIT_ONLY, credit="session")),
}
"""All but the first learn from nothing but the rating, so that they can be compared."""


class Outcome(NamedTuple):
    """What a run came to.

    Attributes:
        first: True reward before learning.
        last: After it.
        mean: Over all exams, which says how fast it was learned.
    """

    first: float
    last: float
    mean: float


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    parser.add_argument("--seeds", type=int, default=3, help="runs per arm (3)")
    parser.add_argument("--first-seed", type=int, default=0, help="seed of the first run (0)")
    parser.add_argument("--steps", type=int, default=36, help="steps per run; the whole loop takes twice as many (36)")
    parser.add_argument("--arm", action="append", choices=ARMS, help="only this one; may be repeated")
    parser.add_argument("--runs", type=Path, default=Path("out/train/practice"), help="folder of the runs")
    parser.add_argument("--plot", type=Path, default=Path("out/bench/self-training.png"), help="where to draw")


def run(args: argparse.Namespace, report: Report) -> None:
    """Train all arms with all seeds, and compare them."""
    logs: dict[str, list[Columns]] = {}
    seeds = range(args.first_seed, args.first_seed + args.seeds)
    for name in args.arm or ARMS:
        steps = 2 * args.steps if name == "whole" else args.steps
        logs[name] = [_run(name, seed, steps, args.runs, report.console) for seed in seeds]
    outcomes = {name: [_outcome(log) for log in runs] for name, runs in logs.items()}
    for name, runs in outcomes.items():
        _measure_rise(report, name, runs)
    for better in ("turns", "unanimous", "truth"):
        if better in outcomes and "session" in outcomes:
            _compare(report, better, outcomes[better], outcomes["session"])
    titled = {ARMS[name].title: runs for name, runs in logs.items()}
    plot_logs(titled, ["true_reward", "right", "harmful"], args.plot)
    report.note(f"plot: {args.plot}")


def paired_t(differences: list[float]) -> tuple[float, float]:
    """Student's paired t and its one-sided probability; NaN for fewer than two differences."""
    from scipy import stats

    if len(differences) < 2:
        return float("nan"), float("nan")
    result: Any = stats.ttest_1samp(differences, 0.0, alternative="greater")
    return float(result.statistic), float(result.pvalue)


def _run(name: str, seed: int, steps: int, runs: Path, console: Console) -> Columns:
    """One run's log; exams only where one was taken."""
    arm = ARMS[name]
    folder = RunFolder(runs / f"{name}-{seed}", arm.config)
    log = read_log(folder.log)
    if not log or log["step"][-1] < steps:
        practice, _ = build_practice(runs / "base", arm.config, seed, arm.errors)
        progress = Progress(console, f"{name} {seed}", ["true_reward"])
        done = train(practice, folder, Plan(steps, seed, save_every_s=30.0), progress)
        if done < steps:
            raise MioError(f"stopped at step {done} of {steps} in {folder.path}", "the same command goes on")
        log = read_log(folder.log)
    taken = np.isfinite(log["true_reward"])
    return {key: [v for v, is_taken in zip(values, taken, strict=True) if is_taken] for key, values in log.items()}


def _outcome(log: Columns) -> Outcome:
    rewards = log["true_reward"]
    return Outcome(rewards[0], rewards[-1], float(np.mean(rewards)))


def _measure_rise(report: Report, name: str, runs: list[Outcome]) -> None:
    rises = [run.last - run.first for run in runs]
    t, p = paired_t(rises)
    report.row(
        "true reward per turn (-1 to 1)",
        arm=ARMS[name].title,
        before=_spread([run.first for run in runs]),
        after=_spread([run.last for run in runs]),
        mean_of_exams=_spread([run.mean for run in runs]),
        rise_t=f"{t:.1f}",
        rise_p=f"{p:.2g}",
    )
    report.figure(f"{name}_true_reward_after", float(np.mean([run.last for run in runs])))
    report.figure(f"{name}_rise", float(np.mean(rises)))
    report.figure(f"{name}_rise_p", p, target=0.05)


def _compare(report: Report, better: str, ours: list[Outcome], theirs: list[Outcome]) -> None:
    for what in ("last", "mean"):
        gains = [getattr(a, what) - getattr(b, what) for a, b in zip(ours, theirs, strict=True)]
        t, p = paired_t(gains)
        report.row(
            "against the undivided session reward",
            arm=ARMS[better].title,
            exam=what,
            gain=_spread(gains),
            won=f"{sum(gain > 0 for gain in gains)} of {len(gains)}",
            t=f"{t:.1f}",
            p=f"{p:.2g}",
        )
        report.figure(f"{better}_over_session_{what}", float(np.mean(gains)), target=0.0, at_least=True)
        report.figure(f"{better}_over_session_{what}_p", p, target=0.05)


def _spread(values: list[float]) -> str:
    return f"{np.mean(values):+.3f} ({', '.join(f'{value:+.2f}' for value in values)})"
