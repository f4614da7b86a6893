"""``mio top``."""

import argparse
import json
import time
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.table import Table

from mio.flow.live import LiveFlow, find_flow
from mio.measure.nodes import Activity, Reading, activity, read_nodes, slowest

_ONCE_S = 1.5  # between the two readings of --once; nodes tell their figures once a second

_COLUMNS = (
    *("node", "engine", "in/s", "out/s", "waited ms", "computed ms"),
    *("CPU %", "MB", "queue", "drops", "events", "budget"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    parser.add_argument("--flow", metavar="ID", help="which dataflow, where several are running")
    parser.add_argument("--once", action="store_true", help="print one table and end")
    parser.add_argument("--json", action="store_true", help="print JSON lines, one per node and time")
    parser.add_argument("--every", type=float, default=1.0, metavar="S", help="seconds between two looks (1)")


def run(args: argparse.Namespace) -> int:
    """Show what every node does until Ctrl-C or the end of the dataflow."""
    flow, console = find_flow(args.flow), Console()
    watch = Watch(flow)
    time.sleep(_ONCE_S)
    if args.once:
        _show(watch.rows(), console, as_json=args.json)
        return 0
    if args.json:
        while rows := watch.rows():
            _show(rows, console, as_json=True)
            time.sleep(args.every)
        return 0
    with Live(console=console, screen=False, auto_refresh=False) as live:
        while rows := watch.rows():
            live.update(table(rows), refresh=True)
            time.sleep(args.every)
    return 0


class Watch:
    """Follows the nodes of a running dataflow."""

    def __init__(self, flow: LiveFlow) -> None:
        self._flow = flow
        self._before = {reading.node: reading for reading in read_nodes(flow)}

    def rows(self) -> list[dict[str, Any]]:
        """One row of plain values per node, of the time since the last call."""
        readings = read_nodes(self._flow)
        rows = [_row(now, activity(self._before.get(now.node, now), now)) for now in readings]
        self._before = {reading.node: reading for reading in readings}
        return rows


def table(rows: list[dict[str, Any]]) -> Table:
    """The rows as people read them."""
    columns = (
        "node",
        "engine",
        "in/s",
        "out/s",
        "waited ms",
        "computed ms",
        "CPU %",
        "MB",
        "queue",
        "drops",
        "events",
        "budget",
    )
    made = Table(*columns, title="p50 / p95 of each node's slowest input", title_justify="left")
    for row in rows:
        drops = ", ".join(f"{count} {cause}" for cause, count in row["dropped"].items() if count)
        events = ", ".join(f"{row[name]} {name}" for name in ("restarts", "swaps") if row[name])
        over = f"{row['over_budget']} over {row['budget_ms']:g} ms" if row["over_budget"] else ""
        made.add_row(
            row["node"],
            row["engine"] if row["state"] == "steady" else f"({row['state']})",
            f"{row['received_hz']:.1f}",
            f"{row['sent_hz']:.1f}",
            _times(row["waited_ms"]),
            _times(row["computed_ms"]),
            f"{row['cpu_pct']:.0f}",
            f"{row['pss_mb'] or row['rss_mb']:.0f}",
            f"{row['queued']} / {row['longest_queue']}",
            drops,
            events,
            f"[red]{over}[/red]" if over else "",
        )
    return made


def _row(now: Reading, did: Activity) -> dict[str, Any]:
    figures, standing = now.figures, now.standing
    return {
        "node": now.node,
        "engine": figures.get("engine", ""),
        "state": standing["state"],
        "uptime_s": standing["uptime_s"],
        "received_hz": round(did.received_hz, 2),
        "sent_hz": round(did.sent_hz, 2),
        "waited_ms": slowest(now, "waited_ms"),
        "computed_ms": slowest(now, "computed_ms"),
        "cpu_pct": round(did.cpu_pct, 1),
        "rss_mb": round(now.resources.rss_mb, 1),
        "pss_mb": round(now.resources.pss_mb, 1),
        "handles": now.resources.handles,
        "threads": now.resources.threads,
        "queued": figures.get("queued", 0),
        "longest_queue": figures.get("longest_queue", 0),
        "dropped": now.dropped,
        "budget_ms": figures.get("budget_ms", 0.0),
        "over_budget": figures.get("over_budget", 0),
        "restarts": standing["deaths"],
        "swaps": standing["swaps"],
        "pid": standing["pid"],
        "worker_pid": standing["worker_pid"],
    }


def _times(times: dict[str, float]) -> str:
    return f"{times['p50']:.1f} / {times['p95']:.1f}" if times else ""


def _show(rows: list[dict[str, Any]], console: Console, *, as_json: bool) -> None:
    if as_json:
        for row in rows:
            print(json.dumps(row), flush=True)
    else:
        console.print(table(rows))
