"""What a node is: what another process needs to know to build the same engine again."""

import os
import platform
import re
import socket
from pathlib import Path
from typing import Any

from mio import __version__
from mio.runtime.dora_env import dora_node_id

_SECRET = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD)$")
_HIDDEN = "(hidden)"


def identity(package: str) -> dict[str, Any]:
    """Package, configuration and dataflow of this process, as plain values.

    Args:
        package: Such as ``nodes.talker``.

    Returns:
        ``node``, ``package``, ``host``, ``pid``, ``python``, ``mio``; ``folder``, which relative paths in ``env`` refer
        to; ``env``, the variables ``MIO_*`` without secrets; ``config``, the text of the configuration file; ``dora``,
        what dora told the node, with the dataflow's description.
    """
    env = {name: _HIDDEN if _SECRET.search(name) else value for name, value in os.environ.items() if _ours(name)}
    return {
        "node": dora_node_id() or package,
        "package": package,
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "python": platform.python_version(),
        "mio": __version__,
        "folder": os.getcwd(),
        "env": env,
        "config": _text(os.environ.get("MIO_CONFIG", "")),
        "dora": os.environ.get("DORA_NODE_CONFIG", ""),
    }


def _ours(name: str) -> bool:
    return name.startswith("MIO_") and not name.startswith("MIO_SLOT_")


def _text(config: str) -> str:
    try:
        return Path(config).read_text() if config else ""
    except OSError:
        return ""
