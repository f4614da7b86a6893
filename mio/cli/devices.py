"""``mio devices``."""

import argparse
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from mio.cli.picked import FILE, KINDS, pick, picked
from mio.errors import MioError, Needing

if TYPE_CHECKING:
    from nodes.io.devices import Listing


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    parser.add_argument(
        "--pick",
        action="append",
        default=[],
        metavar="KIND=DEVICE",
        help=f"device that 'mio talk' takes from now on, such as microphone=USB; kinds: {', '.join(KINDS)}; "
        "'KIND=' forgets the choice",
    )


def run(args: argparse.Namespace) -> int:
    """List all devices, and keep what is picked."""
    listings = device_listings()
    for choice in args.pick:
        kind, _, device = choice.partition("=")
        if kind not in KINDS:
            raise MioError(f"'{choice}' picks nothing", f"write KIND=DEVICE; kinds: {', '.join(KINDS)}")
        pick(kind, device, [(row.choice, row.name) for row in listings[kind].devices])
    console = Console()
    chosen = picked()
    table = Table("kind", "choose", "name", "", box=None)
    for kind, listing in listings.items():
        for row in listing.devices:
            is_chosen = chosen.get(kind) in (row.choice, row.name)
            mark = "picked" if is_chosen else "default" if row.default and kind not in chosen else ""
            table.add_row(kind, row.choice, escape(row.name), f"{escape(row.detail)} [green]{mark}[/green]")
        if not listing.devices:
            table.add_row(kind, "-", f"[yellow]{escape(listing.problem)}[/yellow]", escape(listing.remedy))
    console.print(table)
    if chosen:
        console.print(f"[dim]picked in {FILE}: {escape(', '.join(f'{k}={v}' for k, v in chosen.items()))}[/dim]")
    return 0


def device_listings() -> "dict[str, Listing]":
    """The devices of each kind, or why they cannot be listed.

    Raises:
        MioError: If a package is missing.
    """
    with Needing("listing devices", "io"):
        from nodes.io import devices
    return {
        "microphone": devices.list_microphones(),
        "speaker": devices.list_speakers(),
        "camera": devices.list_cameras(),
        "screen": devices.list_displays(),
    }
