"""Replays a tape into a dataflow: some nodes live, and one player in place of all others."""

import json
import pickle
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from mio.errors import MioError, did_you_mean
from mio.flow.live import find_flow
from mio.flow.running import RunningFlow
from mio.runtime.control import running_flows
from mio.runtime.slot_protocol import STATE_VARIABLE
from mio.tape import player
from mio.tape.contents import Tape
from mio.tape.format import TapeError
from mio.tape.marks import read_marks
from mio.tape.recording import Options, Recorder, Summary

PLAYER = "tape-player"
_READY_WITHIN_S = 180.0
_TAIL_S = 2.0
_LOOK_S = 0.1
_NOT_PASSED_ON = ("MIO_CONTROL_DIR", "MIO_RUN_DIR")
_NOT_KEPT = ("input_types", "deploy", "max_restarts", "restart_window", "restart_delay")
_LONGEST_QUEUE = 100_000
_QUIET_S = 1.0
_LONGEST_TAIL_S = 15.0


def live_nodes(tape: Tape, first: str | None, only: list[str]) -> list[str]:
    """Which nodes run live.

    Args:
        tape: The tape, with its dataflow.
        first: This node and all that follow from it; wires back to a node that stands earlier in the dataflow do not
            count, or everything would follow from everything.
        only: These nodes.

    Raises:
        TapeError: If the tape has no dataflow, or the dataflow no such node.
    """
    order = [str(node["id"]) for node in tape.flow.get("nodes", [])]
    for node in [*only, *([first] if first else [])]:
        if node not in order:
            raise TapeError(f"the dataflow on {tape.path} has no node '{node}'", did_you_mean(node, order))
    live = set(only)
    if first:
        live.add(first)
        for node in tape.flow["nodes"]:
            place = order.index(node["id"])
            sources = [source for source, _ in _wires(node).values() if source in order[:place]]
            if live.intersection(sources):
                live.add(node["id"])
    return [node for node in order if node in live]


def replay_flow(tape: Tape, live: list[str], signs: Path, speed: str, *, fresh: bool = False) -> dict[str, Any]:
    """The dataflow of a replay, as plain values.

    Args:
        tape: The tape.
        live: Nodes that run.
        signs: Folder through which the player is told to begin.
        speed: Factor, or ``max``.
        fresh: Whether nodes begin as new, instead of where they stood.
    """
    played: dict[str, tuple[str, str]] = {}
    nodes: list[dict[str, Any]] = []
    for node in tape.flow["nodes"]:
        if node["id"] in live:
            nodes.append(_live(tape, node, live, played))
            if not fresh and (state := _state(tape, node["id"])):
                nodes[-1]["env"][STATE_VARIABLE] = str(signs / f"{node['id']}.state")
                (signs / f"{node['id']}.state").write_bytes(state)
    env = {
        "MIO_TAPE": str(tape.path.resolve()),
        "MIO_TAPE_OUTPUTS": json.dumps(played),
        "MIO_TAPE_SIGNS": str(signs),
        "MIO_TAPE_SPEED": speed,
        "PYTHONSAFEPATH": "1",
    }
    playing = {
        "id": PLAYER,
        "path": str(Path(player.__file__).resolve()),
        "inputs": {"alive": "dora/timer/secs/3600"},
        "outputs": sorted(played),
        "shared_memory_pool_size": "64MB",
        "env": env,
    }
    return {"nodes": [*nodes, playing]}


