"""``mio character check|show``."""

import argparse
from collections import Counter
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from mio.character import read_character
from mio.errors import MioError
from mio.paths import share


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    parser.add_argument("action", choices=("check", "show"), help="look for mistakes, or say what the pack contains")
    parser.add_argument("pack", type=Path, nargs="?", default=share("characters", "mara"), help="folder of the pack")
    parser.add_argument("--topic", help="with show: every entry about this topic, with its answers")


def run(args: argparse.Namespace) -> int:
    """Check or show a pack."""
    return _check(args.pack) if args.action == "check" else _show(args.pack, args.topic)


def _check(pack: Path) -> int:
    try:
        from nodes.renderer.config import Look
        from nodes.talker.config import VoiceSettings
        from nodes.thinker.check import check_character
        from nodes.thinker.encoder import SentenceEncoder
    except ModuleNotFoundError as error:
        raise MioError(f"checking a pack needs the package {error.name}", "pip install 'mio[all]'") from error
    character = read_character(pack)
    character.section("voice", VoiceSettings)
    character.section("look", Look)
    problems = check_character(pack, SentenceEncoder())
    for problem in problems:
        print(problem)
    if not problems:
        Console().print(f"[green]{pack}: all is well[/green]")
    return int(bool(problems))


def _show(pack: Path, topic: str | None) -> int:
    character = read_character(pack)
    knowledge = character.knowledge()
    console = Console()
    if topic is not None:
        entries = [entry for entry in knowledge.entries if entry.topic == topic]
        if not entries:
            raise MioError(f"nothing about '{topic}'", f"topics: {', '.join(sorted(knowledge.topics))}")
        for entry in entries:
            console.print(f"[bold]{escape(entry.questions[0])}[/bold]  [dim]{entry.id}[/dim]")
            for answer in entry.answers:
                console.print(f"  {escape(answer)}")
        return 0
    kinds = Counter(entry.kind for entry in knowledge.entries)
    questions = sum(len(entry.questions) for entry in knowledge.entries)
    console.print(f"[bold]{character.name}[/bold]: {len(knowledge.entries)} entries, {questions} example questions")
    console.print(", ".join(f"{count} {kind}" for kind, count in kinds.most_common()))
    table = Table("topic", "entries", "how it is called", box=None)
    for key, about in sorted(knowledge.topics.items()):
        table.add_row(key, str(sum(entry.topic == key for entry in knowledge.entries)), escape(about.name))
    console.print(table)
    return 0
