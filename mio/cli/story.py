"""``mio story build|check|show``."""

import argparse
import os
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from mio.errors import ConfigError, MioError
from mio.paths import share

if TYPE_CHECKING:
    from nodes.thinker.construction.manuscript import Chapter
    from nodes.thinker.construction.model_reader import Usage
    from nodes.thinker.construction.pack_story import Story
    from nodes.thinker.memory.graph import Node, Present, StoryGraph


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    build = actions.add_parser("build", help="read a text into the story of a character pack")
    build.add_argument("text", type=Path, help="plain text or Markdown, UTF-8")
    build.add_argument("-o", "--output", type=Path, required=True, metavar="PACK", help="folder of the pack")
    build.add_argument("--present", type=float, metavar="CHAPTER", help="chapters that have been told (all)")
    build.add_argument("--model", help="let this language model read it; without one, rules do")
    build.add_argument("--url", default="http://localhost:11434/v1", help="its endpoint (%(default)s)")
    build.add_argument("--key-env", default="OPENAI_API_KEY", metavar="NAME", help="variable with its key")
    build.add_argument(
        "--price", type=float, nargs=2, metavar=("SENT", "RECEIVED"), help="per million tokens, to show what it costs"
    )
    check = actions.add_parser("check", help="look for mistakes in the story of a pack")
    show = actions.add_parser("show", help="say or draw what happens in it")
    for action in (check, show):
        action.add_argument("pack", type=Path, nargs="?", default=share("characters", "mara"), help="its folder")
    show.add_argument("--at", metavar="TIME", help="another present: a date, or the number of a chapter")
    show.add_argument("--known", action="store_true", help="only what may be told at the present")
    show.add_argument("-o", "--output", type=Path, metavar="FILE", help="draw: .svg (timeline), .graph.svg or .html")


def run(args: argparse.Namespace) -> int:
    """Build, check or show a story."""
    actions = {"build": _build, "check": _check, "show": _show}
    try:
        return actions[args.action](args)
    except ModuleNotFoundError as error:
        raise MioError(f"stories need the package {error.name}", "pip install 'mio[thinker]'") from error


def _build(args: argparse.Namespace) -> int:
    from nodes.thinker.construction.extraction import extract_graph
    from nodes.thinker.construction.manuscript import read_manuscript
    from nodes.thinker.construction.story_writer import write_story

    began_s = time.monotonic()
    chapters = read_manuscript(args.text)
    words = sum(len(chapter.text.split()) for chapter in chapters)
    console = Console()
    console.print(f"{args.text}: {len(chapters)} chapters, {words} words")
    if args.present is not None and not 0 <= args.present <= len(chapters):
        raise MioError(f"--present: {args.present:g} is no chapter", f"give a number from 0 to {len(chapters)}")
    graph = _read_with_model(args, chapters, console) if args.model else extract_graph(chapters)
    present = len(chapters) if args.present is None else args.present
    write_story(args.output, graph, {c.number: c.title for c in chapters}, present, f"Read from {args.text.name}.")
    console.print(_amounts(Counter(node.type for node in graph.nodes), len(graph.edges), len(graph.passages)))
    console.print(f"written to {args.output} in {time.monotonic() - began_s:.1f} s", highlight=False)
    return 0


