"""``mio character new|check|show|use``."""

import argparse
from collections import Counter
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from mio.character import read_character
from mio.cli._new_character import write_new_character
from mio.cli.run import overrides
from mio.cli.swap import HAND_OVER_S
from mio.errors import MioError, Needing
from mio.flow.live import LiveFlow, find_flow
from mio.flow.packages import config_struct
from mio.paths import share


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    new = actions.add_parser("new", help="write a pack that works at once, to be filled")
    new.add_argument("pack", type=Path, help="folder to make")
    new.add_argument("--name", help="the character's name; that of the folder if left out")
    check = actions.add_parser("check", help="look for mistakes")
    show = actions.add_parser("show", help="say what the pack contains")
    for action in (check, show):
        action.add_argument("pack", type=Path, nargs="?", default=share("characters", "mara"), help="its folder")
    show.add_argument("--topic", help="every entry about this topic, with its answers")
    use = actions.add_parser("use", help="let a running dataflow become this character")
    use.add_argument("pack", type=Path, help="folder of the pack")
    use.add_argument("--flow", metavar="ID", help="which dataflow, where several are running")
    use.add_argument("--timeout", type=float, default=180.0, metavar="S", help="how long each node may load (180)")


def run(args: argparse.Namespace) -> int:
    """Write, check, show or use a pack."""
    match args.action:
        case "new":
            return _new(args.pack, args.name or args.pack.resolve().name.replace("_", " ").title())
        case "check":
            return _check(args.pack)
        case "use":
            return _use(args.pack, find_flow(args.flow), args.timeout)
        case _:
            return _show(args.pack, args.topic)


def _new(pack: Path, name: str) -> int:
    for path in write_new_character(pack, name):
        print(path)
    print(f"try it: mio talk --character {pack}    check it: mio character check {pack}")
    return 0


def _use(pack: Path, flow: LiveFlow, timeout_s: float) -> int:
    """Swap every node that reads the pack, the thinker first: what it refuses leaves the others as they are."""
    character = read_character(pack)
    character.knowledge()
    nodes = sorted((node for node in flow.sockets if _reads_pack(node)), key=lambda node: node != "thinker")
    if not nodes:
        raise MioError("no running node reads a character pack", f"running: {', '.join(flow.sockets)}")
    for done, node in enumerate(nodes):
        env = overrides([f"{node}.character={pack.resolve()}"])
        try:
            answer = flow.ask(node, {"do": "swap", "env": env, "load_s": timeout_s}, timeout_s + HAND_OVER_S)
        except MioError as error:
            before = f" ({', '.join(nodes[:done])} already is {character.name})" if done else ""
            raise MioError(f"{error.problem}{before}", error.remedy or "try again") from error
        print(f"{node}: {character.name}, handed over in {answer['handover_ms']} ms")
    return 0


def _reads_pack(node: str) -> bool:
    """Whether a node's configuration names a character pack."""
    try:
        struct = config_struct(f"nodes.{node}")
    except ModuleNotFoundError:
        return False
    return struct is not None and "character" in struct.__struct_fields__


def _check(pack: Path) -> int:
    with Needing("checking a pack", "all"):
        from mio.sentences.encoder import SentenceEncoder, embed_cached
        from nodes.renderer.config import Look
        from nodes.talker.config import VoiceSettings
        from nodes.thinker.check import check_character
        from nodes.thinker.config import ThinkerConfig
        from nodes.thinker.construction.consistency import check_story
        from nodes.thinker.engine import cache_folder
    character = read_character(pack)
    character.section("voice", VoiceSettings)
    character.section("look", Look)
    embed = partial(embed_cached, SentenceEncoder(), folder=cache_folder(ThinkerConfig().cache_dir, character))
    problems = [*check_character(pack, embed), *check_story(pack)]
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
    if (pack / "story.yml").is_file():
        console.print(f"Its story: mio story show {pack}", highlight=False)
    return 0
