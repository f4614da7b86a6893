"""What dora tells a node through its environment. Standard library only: supervisors stay small."""

import os
import re
import tempfile
from pathlib import Path

_FIELD = r"^{name}: *[\"']?(?P<value>[^\"'\n]+)"


def dora_node_id() -> str | None:
    """This node's id; None outside a dataflow."""
    return _field("node_id")


def dora_dataflow_id() -> str | None:
    """Id of the running dataflow; None outside one."""
    return _field("dataflow_id")


def control_root() -> Path:
    """Folder that holds one folder of control sockets per running dataflow; only its owner may look into it.

    ``MIO_CONTROL_DIR`` names another one. The path must be short: a socket's may have 107 characters in all.
    """
    named = os.environ.get("MIO_CONTROL_DIR")
    return Path(named) if named else Path(tempfile.gettempdir()) / f"mio-{os.getuid()}"


def _field(name: str) -> str | None:
    config = os.environ.get("DORA_NODE_CONFIG", "")
    match = re.search(_FIELD.format(name=name), config, re.MULTILINE)
    return match["value"] if match else None
