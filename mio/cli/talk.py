"""``mio talk``."""

import argparse
import os
import time
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from mio.cli.check import print_problems
from mio.cli.picked import picked
from mio.cli.run import overrides
from mio.demo.events import Event, EventReader
from mio.errors import MioError
from mio.flow.check import check_flow
from mio.flow.running import LogReader, RunningFlow
from mio.paths import share

_DEVICES = {
    "microphone": "'default', a name or number of 'mio devices', a sound file, or null",
    "speaker": "'default', a name or number of 'mio devices', or null",
    "screen": "'window' or null",
}
_LOOK_EVERY_S = 0.1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    for device, text in _DEVICES.items():
        parser.add_argument(f"--{device}", metavar="DEVICE", help=text)
    parser.add_argument("--character", type=Path, help="character pack")
    parser.add_argument("--person", default="you", metavar="NAME", help="who talks: the character remembers them (you)")
    parser.add_argument("--no-memory", action="store_true", help="remember nothing of this conversation afterwards")
    parser.add_argument("--out", type=Path, default=Path("out/talk"), help="folder for transcript, events and log")
    parser.add_argument("--flow", type=Path, default=share("dataflows", "mio.yml"), help="another dataflow")
    parser.add_argument(
        "--set", action="append", default=[], metavar="NODE.KEY=VALUE", help="override a key of the configuration"
    )


def run(args: argparse.Namespace) -> int:
    """Check the devices, then run the live flow until the window is closed or Ctrl-C."""
    out: Path = args.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    env = _environment(args, out)
    problems = check_flow(args.flow, {**os.environ, **env})
    print_problems(problems)
    if any(problem.severity == "error" for problem in problems):
        raise MioError(f"{args.flow.name} cannot run", "see above")
    events = EventReader(out / "events.jsonl", skip_old=True)
    console = Console(highlight=False)
    console.print("Starting. Ctrl-C, or closing the window, ends the conversation.")
    with RunningFlow(args.flow, out / "dora.log", env) as flow:
        _follow(flow, events, console)
    console.print(f"[dim]Transcript: {out / 'transcript.md'}[/dim]")
    return 0


def _environment(args: argparse.Namespace, out: Path) -> dict[str, str]:
    env = {
        "MIO_RUN_DIR": str(out / "run"),
        "MIO_JOURNAL__EVENTS": str(out / "events.jsonl"),
        "MIO_JOURNAL__TRANSCRIPT": str(out / "transcript.md"),
        "MIO_THINKER__PERSON": "" if args.no_memory else args.person,
        **overrides(args.set),
    }
    choices = picked()
    for device in _DEVICES:
        chosen = getattr(args, device) or choices.get(device)
        if chosen is not None:
            path = Path(chosen)
            env[f"MIO_{device.upper()}__DEVICE"] = str(path.resolve()) if path.is_file() else chosen
    if args.character is not None:
        env["MIO_SHARED__CHARACTER"] = str(args.character.resolve())
    return env


def _follow(flow: RunningFlow, events: EventReader, console: Console) -> None:
    """Print what is said and what the nodes complain of, until the end.

    Raises:
        MioError: If the flow ends by itself.
    """
    log, dialogue = LogReader(flow.log_path), _Dialogue(console)
    try:
        while flow.running:
            for line in log.new():
                console.print(escape(line), style="dim")
            for event in events.new():
                if event["port"] == "command" and event["action"] == "quit":
                    return
                dialogue.take(event)
            time.sleep(_LOOK_EVERY_S)
    except KeyboardInterrupt:
        return
    raise MioError(f"the dataflow ended: {flow.complaint()}", f"see {flow.log_path}")


class _Dialogue:
    """Prints who says what; a question when it is answered, since the user may go on after a pause."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._question = ""

    def take(self, event: Event) -> None:
        if event["port"] == "transcript" and event["final"]:
            self._question = event["text"]
        if event["port"] == "reply" and event["text"]:
            if self._question:
                self._console.print(f"[bold]You:[/bold] {escape(self._question)}")
                self._question = ""
            self._console.print(f"[bold cyan]Avatar:[/bold cyan] {escape(event['text'])}")
