"""A tape in the Trace Event Format of Chrome and Perfetto: every node a track, steps as slices, messages as arrows."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mio.runtime.tee import TapeEvent
from mio.tape.contents import NodeRun, Tape
from mio.tape.format import TapeError

_THREAD = 1
_Event = dict[str, Any]


def write_perfetto(tape: Tape, path: Path) -> int:
    """Write a file for ui.perfetto.dev or chrome://tracing.

    Args:
        tape: The tape.
        path: JSON file.

    Returns:
        How many events it has.

    Raises:
        TapeError: If it cannot be written.
    """
    events = list(trace_events(tape))
    try:
        path.write_text(json.dumps({"traceEvents": events, "displayTimeUnit": "ms"}))
    except OSError as error:
        raise TapeError(f"{path}: {error.strerror}", "name a file that can be written") from error
    return len(events)


def trace_events(tape: Tape) -> Iterator[_Event]:
    """Events of the format, times in microseconds since the tape began."""
    numbers = {node: number for number, node in enumerate(tape.nodes, start=1)}
    for node, number in numbers.items():
        yield {"ph": "M", "name": "process_name", "pid": number, "args": {"name": node}}
        yield {"ph": "M", "name": "process_sort_index", "pid": number, "args": {"sort_index": number}}
        yield {"ph": "M", "name": "thread_name", "pid": number, "tid": _THREAD, "args": {"name": "steps"}}
    arrows = 0
    for run in tape.runs:
        yield from _slices(run, numbers[run.node], tape.began_ns)
        for event in run.events:
            if event.event in ("step", "begin") and event.port != "tick":
                sent = tape.sent(run, event.port, event.seq, event.stamp_ns)
                if sent is not None:
                    arrows += 1
                    yield from _arrow(arrows, sent.event, numbers[sent.node], event, numbers[run.node], tape.began_ns)


def _slices(run: NodeRun, number: int, began_ns: int) -> Iterator[_Event]:
    """Steps; one that is taken at once lies within the one that it came between."""
    active: TapeEvent | None = None
    at_once: TapeEvent | None = None
    for event in run.events:
        match event.event:
            case "begin":
                active = event
            case "step":
                at_once = event
            case "done" if at_once is not None:
                yield _slice(at_once, event, number, began_ns)
                at_once = None
            case "done" | "abandon" if active is not None:
                yield _slice(active, event, number, began_ns)
                active = None
            case _:
                pass


def _slice(begin: TapeEvent, end: TapeEvent, number: int, began_ns: int) -> _Event:
    args = {"seq": begin.seq, "computed_ms": end.stamp_ns / 1e6, "abandoned": end.event == "abandon"}
    return {
        "ph": "X",
        "name": begin.port,
        "cat": "tick" if begin.port == "tick" else "step",
        "pid": number,
        "tid": _THREAD,
        "ts": (begin.at_ns - began_ns) / 1e3,
        "dur": (end.at_ns - begin.at_ns) / 1e3,
        "args": args,
    }


def _arrow(arrow: int, sent: TapeEvent, sender: int, step: TapeEvent, receiver: int, began_ns: int) -> Iterator[_Event]:
    """From the step that sent a message to the step that took it."""
    both = {"cat": "message", "name": sent.port, "id": arrow, "tid": _THREAD}
    yield {"ph": "s", "pid": sender, "ts": (sent.at_ns - began_ns) / 1e3, **both}
    yield {"ph": "f", "bp": "e", "pid": receiver, "ts": (step.at_ns - began_ns) / 1e3, **both}