def _read_with_model(args: argparse.Namespace, chapters: "list[Chapter]", console: Console) -> "StoryGraph":
    """Let a language model read, with a bar that shows what it costs."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from nodes.thinker.construction.building import build_graph, plan
    from nodes.thinker.construction.model_reader import ModelReader, Usage
    from nodes.thinker.construction.reading import expected_tokens

    pieces = plan(chapters)
    console.print(f"to read: {len(pieces)} pieces, about {_cost(args, Usage(*expected_tokens(pieces)))}")
    reader = ModelReader(args.url, args.model, os.environ.get(args.key_env, ""))
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"), TimeRemainingColumn())
    try:
        with Progress(*columns, console=console) as bar:
            task = bar.add_task("", total=len(pieces))
            build = build_graph(
                chapters,
                reader,
                args.output,
                lambda now: bar.update(task, completed=now.done, description=_cost(args, now.used)),
            )
    finally:
        reader.close()
    console.print(f"read {build.progress.done - build.progress.kept} pieces, {build.progress.kept} were kept; ", end="")
    console.print(_cost(args, build.progress.used))
    if build.unknown:
        console.print(f"{len(build.unknown)} names without a meaning were left out: {', '.join(build.unknown[:5])}")
    return build.graph


def _cost(args: argparse.Namespace, used: "Usage") -> str:
    tokens = f"{used.sent} + {used.received} tokens"
    if args.price is None:
        return tokens
    price_sent, price_received = args.price
    return f"{tokens}, {(used.sent * price_sent + used.received * price_received) / 1e6:.2f} of your currency"


def _amounts(types: Counter[str], edges: int, passages: int) -> str:
    counted = [f"{count} {type_.replace('_', ' ')}s" for type_, count in types.most_common()]
    return ", ".join([*counted, f"{edges} edges", f"{passages} passages"])


def _check(args: argparse.Namespace) -> int:
    from nodes.thinker.construction.consistency import check_story

    _story(args.pack)
    problems = check_story(args.pack)
    for problem in problems:
        print(problem)
    if not problems:
        Console().print(f"[green]{args.pack}: all is well with the story[/green]")
    return int(bool(problems))


def _story(pack: Path) -> "Story":
    from nodes.thinker.construction.pack_story import examine_story

    if not (pack / "story.yml").is_file():
        raise ConfigError(f"{pack} has no story.yml", "write one, or build it: mio story build TEXT -o PACK")
    return examine_story(pack)[0]


def _show(args: argparse.Namespace) -> int:
    story = _seen(_story(args.pack), args.at, args.known)
    if args.output is None:
        _print(story)
        return 0
    from nodes.thinker.construction.drawing import graph_svg, page_html, timeline_svg

    match args.output.suffixes[-2:]:
        case [".graph", ".svg"]:
            drawing = graph_svg(story)
        case [*_, ".svg"]:
            drawing = timeline_svg(story)
        case [*_, ".html"]:
            drawing = page_html(story, f"The story of {args.pack.resolve().name}")
        case _:
            raise MioError(f"{args.output}: unknown kind of drawing", "name it .svg, .graph.svg or .html")
    try:
        args.output.write_text(drawing, encoding="utf-8")
    except OSError as error:
        raise MioError(f"{args.output}: {error.strerror or error}", "choose another file") from error
    return 0


def _seen(story: "Story", at: str | None, known: bool) -> "Story":
    """The story from another present, or only as far as its teller may tell it."""
    from nodes.thinker.construction.pack_story import permitted

    if at is not None:
        try:
            when = story.calendar.written(at)
        except ValueError as error:
            raise MioError(f"--at: {error}") from error
        story = story._replace(present=story.present._replace(t_now=when))
    return story._replace(graph=permitted(story.graph, story.present)) if known else story


def _print(story: "Story") -> None:
    from nodes.thinker.construction.drawing import timeline_of

    console = Console()
    graph = story.graph
    console.print(_amounts(Counter(node.type for node in graph.nodes), len(graph.edges), len(graph.passages)))
    timeline = timeline_of(story)
    names = {person.id: person.name for person in timeline.people}
    table = Table("when", "", "what", "who", box=None)
    for event in timeline.events:
        mark = _mark(event, story.present)
        who = [names[person] for person, part in sorted(timeline.parts) if part == event.id and person in names]
        style = "dim" if mark else None
        when = story.calendar.text(event.t_start if event.t_fabula is None else event.t_fabula)
        table.add_row(when, mark, escape(event.name), escape(", ".join(who)), style=style)
    console.print(table)
    console.print(f"present: {story.calendar.text(story.present.t_now)}")


def _mark(event: "Node", present: "Present") -> str:
    if event.t_start > present.t_now:
        return "ahead"
    return "" if present.permits(event) else "kept secret"
