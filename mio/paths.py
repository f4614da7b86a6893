"""Where the project's dataflows, characters and weights are, in a checkout or installed from a wheel."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def share(*parts: str) -> Path:
    """Path of a file or folder that the project ships, such as ``share("dataflows", "mio.yml")``."""
    checkout = _PACKAGE.parent.joinpath(*parts)
    return checkout if checkout.exists() else _PACKAGE.joinpath("share", *parts)
