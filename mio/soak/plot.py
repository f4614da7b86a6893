"""Draws what was sampled; needs matplotlib, which is not among the project's dependencies."""

from pathlib import Path
from typing import Any

from mio.errors import MioError
from mio.soak.verdict import Values


def plot(columns: dict[str, Values], path: Path) -> None:
    """Memory by node, and the sums of handles and shared memory, over time.

    Args:
        columns: As :meth:`mio.soak.samples.Sampler.columns`.
        path: The picture.

    Raises:
        MioError: If matplotlib is missing.
    """
    try:
        from matplotlib import figure  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise MioError("plots need matplotlib", "pip install matplotlib, or plot the CSV file otherwise") from error
    made: Any = figure.Figure(figsize=(10, 8), layout="constrained")
    memory, handles, shared = made.subplots(3, sharex=True)
    minutes = (columns["mono_s"] - columns["mono_s"][0]) / 60
    for name, values in columns.items():
        node, _, what = name.partition(".")
        if what == "memory_mb":
            memory.plot(minutes, values, label=node)
    memory.set_ylabel("private memory, MB")
    memory.legend(ncols=5, fontsize="small")
    handles.plot(minutes, columns["handles"])
    handles.set_ylabel("file handles")
    shared.plot(minutes, columns["shared_mb"])
    shared.set_ylabel("shared memory, MB")
    shared.set_xlabel("minutes")
    made.savefig(path)
