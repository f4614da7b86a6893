"""``mio run FLOW``."""

import argparse
import os
from pathlib import Path

from mio.cli.check import print_problems
from mio.errors import MioError
from mio.flow.check import check_flow
from mio.flow.dora import dora_command, dora_environment


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    parser.add_argument("flow", type=Path, help="dataflow YAML")
    parser.add_argument(
        "--set", action="append", default=[], metavar="NODE.KEY=VALUE", help="override a key of the configuration"
    )


def run(args: argparse.Namespace) -> int:
    """Check the flow, then become ``dora run``."""
    return run_flow(args.flow, overrides(args.set))


def overrides(settings: list[str]) -> dict[str, str]:
    """Turn ``NODE.KEY=VALUE`` into the environment variables that override the configuration.

    Raises:
        MioError: If one is not of that form.
    """
    env: dict[str, str] = {}
    for setting in settings:
        key, equals, value = setting.partition("=")
        node, dot, name = key.partition(".")
        if not (equals and dot and node and name):
            raise MioError(f"'{setting}' is no setting", "write NODE.KEY=VALUE, such as talker.engine=espeak")
        env[f"MIO_{node.upper().replace('-', '_')}__{name.upper().replace('.', '__')}"] = value
    return env


def run_flow(flow: Path, env: dict[str, str]) -> int:
    """Check a dataflow and become ``dora run``, which ends with Ctrl-C.

    Raises:
        MioError: If the check finds an error.
    """
    environ = {**os.environ, **env}
    problems = check_flow(flow, environ)
    print_problems(problems)
    if any(problem.severity == "error" for problem in problems):
        raise MioError(f"{flow} cannot run", "see above")
    command = dora_command()
    os.execvpe(command, [command, "run", str(flow)], dora_environment(environ))
