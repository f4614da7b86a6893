"""``mio soak``."""

import argparse
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console
from rich.table import Table

from mio.cli.run import overrides
from mio.errors import MioError
from mio.flow.live import find_flow
from mio.measure.leaks import remaining
from mio.paths import share
from mio.soak.plot import plot
from mio.soak.rehearsal import Rehearsal
from mio.soak.samples import Sampler, read_columns
from mio.soak.verdict import Values, Verdict, growth, judge_nodes, judge_stream

_SHORTEST_MIN = 0.5
_COUNTS = ("handles", "threads", "longest_queue", "dropped", "deaths")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    parser.add_argument("--minutes", type=float, default=30.0, help="how long (30)")
    parser.add_argument("--flow", metavar="ID", help="watch a dataflow that is running, instead of starting one")
    parser.add_argument("--every", type=float, default=2.0, metavar="S", help="seconds between two samples (2)")
    parser.add_argument("--ask-every", type=float, default=30.0, metavar="S", help="seconds between two questions (30)")
    parser.add_argument("--out", type=Path, default=Path("out/soak"), help="folder for samples, journal and log")
    parser.add_argument("--plot", type=Path, metavar="FILE.png", help="draw the samples; needs matplotlib")
    parser.add_argument("--character", type=Path, default=share("characters", "mara"), help="character pack")
    parser.add_argument("--accelerated", action="store_true", help="step the engines through hours of made-up time")
    parser.add_argument("--hours", type=float, default=8.0, help="of --accelerated (8)")
    parser.add_argument(
        "--set", action="append", default=[], metavar="NODE.KEY=VALUE", help="override a key of the configuration"
    )


def run(args: argparse.Namespace) -> int:
    """Let the conversation run, sample it, and judge it; the status is 1 if a limit does not hold."""
    console = Console(highlight=False)
    if args.accelerated:
        from mio.soak.accelerated import run_hours

        verdicts = run_hours(args.hours, console)
    elif args.flow is not None:
        verdicts = _watch(args, console)
    else:
        verdicts = _rehearse(args, console)
    console.print(_table(verdicts))
    return 0 if all(verdict.holds for verdict in verdicts) else 1


def _watch(args: argparse.Namespace, console: Console) -> list[Verdict]:
    """Sample a flow that is running."""
    out: Path = args.out
    out.mkdir(parents=True, exist_ok=True)
    sampler = Sampler(find_flow(args.flow), out / "soak.csv")
    _sample(args, sampler, console, lambda: None)
    return _judge_samples(args, sampler, console)


def _rehearse(args: argparse.Namespace, console: Console) -> list[Verdict]:
    """Run the live flow without devices, sample it, and look at what it leaves behind."""
    if args.minutes < _SHORTEST_MIN:
        raise MioError(f"{args.minutes:g} minutes are too short", f"soak for at least {_SHORTEST_MIN:g}")
    lasts_s = args.minutes * 60
    with ExitStack() as stack:
        rehearsal = stack.enter_context(
            Rehearsal(
                args.out,
                character=args.character.resolve(),
                lasts_s=lasts_s + 30,
                every_s=args.ask_every,
                env=overrides(args.set),
            )
        )
        sampler = Sampler(rehearsal.until_ready(), args.out / "soak.csv", rehearsal.processes)
        _sample(args, sampler, console, lambda: rehearsal.wait(lambda: True, 1.0, ""))
        events = rehearsal.look()
        rehearsal.stop()
    verdicts = _judge_samples(args, sampler, console)
    stream = read_columns(args.out / "stream.csv")
    verdicts += judge_stream(stream["mono_s"], stream)
    answers = len({event["segment_id"] for event in events if event["port"] == "clock" and event["segment_id"]})
    console.print(f"{answers} answers were heard; samples in {args.out}/soak.csv and stream.csv")
    left = remaining(sampler.shared)
    return [*verdicts, Verdict("files left in /dev/shm", len(left), 0.0, ", ".join(path.name for path in left[:3]))]


def _sample(args: argparse.Namespace, sampler: Sampler, console: Console, must_run: Callable[[], object]) -> None:
    """Sample until the time is over, or Ctrl-C."""
    end_s = time.monotonic() + args.minutes * 60
    try:
        with console.status("") as status:
            while (left_s := end_s - time.monotonic()) > 0:
                must_run()
                sampler.sample()
                status.update(f"soaking, {left_s / 60:.1f} min to go")
                time.sleep(min(args.every, left_s))
    except KeyboardInterrupt:
        console.print("ended early")
    finally:
        sampler.close()


def _judge_samples(args: argparse.Namespace, sampler: Sampler, console: Console) -> list[Verdict]:
    columns = sampler.columns()
    if len(columns["mono_s"]) < 3:
        raise MioError("there are too few samples to judge", "soak for longer")
    console.print(_growth_table(columns))
    if args.plot is not None:
        plot(columns, args.plot)
    return judge_nodes(columns["mono_s"], columns)


def _growth_table(columns: dict[str, Values]) -> Table:
    table = Table("node", "MB at the end", "growth MB", *_COUNTS)
    for name, memory in columns.items():
        node, _, figure = name.partition(".")
        if figure != "memory_mb":
            continue
        counts = [columns[f"{node}.{key}"][-1] for key in _COUNTS]
        grown = growth(columns["mono_s"], memory)
        table.add_row(node, f"{memory[-1]:.1f}", f"{grown:+.2f}", *(f"{count:.0f}" for count in counts))
    return table


def _table(verdicts: list[Verdict]) -> Table:
    table = Table("figure", "measured", "at most", "", "")
    for verdict in verdicts:
        judged = "[green]holds[/green]" if verdict.holds else "[red]does not hold[/red]"
        table.add_row(verdict.name, f"{verdict.value:.3g}", f"{verdict.limit:g}", judged, verdict.hint)
    return table
