"""The folder of one training run: settings, log, and checkpoints that survive being killed at any moment.

``config.yaml`` is what the run was begun with, ``log.jsonl`` has the figures of every step, and each folder like
``step-00000120`` is a checkpoint: ``weights.safetensors``, ``config.yaml`` and ``state.pt`` (optimiser, generators,
position in the data).
"""

import os
import re
import shutil
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import msgspec
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from mio.errors import ConfigError, MioError
from mio.nn.weights import CONFIG, WEIGHTS, write_weights

T = TypeVar("T", bound=msgspec.Struct)

_STATE = "state.pt"
_STEP = re.compile(r"step-(\d+)")
_KEPT = 2


class Checkpoint(NamedTuple):
    """What a training goes on from.

    Attributes:
        step: Steps done.
        weights: By name.
        state: Whatever else it needs: plain values and tensors.
    """

    step: int
    weights: dict[str, Tensor]
    state: dict[str, Any]


class RunFolder:
    """Keeps the last two checkpoints of a run.

    Attributes:
        path: The folder.
    """

    def __init__(self, path: Path, config: msgspec.Struct) -> None:
        """Begin a run, or open one that was begun.

        Args:
            path: The folder; made if it is missing.
            config: Settings of the run, written into every checkpoint.

        Raises:
            ConfigError: If the folder belongs to a run with other settings.
        """
        self.path = path
        self._config = config
        path.mkdir(parents=True, exist_ok=True)
        settings = path / CONFIG
        if settings.is_file():
            _compare(settings, config)
        else:
            _write(settings, msgspec.yaml.encode(config))

    @property
    def log(self) -> Path:
        """File of the log."""
        return self.path / "log.jsonl"

    def save(self, checkpoint: Checkpoint) -> Path:
        """Write a checkpoint; it is there whole or not at all."""
        folder = self.path / f"step-{checkpoint.step:08d}"
        unfinished = self.path / f"unfinished-{os.getpid()}"
        shutil.rmtree(unfinished, ignore_errors=True)
        write_weights(unfinished, checkpoint.weights, self._config)
        torch.save(checkpoint.state, unfinished / _STATE)
        for file in unfinished.iterdir():
            _sync(file)
        shutil.rmtree(folder, ignore_errors=True)
        unfinished.rename(folder)
        _sync(self.path)
        for old in self._steps()[:-_KEPT]:
            shutil.rmtree(self.path / f"step-{old:08d}")
        return folder

    def latest(self, device: str = "cpu") -> Checkpoint | None:
        """The last checkpoint; None before the first.

        Raises:
            MioError: If it cannot be read.
        """
        steps = self._steps()
        if not steps:
            return None
        folder = self.path / f"step-{steps[-1]:08d}"
        try:
            state = torch.load(folder / _STATE, map_location=device, weights_only=True)
            return Checkpoint(steps[-1], load_file(folder / WEIGHTS, device=device), state)
        except (OSError, RuntimeError, ValueError, SafetensorError) as error:
            raise MioError(f"{folder}: {error}", "delete that folder to go on from the one before") from error

    def _steps(self) -> list[int]:
        names = (_STEP.fullmatch(entry.name) for entry in self.path.iterdir())
        return sorted(int(name[1]) for name in names if name)


def read_run(path: Path, struct: type[T]) -> tuple[T, Checkpoint]:
    """Settings and last checkpoint of a run.

    Raises:
        MioError: If there is none.
    """
    try:
        config = msgspec.yaml.decode((path / CONFIG).read_bytes(), type=struct)
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: {error}", "name the folder of a training, or train that stage first") from error
    checkpoint = RunFolder(path, config).latest()
    if checkpoint is None:
        raise MioError(f"{path}: no checkpoint yet", "train first")
    return config, checkpoint


def _compare(path: Path, config: msgspec.Struct) -> None:
    """Refuse other settings; one that the file does not name has its default."""
    try:
        known = msgspec.to_builtins(msgspec.yaml.decode(path.read_bytes(), type=type(config)))
    except msgspec.ValidationError:
        known = msgspec.yaml.decode(path.read_bytes())
    wanted = msgspec.to_builtins(config)
    for key in sorted(known.keys() | wanted.keys()):
        if known.get(key) != wanted.get(key):
            raise ConfigError(
                f"{path}: this run was begun with {key}: {known.get(key)}, not {wanted.get(key)}",
                "use the same settings to go on, or another folder",
            )


def _write(path: Path, content: bytes) -> None:
    unfinished = path.with_name(f"{path.name}.{os.getpid()}")
    unfinished.write_bytes(content)
    _sync(unfinished)
    unfinished.replace(path)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
