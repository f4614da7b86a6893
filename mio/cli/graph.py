"""``mio graph FLOW``."""

import argparse
from pathlib import Path

from mio.errors import MioError
from mio.flow.dataflow import read_flow
from mio.flow.graph import to_mermaid, to_svg, to_text
from mio.paths import share


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    parser.add_argument("flow", type=Path, nargs="?", default=share("dataflows", "mio.yml"), help="dataflow YAML")
    parser.add_argument(
        "--format", choices=("text", "mermaid", "svg"), help="text on a terminal, or by the file's name"
    )
    parser.add_argument("-o", "--output", type=Path, help="write to a file: .svg, .mmd or .txt")


def run(args: argparse.Namespace) -> int:
    """Print or write the drawing."""
    flow = read_flow(args.flow)
    by_suffix = {".svg": "svg", ".mmd": "mermaid"}.get(args.output.suffix if args.output else "", "text")
    match args.format or by_suffix:
        case "svg":
            drawing = to_svg(flow)
        case "mermaid":
            drawing = to_mermaid(flow)
        case _:
            drawing = to_text(flow)
    if args.output is None:
        print(drawing)
        return 0
    try:
        args.output.write_text(drawing, encoding="utf-8")
    except OSError as error:
        raise MioError(f"{args.output}: {error.strerror or error}", "choose another file") from error
    return 0