def _live(tape: Tape, node: dict[str, Any], live: list[str], played: dict[str, tuple[str, str]]) -> dict[str, Any]:
    """A node that runs, with its inputs from the player where their senders do not run."""
    runs = tape.runs_of(node["id"]) if node["id"] in tape.nodes else []
    about = runs[-1].about if runs else {}
    folder, recorded = Path(about.get("folder", ".")), dict(about.get("env", {}))
    if recorded.get("MIO_CONFIG"):
        recorded["MIO_CONFIG"] = str(folder / recorded["MIO_CONFIG"])
    env = {**_texts(tape.flow.get("env")), **_texts(node.get("env")), **recorded}
    longest = min(max([len(run.stepped) for run in runs] + [10]), _LONGEST_QUEUE)
    inputs: dict[str, Any] = {}
    for port, wire in (node.get("inputs") or {}).items():
        source, _ = _wires(node)[port]
        if source == "dora" or source in live:
            inputs[port] = wire
            continue
        name = f"{node['id']}_{port}"
        played[name] = node["id"], port
        inputs[port] = {"source": f"{PLAYER}/{name}", "queue_size": longest}
    kept = {key: value for key, value in node.items() if value is not None and key not in _NOT_KEPT}
    path = folder / str(node.get("path", ""))
    changed = {
        "restart_policy": "never",
        "inputs": inputs,
        "env": {k: v for k, v in env.items() if k not in _NOT_PASSED_ON},
    }
    return {**kept, **changed, "path": str(path.resolve()) if path.is_file() else node.get("path")}


def _state(tape: Tape, node: str) -> bytes:
    """Where a node stood when its recording began; empty if that was not recorded."""
    events = (event for run in tape.runs if run.node == node for event in run.events)
    state = next((event.data for event in events if event.event == "state"), b"")
    return pickle.dumps(read_marks(state)) if state else b""


def _wires(node: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Sender and output behind each input."""
    named = {port: wire if isinstance(wire, str) else wire["source"] for port, wire in (node["inputs"] or {}).items()}
    return {port: (source.partition("/")[0], source.partition("/")[2]) for port, source in named.items()}


def _texts(env: Any) -> dict[str, str]:
    return {str(name): str(value) for name, value in (env or {}).items()}


class Playback:
    """A replay that runs in a temporary folder.

    Attributes:
        live: Nodes that run.
    """

    def __init__(self, tape: Tape, live: list[str], speed: str, *, fresh: bool = False) -> None:
        self.live = live
        self._folder = Path(tempfile.mkdtemp(prefix="mio-replay-"))
        path = self._folder / "replay.yml"
        path.write_text(yaml.safe_dump(replay_flow(tape, live, self._folder, speed, fresh=fresh), sort_keys=False))
        self._others = set(running_flows())
        self._running = RunningFlow(path, self._folder / "dora.log")

    def run(self, out: Path | None, options: Options) -> Summary | None:
        """Play to the end.

        Args:
            out: Record what the live nodes do here.
            options: What is kept of it.

        Returns:
            What has been recorded, if anything was to be.

        Raises:
            MioError: If the dataflow fails.
        """
        self._wait_until_ready()
        if out is None:
            self._go()
            while not self._over():
                time.sleep(_LOOK_S)
            return None
        flow_id = next(iter(set(running_flows()) - self._others), None)
        recorder = Recorder(find_flow(flow_id), out, options, {"compare": self.live})
        return recorder.run(stopped=self._when_attached(recorder))

    def close(self) -> None:
        """Stop the dataflow and remove its folder."""
        self._running.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _wait_until_ready(self) -> None:
        deadline_s = time.monotonic() + _READY_WITHIN_S
        while not (self._folder / "ready").exists():
            if not self._running.running:
                raise MioError(
                    f"the replay ended before it began: {self._running.complaint()}", "can its nodes run here?"
                )
            if time.monotonic() > deadline_s:
                raise MioError(f"the nodes were not ready within {_READY_WITHIN_S:g} s", "see: mio check")
            time.sleep(_LOOK_S)

    def _go(self) -> None:
        (self._folder / "go").touch()

    def _when_attached(self, recorder: Recorder) -> Callable[[], bool]:
        """Begins to play once the recorder hears the live nodes; says when it is over."""
        deadline_s = time.monotonic() + _TAIL_S

        def over() -> bool:
            if recorder.connected >= len(self.live) or time.monotonic() > deadline_s:
                self._go()
            quiet_s = time.monotonic() - recorder.worked_s
            return self._over() and (quiet_s > _QUIET_S or self._done_s() > _LONGEST_TAIL_S)

        return over

    def _over(self) -> bool:
        """Whether everything has been played, a while ago, or the dataflow has ended."""
        return not self._running.running or self._done_s() > _TAIL_S

    def _done_s(self) -> float:
        """How long ago everything had been played; negative before."""
        done = self._folder / "done"
        return time.time() - done.stat().st_mtime if done.exists() else -1.0
