"""dora's own command line: validation, and how a dataflow is run."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from mio.errors import MioError, did_you_mean
from mio.runtime.transport import OVERLAY

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_MISMATCH = re.compile(r"^ *- (.*type mismatch.*)$", re.MULTILINE)
_CAUSE = re.compile(r"^ +\d+: (.*)$", re.MULTILINE)
_POSITION = re.compile(r" at line (?P<line>\d+) column \d+")
_UNKNOWN_KEY = re.compile(r"(?P<where>[^:]+): unknown field `(?P<key>\w+)`, expected one of (?P<known>.*)$")


def dora_command() -> str:
    """Path of the ``dora`` program of this environment.

    Raises:
        MioError: If it is not installed.
    """
    beside = Path(sys.executable).with_name("dora")
    found = str(beside) if beside.is_file() else shutil.which("dora")
    if not found:
        raise MioError("dora is not installed", "pip install dora-rs-cli==1.1.0")
    return found


def dora_environment(environ: dict[str, str] | None = None) -> dict[str, str]:
    """Environment in which dora and its nodes run: lossless transport, no backtraces, this environment's programs."""
    env = dict(os.environ if environ is None else environ)
    env["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{env.get('PATH', '')}"
    env.setdefault("DORA_ZENOH_CONFIG_OVERLAY", str(OVERLAY))
    env["RUST_BACKTRACE"] = "0"
    env.setdefault("UV_NO_SYNC", "1")
    return env


def validate(path: Path) -> list[tuple[str, str]]:
    """What ``dora validate --strict-types`` finds wrong, as problem and remedy."""
    command = [dora_command(), "validate", "--strict-types", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, env=dora_environment())
    if done.returncode == 0:
        return []
    text = _COLOUR.sub("", done.stdout + done.stderr).partition("Location:")[0]
    telling = _MISMATCH.findall(text) or _CAUSE.findall(text)[-1:] or [text.strip().splitlines()[-1]]
    return [_explain(path, problem.strip()) for problem in telling]


def _explain(path: Path, problem: str) -> tuple[str, str]:
    """Put the line that dora names in front, and guess what a misspelt key should have been."""
    position = _POSITION.search(problem)
    place = f"{path}:{position['line']}" if position else str(path)
    unknown = _UNKNOWN_KEY.match(_POSITION.sub("", problem))
    if unknown is None:
        return f"{place}: {_POSITION.sub('', problem)}", f"see: dora validate --strict-types {path}"
    known = re.findall(r"`(\w+)`", unknown["known"])
    return f"{place}: {unknown['where']}: unknown key '{unknown['key']}'", did_you_mean(unknown["key"], known)
