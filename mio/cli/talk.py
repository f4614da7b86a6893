"""``mio talk``."""

import argparse
from pathlib import Path

from mio.cli.picked import picked
from mio.cli.run import overrides, run_flow
from mio.paths import share

_DEVICES = {
    "microphone": "'default', a name or number of 'mio devices', a sound file, or null",
    "speaker": "'default', a name or number of 'mio devices', or null",
    "screen": "'window' or null",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    for device, text in _DEVICES.items():
        parser.add_argument(f"--{device}", metavar="DEVICE", help=text)
    parser.add_argument("--character", type=Path, help="character pack")
    parser.add_argument("--out", type=Path, default=Path("out/talk"), help="folder for transcript.md and events.jsonl")
    parser.add_argument("--flow", type=Path, default=share("dataflows", "mio.yml"), help="another dataflow")
    parser.add_argument(
        "--set", action="append", default=[], metavar="NODE.KEY=VALUE", help="override a key of the configuration"
    )


def run(args: argparse.Namespace) -> int:
    """Check the devices, then run the live flow."""
    out: Path = args.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    env = {
        "MIO_RUN_DIR": str(out / "run"),
        "MIO_JOURNAL__EVENTS": str(out / "events.jsonl"),
        "MIO_JOURNAL__TRANSCRIPT": str(out / "transcript.md"),
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
    return run_flow(args.flow, env)
