"""``mio memory list|show|export|delete``."""

import argparse
import json
import os
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from mio.config import load_config
from mio.errors import MioError
from nodes.thinker.config import ThinkerConfig
from nodes.thinker.memory.people import People


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    parser.add_argument("--character", metavar="NAME", help="only this character's memory, such as mara")
    parser.add_argument("--folder", type=Path, help="where memories are kept (the thinker's memory_dir)")
    commands = parser.add_subparsers(dest="do", metavar="COMMAND", required=True)
    commands.add_parser("list", help="who is remembered, by which character")
    show = commands.add_parser("show", help="what is remembered of a person")
    show.add_argument("person")
    export = commands.add_parser("export", help="everything that is kept of a person, as JSON")
    export.add_argument("person")
    export.add_argument("-o", "--out", type=Path, help="file to write, readable by you only (printed if left out)")
    delete = commands.add_parser("delete", help="delete a person, or one conversation with them")
    delete.add_argument("person")
    delete.add_argument("--conversation", type=int, metavar="N", help="only this one (its number is in 'show')")
    delete.add_argument("--yes", action="store_true", help="do not ask")


def run(args: argparse.Namespace) -> int:
    """Do what was asked."""
    memories = _memories(args)
    try:
        match args.do:
            case "list":
                _list(memories)
            case "show":
                for character, kept in _kept(memories, args.person).items():
                    _show(character, kept)
            case "export":
                _export(_kept(memories, args.person), args.out)
            case _:
                return _delete(memories, args)
    finally:
        for people in memories.values():
            people.close()
    return 0


def _memories(args: argparse.Namespace) -> dict[str, People]:
    """The memories that there are, by the character's name."""
    folder: Path = (args.folder or load_config("thinker", ThinkerConfig).memory_dir).expanduser()
    paths = sorted(folder.glob("*.sqlite"))
    if args.character is not None:
        paths = [path for path in paths if path.stem == args.character]
        if not paths:
            raise MioError(f"no memory of '{args.character}' in {folder}", "see: mio memory list")
    return {path.stem: People(path) for path in paths}


def _list(memories: dict[str, People]) -> None:
    table = Table("character", "person", "conversations", "turns", "last")
    for character, people in memories.items():
        for person in people.everybody():
            last = _when(person.last_s)
            table.add_row(character, person.name, str(person.conversations), str(person.turns), last)
    console = Console()
    console.print(table if table.row_count else "Nobody is remembered.")


def _kept(memories: dict[str, People], person: str) -> dict[str, dict[str, Any]]:
    """What each character has kept of a person."""
    knowing = {
        character: people
        for character, people in memories.items()
        if person in {somebody.name for somebody in people.everybody()}
    }
    if not knowing:
        raise MioError(f"nobody remembers '{person}'", "see: mio memory list")
    return {character: people.export(person) for character, people in knowing.items()}


def _show(character: str, kept: dict[str, Any]) -> None:
    console = Console(highlight=False)
    console.print(f"[bold]{escape(character)}[/bold] remembers of [bold]{escape(kept['person'])}[/bold]:")
    for told in kept["recollections"]:
        of = f" ({told['of']})" if told["of"] else ""
        until = f", until {_when(told['until_s'])}" if told["until_s"] is not None else ""
        what = escape(f"{told['kind'].replace('_', ' ')}{of}: {told['what']}")
        console.print(f"  {what}  [dim]{_when(told['since_s'])}{until}[/dim]")
    for conversation in kept["conversations"]:
        console.print(f"[dim]conversation {conversation['number']}, {_when(conversation['began_s'])}[/dim]")
        for turn in conversation["turns"]:
            console.print(f"  [bold]{escape(kept['person'])}:[/bold] {escape(turn['user'])}")
            console.print(f"  [bold cyan]{escape(character)}:[/bold cyan] {escape(turn['answer'])}")


def _export(kept: dict[str, dict[str, Any]], out: Path | None) -> None:
    text = json.dumps(kept, indent=2, ensure_ascii=False) + "\n"
    if out is None:
        sys.stdout.write(text)
        return
    try:
        with os.fdopen(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            os.fchmod(file.fileno(), 0o600)  # also if there was such a file before
            file.write(text)
    except OSError as error:
        raise MioError(f"cannot write {out}: {error.strerror}", "name another file") from error
    Console().print(f"Written: {out}")


def _delete(memories: dict[str, People], args: argparse.Namespace) -> int:
    knowing = [character for character in _kept(memories, args.person)]
    if args.conversation is not None and len(knowing) > 1:
        raise MioError(f"{' and '.join(knowing)} remember '{args.person}'", "say whose conversation: --character NAME")
    what = f"conversation {args.conversation} of" if args.conversation is not None else "all that is remembered of"
    if not args.yes and not _agreed(f"Delete {what} '{args.person}' ({', '.join(knowing)})? It cannot be undone."):
        return 1
    count = sum(memories[character].delete(args.person, args.conversation) for character in knowing)
    Console().print(f"Deleted: {count} conversation{'' if count == 1 else 's'}.")
    return 0


def _agreed(question: str) -> bool:
    try:
        return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        print()
        raise MioError("nobody answers, so nothing was deleted", "add --yes") from None


def _when(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).strftime("%Y-%m-%d %H:%M")
