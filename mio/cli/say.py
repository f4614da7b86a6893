"""``mio say TEXT -o FILE``."""

import argparse
from pathlib import Path

from mio.errors import Needing


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    parser.add_argument("text", help="what to say")
    parser.add_argument("-o", "--output", type=Path, default=Path("speech.wav"), help="wav file (speech.wav)")
    parser.add_argument("--voice", help="voice of the speech engine; the character's if left out")


def run(args: argparse.Namespace) -> int:
    """Write the sound file."""
    with Needing("speaking", "talker,espeak"):
        from nodes.talker.engine import say
    say(args.text, args.output, voice=args.voice)
    print(args.output)
    return 0
