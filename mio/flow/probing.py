"""A shipped dataflow with one more node that only listens."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import yaml

from mio.paths import share


def probed_flow(name: str, arguments: str, inputs: Mapping[str, Any], env: Mapping[str, str] | None = None) -> Any:
    """A shipped dataflow, to be written anywhere, with a Python program as its node ``probe``.

    Args:
        name: File of the dataflow.
        arguments: What Python is called with, such as ``-m module FILE``.
        inputs: The probe's inputs, as in the YAML.
        env: The probe's environment.

    Returns:
        The dataflow's YAML as plain values; its configuration file is named by its full path.
    """
    path: Path = share("dataflows", name)
    flow = cast(dict[str, Any], yaml.safe_load(path.read_text(encoding="utf-8")))
    flow["env"]["MIO_CONFIG"] = str(path.with_name(flow["env"]["MIO_CONFIG"]))
    flow["nodes"].append(
        {
            "id": "probe",
            "path": sys.executable,
            "args": arguments,
            "env": dict(env or {}),
            "inputs": {**inputs, "alive": "dora/timer/secs/3600"},
        }
    )
    return flow
