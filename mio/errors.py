"""The one error a user of Mio sees: what is wrong, where, and what to do about it."""

import difflib
from collections.abc import Iterable


class MioError(Exception):
    """A failure with its remedy, printed as one line without a traceback.

    Attributes:
        problem: What is wrong, with the place (file and line, node, port) where it is known.
        remedy: What the user can do; empty if there is nothing.
    """

    def __init__(self, problem: str, remedy: str = "") -> None:
        super().__init__(problem if not remedy else f"{problem} -> {remedy}")
        self.problem = problem
        self.remedy = remedy


class ContractError(MioError):
    """A message that breaks its contract: wrong kind, version, type, shape or value."""


class ConfigError(MioError):
    """A configuration or dataflow that cannot be used as it stands."""


class DeviceError(MioError):
    """A microphone, loudspeaker, camera or display that is missing or failed."""


class Needing:
    """Imports of packages that may be missing: ``with Needing("the codec", "kodama"): import torch``.

    Raises:
        MioError: On the way out, if one of them is: what needs which package, and the extra that brings it.
    """

    def __init__(self, what: str, extra: str) -> None:
        self._what, self._extra = what, extra

    def __enter__(self) -> None:
        """Nothing yet."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        """See the class."""
        if isinstance(error, ModuleNotFoundError):
            raise MioError(
                f"{self._what} needs the package {error.name}", f"pip install 'mio[{self._extra}]'"
            ) from error


def did_you_mean(name: str, known: Iterable[str], otherwise: str = "") -> str:
    """A remedy for a misspelt name.

    Args:
        name: What was written.
        known: What could have been meant.
        otherwise: The remedy if nothing comes close; if left out, the known names.
    """
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1)
    return f"did you mean '{close[0]}'?" if close else otherwise or f"known: {', '.join(names) or 'none'}"
