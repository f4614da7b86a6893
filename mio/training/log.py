"""What a training measured at every step: one JSON object per line, appended, easily plotted."""

import json
import math
from collections.abc import Mapping
from pathlib import Path

Columns = dict[str, list[float]]


class TrainingLog:
    """Appends the figures of each step to a file."""

    def __init__(self, path: Path, after_step: int = 0) -> None:
        """Open it.

        Args:
            path: The file; made if it is missing.
            after_step: Last step that counts; later lines, of a run that was cut off, are dropped.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        kept = [line for line in _lines(path) if json.loads(line)["step"] <= after_step]
        path.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")
        self._file = path.open("a", encoding="utf-8")

    def write(self, step: int, figures: Mapping[str, float]) -> None:
        """Add a line; what is not a number is left out."""
        finite = {name: round(float(value), 6) for name, value in figures.items() if math.isfinite(value)}
        self._file.write(json.dumps({"step": step, **finite}) + "\n")
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def read_log(path: Path) -> Columns:
    """Figures by name, one value per step; NaN where a step did not measure it.

    Args:
        path: File of a :class:`TrainingLog`.
    """
    rows = [json.loads(line) for line in _lines(path)]
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [float(row.get(name, math.nan)) for row in rows] for name in names}


def _lines(path: Path) -> list[str]:
    """Whole lines of a log; one that was cut off in the middle is no line."""
    if not path.is_file():
        return []
    text = path.read_text(encoding="utf-8")
    return text[: text.rfind("\n") + 1].splitlines()
