"""``mio voice clone RECORDING --text TEXT --to DIR``."""

import argparse
from pathlib import Path

from mio.errors import Needing
from mio.paths import share


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    parser.add_argument("what", choices=("clone",), help="make a voice of one recording")
    parser.add_argument("recording", type=Path, help="one to ten seconds of speech, any sound file")
    parser.add_argument("--text", required=True, help="what is said in it, word by word")
    parser.add_argument("--language", choices=("en", "de"), default="en", help="language of the text (en)")
    parser.add_argument("--to", type=Path, required=True, metavar="DIR", help="folder of the voice")
    parser.add_argument("--weights", type=Path, default=share("weights", "voice-codec"), help="folder of the codec")


def run(args: argparse.Namespace) -> int:
    """Make the voice, and say how to use it."""
    with Needing("a voice", "train,talker,espeak"):
        import torch

        from nodes.talker.training.cloning import clone
    torch.set_num_threads(1)
    made = clone(args.recording, args.text, args.language, args.weights, args.to)
    print(f"{args.to}: {made.length_s:.2f} s, {made.phones} phones, {made.heard:.0%} of the sound heard as they say")
    print(f"speak with it: talker: {{engine: kodama, clone: {args.to}}}")
    return 0
