"""Which engine of the talker is measured, with which weights."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nodes.talker.config import TalkerConfig

ENGINES = ("espeak", "kodama")


def add_engine_arguments(parser: argparse.ArgumentParser, default: str) -> None:
    """Describe the choice."""
    parser.add_argument("--engine", choices=ENGINES, default=default, help=f"engine of the talker ({default})")
    add_weights_arguments(parser)


def add_weights_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe where the weights are."""
    parser.add_argument("--codec", type=Path, help="folder of kodama's codec (weights/voice-codec)")
    parser.add_argument("--language-model", type=Path, help="folder of its language model (weights/voice-tts)")


def engine_config(args: argparse.Namespace, engine: str | None = None) -> "TalkerConfig":
    """The configuration that was asked for, or that of an engine by name with the weights that were."""
    import msgspec

    from nodes.talker.config import TalkerConfig

    named = {"codec": args.codec, "language_model": args.language_model}
    changes = {name: path for name, path in named.items() if path is not None}
    return msgspec.structs.replace(TalkerConfig(), engine=engine or args.engine, **changes)
